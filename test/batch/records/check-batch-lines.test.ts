// How the lines of a batch are checked one after the other: which of them are counted, passed on and kept.

import { expect, test } from 'vitest'
import type { BatchFile } from '../../../src/batch/records/batch-file.ts'
import { type BatchCheckOptions, checkBatch } from '../../../src/batch/records/check-batch.ts'
import { identify, recordKey } from '../../../src/batch/records/record.ts'
import type { Diagnostic, Failure } from '../../../src/failure.ts'
import type { OperationName } from '../../../src/operations/catalogue.ts'
import { newCheck } from '../../payload/checking.ts'
import { countTurns } from '../files.ts'
import { invoice, readOne, recordContext, refund } from '../records.ts'

const wholeBatch = { index: 1, count: 1 }
const { signal } = new AbortController()

const textOf = (records: readonly (object | string)[]) =>
  records.map((record) => `${typeof record === 'string' ? record : JSON.stringify(record)}\n`).join('')

/** A batch in memory. */
const batchOf = (operation: OperationName, content: string | Buffer): BatchFile => ({
  context: recordContext(operation),
  source: Buffer.from(content),
  path: 'batch.ndjson',
  newCheck: () => newCheck(),
})

const check = (
  file: BatchFile,
  { shard = wholeBatch, ...options }: Partial<BatchCheckOptions> & { shard?: typeof wholeBatch } = {},
) => checkBatch(file, shard, { isResumed: false, signal, ...options })

const diagnosticsOf = (file: BatchFile, options: Partial<BatchCheckOptions> = {}) =>
  check(file, options).then(
    () => [],
    (error) => (error as Failure).diagnostics,
  )

/** Collects what `onRecord` gets: lines with messages of their warnings. */
function collector() {
  const found: (readonly [line: number, warnings: readonly string[]])[] = []
  const onRecord: BatchCheckOptions['onRecord'] = ({ line }, _, warnings: readonly Diagnostic[]) =>
    void found.push([line, warnings.map(({ message }) => message)])
  return { found, onRecord }
}

const [item] = invoice.items
/** An invoice whose text has a warning, and nothing else has one. */
const inexactInvoice = JSON.stringify({
  ...invoice,
  externalId: 'a',
  items: [{ ...item, billingPlanId: 'max' }],
}).replace('"quantity":2', '"quantity":2.00000000000000000001')
const inexactMessage = 'is not sent as it is written: JSON numbers keep 15 to 17 digits'

test('each record without errors is passed on, with the warnings of its text and of its check', async () => {
  const { found, onRecord } = collector()
  const wrongTotal = { ...invoice, externalId: 'b', items: [{ ...item, billingPlanId: 'free', total: '9.00' }] }
  const { warnings } = await check(batchOf('submitInvoice', textOf([invoice, inexactInvoice, wrongTotal])), {
    onRecord,
  })
  expect(found).toEqual([
    [1, []],
    [2, [inexactMessage]],
    [3, [expect.any(String)]],
  ])
  expect(warnings.map(({ position, message }) => [position?.line, message])).toEqual(
    found.slice(1).map(([line, messages]) => [line, messages[0]]),
  )
})

test('records after errors are passed on, unless there are a thousand', async () => {
  for (const [errors, lines] of [
    [999, [1000]],
    [1000, []],
  ] as const) {
    const { found, onRecord } = collector()
    const content = textOf([...Array<string>(errors).fill('[]'), refund])
    expect(await diagnosticsOf(batchOf('updateInvoice', content), { onRecord })).toHaveLength(errors)
    expect(found.map(([line]) => line)).toEqual(lines)
  }
})

test('the lines of other shards keep their places without a key, also if their records are passed on', async () => {
  const records = Array.from({ length: 6 }, (_, number) => ({
    ...refund,
    integrationConfigurationId: `icfg_${number}`,
  }))
  const keys = records.map((value) => {
    const { record } = readOne('updateInvoice', value)
    return record ? recordKey(identify(record)) : ''
  })
  const { found, onRecord } = collector()
  for (const options of [{}, { onRecord }]) {
    const checked = await Promise.all(
      [1, 2].map((index) =>
        check(batchOf('updateInvoice', textOf(records)), { shard: { index, count: 2 }, isResumed: true, ...options }),
      ),
    )
    expect(checked.reduce((sum, { total }) => sum + total, 0)).toBe(records.length)
    for (const [index, key] of keys.entries()) {
      const places = checked.filter(({ recordStates }) => recordStates?.isAt(index, key))
      expect(places).toHaveLength(1)
      expect(checked.filter(({ recordStates }) => recordStates?.has(key, 'none'))).toEqual(places)
    }
  }
  expect(found).toHaveLength(2 * records.length)
})

test('a first run keeps no keys', async () => {
  expect((await check(batchOf('updateInvoice', textOf([refund])))).recordStates).toBeUndefined()
})

test('several refunds of an invoice are known, and other operations have no refunds', async () => {
  const records = [refund, { ...refund, total: '2.00' }, { ...refund, invoiceId: 'inv_2' }]
  const { hasSeveralRefunds } = await check(batchOf('updateInvoice', textOf(records)))
  const isSeveral = ['inv_1', 'inv_2', 'inv_3'].map((invoiceId) =>
    hasSeveralRefunds?.({ installation: 'icfg_1', invoiceId }),
  )
  expect(isSeveral).toEqual([true, false, false])
  const read = { integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1' }
  expect((await check(batchOf('getInvoice', textOf([read])))).hasSeveralRefunds).toBeUndefined()
})

test('a line that cannot be read is an error, and the records around it are compared', async () => {
  const content = Buffer.concat([
    Buffer.from(textOf([refund])),
    Buffer.from([0xff, 0x0a]),
    Buffer.from(textOf([refund])),
  ])
  const { found, onRecord } = collector()
  const diagnostics = await diagnosticsOf(batchOf('updateInvoice', content), { onRecord })
  expect(diagnostics.map(({ position, message }) => [position?.line, message])).toEqual([
    [2, 'the record is not UTF-8 text'],
    [
      3,
      'the record refunds the same invoice with the same reason and total as line 1: remove one, or give each its own `id` to send both',
    ],
  ])
  expect(found.map(([line]) => line)).toEqual([1, 3])
})

test.each([
  ['', 'must be text, because the journal identifies the record by it; it is empty'],
  [7, 'must be text, because the journal identifies the record by it, not a number'],
])('the wrong id %j is not a repeated id', async (id, message) => {
  const records = [
    { ...refund, id },
    { ...refund, id, total: '2.00' },
    { ...refund, total: '3.00' },
    { ...refund, total: '3.00' },
  ]
  const diagnostics = await diagnosticsOf(batchOf('updateInvoice', textOf(records)))
  expect(diagnostics.slice(0, -1).map(({ position, message }) => [position?.line, message])).toEqual([
    [1, message],
    [2, message],
  ])
  expect(diagnostics.at(-1)?.position?.line).toBe(4)
})

test('the event loop gets few turns while a short file is checked', async () => {
  const records = Array.from({ length: 80 }, (_, number) => ({ ...refund, reason: `reason ${number}` }))
  const turns = countTurns()
  await check(batchOf('updateInvoice', textOf(records)))
  expect(turns()).toBeLessThan(10)
})
