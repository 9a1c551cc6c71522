import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkBatch } from '../../../src/batch/records/check-batch.ts'
import type { RecordContext } from '../../../src/batch/records/record.ts'
import { identify, recordKey } from '../../../src/batch/records/record.ts'
import type { Failure } from '../../../src/failure.ts'
import type { OperationName } from '../../../src/operations/catalogue.ts'
import { newCheck } from '../../payload/checking.ts'
import { newFolder, withFile } from '../files.ts'
import { invoice, readOne, recordContext, refund } from '../records.ts'

type CheckChange = Partial<RecordContext> & {
  operation?: OperationName
  isResumed?: boolean
  failsOnWarning?: boolean
  shard?: { index: number; count: number }
  signal?: AbortSignal
}

function check(
  content: string | Uint8Array,
  {
    operation = 'updateInvoice',
    isResumed = false,
    failsOnWarning = false,
    shard = { index: 1, count: 1 },
    signal = new AbortController().signal,
    ...change
  }: CheckChange = {},
) {
  const context = recordContext(operation, change)
  return withFile(join(newFolder(), 'batch.ndjson'), content, (descriptor) =>
    checkBatch({ context, source: descriptor, path: 'batch.ndjson', newCheck: () => newCheck() }, shard, {
      isResumed,
      failsOnWarning,
      signal,
    }),
  )
}

const lines = (...records: object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('')

const failureOf = (content: string, change: CheckChange = {}): Promise<Failure | undefined> =>
  check(content, change).then(
    () => undefined,
    (error) => error as Failure,
  )

/** `3:14 message`, with line and column. */
const problemsOf = async (content: string, change: CheckChange = {}) =>
  (await failureOf(content, change))?.diagnostics.map(
    ({ position, message }) => `${position?.line}:${position?.column} ${message}`,
  )

test('a valid batch has a number of records', async () => {
  expect(
    await check(
      `\n${lines(refund, { ...refund, total: '2.00' })}\n${JSON.stringify({ ...refund, total: '3.00', id: 'a' })}`,
    ),
  ).toEqual({
    total: 3,
    warnings: [],
    recordStates: undefined,
    hasSeveralRefunds: expect.any(Function),
  })
})

test('every problem has its line and column', async () => {
  const invalidLine = `  ${JSON.stringify({ ...refund, id: 7, memo: '' })}`
  const content = [
    JSON.stringify(refund),
    '{"integrationConfigurationId": "icfg_1", "invoiceId": "i", "action": "refund", "reason": "r", "total": 1}',
    '',
    '{"integrationConfigurationId": "icfg_1",}',
    invalidLine,
    '[]',
  ].join('\r\n')
  expect(await problemsOf(content)).toEqual([
    '2:104 must be a decimal as text: quote it, "1"',
    '4:41 the record is not valid JSON: remove the comma before this closing brace',
    `5:${invalidLine.indexOf('7') + 1} must be text, because the journal identifies the record by it, not a number`,
    `5:${invalidLine.indexOf('"memo"') + 1} is not a known field; known here: integrationConfigurationId, invoiceId, action, reason, total`,
    '6:1 the record must be an object with the fields of the request, not a list',
  ])
  expect(await failureOf(content)).toMatchObject({
    code: 'invalid_payload',
    message: 'The batch file contains errors, and nothing was sent',
  })
})

test('a file that is not NDJSON has one problem', async () => {
  expect(await problemsOf('memo: x\ntotal: 1\n')).toEqual([
    '1:1 batch.ndjson looks like YAML; batch-file takes NDJSON (one JSON object per line). For one request use payload-file',
  ])
  expect(await problemsOf(`\n${JSON.stringify([refund, refund])}`)).toEqual([
    "2:1 batch.ndjson looks like a JSON array; batch-file takes NDJSON (one JSON object per line). Convert it with: jq -c '.[]' batch.ndjson",
  ])
})

test('an installation without a token is reported with its line', async () => {
  const content = lines(refund, { ...refund, integrationConfigurationId: 'icfg_2' })
  const failure = await failureOf(content, { defaultToken: undefined, tokens: new Map([['icfg_1', 'token-1']]) })
  expect(failure?.diagnostics).toEqual([
    {
      path: [],
      message:
        'installation "icfg_2" has no token: add it to `tokens` or `tokens-file`, or set `token` for all records',
      file: 'batch.ndjson',
      position: { line: 2, column: 1 },
    },
  ])
})

test('a line that cannot be read is a problem too', async () => {
  expect(await problemsOf(`${'x'.repeat((10 << 20) + 1)}\n${lines(refund)}`)).toEqual([
    '1:1 the record is longer than 10 MiB',
  ])
})

test('a duplicate id names both lines, in every shard', async () => {
  const content = lines(
    { ...refund, id: 'a' },
    { ...refund, id: 'b' },
    { ...refund, id: 'a', integrationConfigurationId: 'icfg_2' },
    { ...refund, reason: 'x' },
    { ...refund, id: 'a' },
  )
  const duplicate = '"a" is also the id of line 1: each record needs its own'
  for (const index of [1, 2]) {
    const failure = await failureOf(content, { shard: { index, count: 2 } })
    expect(failure?.diagnostics.map(({ position, message }) => [position?.line, message])).toEqual([
      [3, `id ${duplicate}`],
      [5, `id ${duplicate}`],
    ])
  }
})

test('a duplicate id is reported together with other problems', async () => {
  const found = await problemsOf(lines({ ...refund, id: 'a' }, { ...refund, id: 'a', total: 1 }))
  expect(found).toHaveLength(2)
})

test.each(['', '\n', ' \r\n\t\n', '\ufeff'])('a file that contains only %j has no records', async (content) => {
  expect((await failureOf(content))?.diagnostics).toEqual([
    { message: 'the batch file "batch.ndjson" has no records', file: 'batch.ndjson' },
  ])
})

test('the check stops after a thousand problems', async () => {
  const failure = await failureOf('{}\n'.repeat(3000))
  expect(failure?.message).toBe('The batch file contains 1,000 errors or more, and nothing was sent')
  expect(failure?.diagnostics.length).toBeLessThan(1010)
})

test('the lines of other shards are checked, but not counted', async () => {
  const all = Array.from({ length: 40 }, (_, number) => ({ ...refund, integrationConfigurationId: `icfg_${number}` }))
  const checked = await Promise.all([1, 2, 3].map((index) => check(lines(...all), { shard: { index, count: 3 } })))
  expect(checked.reduce((sum, { total }) => sum + total, 0)).toBe(40)
  for (const index of [1, 2, 3]) {
    const failure = await failureOf(lines(...all, { ...refund, total: 1 }), { shard: { index, count: 3 } })
    expect(failure?.diagnostics).toHaveLength(1)
  }
})

test('a resumed batch has the state of each record', async () => {
  const other = { ...refund, total: '2.00' }
  const { recordStates } = await check(lines({ ...refund, id: 'a' }, other), { isResumed: true })
  const keyOf = (value: object) => {
    const { record } = readOne('updateInvoice', value)
    if (!record) throw new Error('no record')
    return recordKey(identify(record))
  }
  expect(recordStates?.has(keyOf({ ...refund, id: 'a' }), 'none')).toBe(true)
  expect(recordStates?.has(keyOf(other), 'none')).toBe(true)
  expect(recordStates?.has(keyOf(refund), 'none')).toBe(false)
})

const [item] = invoice.items
const wrongTotal = { ...invoice, externalId: 'b', items: [{ ...item, billingPlanId: 'free', total: '9.00' }] }

test('warnings have their lines and do not fail the batch', async () => {
  const { warnings, total } = await check(lines(invoice, wrongTotal), { operation: 'submitInvoice' })
  expect(total).toBe(2)
  expect(warnings).toMatchObject([{ file: 'batch.ndjson', position: { line: 2 } }])
})

test('with fail-on-warning a warning refuses the batch', async () => {
  const failure = await failureOf(lines(invoice, wrongTotal), { operation: 'submitInvoice', failsOnWarning: true })
  expect(failure?.message).toBe('The batch file contains errors, and nothing was sent')
  expect(failure?.diagnostics).toMatchObject([{ position: { line: 2 } }])
})

test('one record with two thousand errors is refused with the first thousand', async () => {
  const wrong = JSON.stringify({ ...invoice, items: Array(2000).fill({}) })
  const failure = await failureOf(`${wrong}\n`, { operation: 'submitInvoice' })
  expect(failure?.message).toBe('The batch file contains 1,000 errors or more, and nothing was sent')
  expect(failure?.diagnostics).toHaveLength(1000)
  expect(failure?.diagnostics[0]?.message).toBe('is missing')
})

test('a check can be cancelled before its end, and nothing else is reported', async () => {
  const controller = new AbortController()
  const content = lines(...Array.from({ length: 5000 }, (_, number) => ({ ...refund, reason: `reason ${number}` })), {})
  // The event loop runs this only if the check lets it.
  setImmediate(() => controller.abort())
  const failure = await failureOf(content, { signal: controller.signal })
  expect(failure).toMatchObject({
    code: 'cancelled',
    text: 'The batch was cancelled while its file was checked, and nothing was sent. Run it again with the same batch file and journal',
    diagnostics: [],
  })
})

test('a check that is cancelled at its last line ends as cancelled', async () => {
  const controller = new AbortController()
  setImmediate(() => controller.abort())
  expect((await failureOf(lines(refund), { signal: controller.signal }))?.code).toBe('cancelled')
})
