import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkBatch } from '../../../src/batch/records/check-batch.ts'
import type { RecordContext } from '../../../src/batch/records/record.ts'
import { identify, recordKey } from '../../../src/batch/records/record.ts'
import type { Failure } from '../../../src/failure.ts'
import { newCheck } from '../../payload/checking.ts'
import { newFolder, withFile } from '../files.ts'
import { invoice, read, readingOf, refund } from '../records.ts'

async function checked(
  content: string,
  {
    isResumed = false,
    shard = { index: 1, count: 1 },
    ...change
  }: Partial<RecordContext> & { isResumed?: boolean; shard?: { index: number; count: number } } = {},
) {
  const context = await readingOf('updateInvoice', change)
  return withFile(join(newFolder(), 'batch.ndjson'), content, (descriptor) =>
    checkBatch({ context, descriptor, path: 'batch.ndjson', newCheck: () => newCheck() }, shard, isResumed),
  )
}

const lines = (...records: object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('')
const refused = (content: string, change = {}) =>
  checked(content, change).then(
    () => undefined,
    (error: Failure) => error,
  )
/** `3:14 what is wrong` */
const findingsOf = async (content: string) =>
  (await refused(content))?.diagnostics.map(
    ({ position, message }) => `${position?.line}:${position?.column} ${message}`,
  )

test('a batch that is right has a number of records', async () => {
  expect(await checked(`\n${lines(refund, refund)}\n${JSON.stringify({ ...refund, id: 'a' })}`)).toEqual({
    total: 3,
    warnings: [],
    recordStates: undefined,
  })
})

test('every problem is told with its line and column, and those of good lines are none', async () => {
  const bad = `  ${JSON.stringify({ ...refund, id: 7, memo: '' })}`
  const content = [
    JSON.stringify(refund),
    '{"integrationConfigurationId": "icfg_1", "invoiceId": "i", "action": "refund", "reason": "r", "total": 1}',
    '',
    '{"integrationConfigurationId": "icfg_1",}',
    bad,
    '[]',
  ].join('\r\n')
  expect(await findingsOf(content)).toEqual([
    '2:104 must be a decimal as text: quote it, "1"',
    '4:41 the record is not valid JSON: remove the comma before this closing brace',
    `5:${bad.indexOf('7') + 1} must be text, by which the journal knows the record, not a number`,
    `5:${bad.indexOf('"memo"') + 1} is not a known field; known here: integrationConfigurationId, invoiceId, action, reason, total`,
    '6:1 the record must be an object with the fields of the request, not a list',
  ])
  expect(await refused(content)).toMatchObject({
    code: 'invalid_payload',
    message: 'The batch file contains errors, and nothing was sent',
  })
})

test('a line that cannot be read is a problem like others', async () => {
  expect(await findingsOf(`${'x'.repeat((10 << 20) + 1)}\n${lines(refund)}`)).toEqual([
    '1:1 the record is longer than 10 MiB',
  ])
})

test('ids that come twice name both lines, each time, whichever shard they are in', async () => {
  const content = lines(
    { ...refund, id: 'a' },
    { ...refund, id: 'b' },
    { ...refund, id: 'a', integrationConfigurationId: 'icfg_2' },
    refund,
    { ...refund, id: 'a' },
  )
  const twice = '"a" is also the id of line 1: each record needs its own'
  for (const index of [1, 2]) {
    const error = await refused(content, { shard: { index, count: 2 } })
    expect(error?.diagnostics.map(({ position, message }) => [position?.line, message])).toEqual([
      [3, `id ${twice}`],
      [5, `id ${twice}`],
    ])
  }
})

test('an id that comes twice is told along with what else is wrong', async () => {
  const found = await findingsOf(lines({ ...refund, id: 'a' }, { ...refund, id: 'a', total: 1 }))
  expect(found).toHaveLength(2)
})

test.each(['', '\n', ' \r\n\t\n', '\ufeff'])('a file with nothing but %j has no records', async (content) => {
  const error = await refused(content)
  expect(error?.diagnostics).toEqual([
    { message: 'the batch file "batch.ndjson" has no records', file: 'batch.ndjson' },
  ])
})

test('of a thousand problems no more are looked for', async () => {
  const error = await refused('{}\n'.repeat(3000))
  expect(error?.message).toBe('The batch file contains 1,000 errors or more, and nothing was sent')
  expect(error?.diagnostics.length).toBeLessThan(1010)
})

test('the lines of other shards are checked, and not counted', async () => {
  const all = Array.from({ length: 40 }, (_, number) => ({ ...refund, integrationConfigurationId: `icfg_${number}` }))
  const totals = await Promise.all(
    [1, 2, 3].map(async (index) => (await checked(lines(...all), { shard: { index, count: 3 } })).total),
  )
  expect(totals.reduce((sum, total) => sum + total)).toBe(40)
  for (const index of [1, 2, 3]) {
    const error = await refused(lines(...all, { ...refund, total: 1 }), { shard: { index, count: 3 } })
    expect(error?.diagnostics).toHaveLength(1)
  }
})

test('where a journal is there, each record is ready to be held against it', async () => {
  const { recordStates } = await checked(lines(refund, { ...refund, id: 'a' }), { isResumed: true })
  const { record } = await read('updateInvoice', { ...refund, id: 'a' })
  if (!record) throw new Error('no record')
  const { id, digest = '' } = identify(record)
  expect(recordStates?.has(recordKey({ id, digest }), 'none')).toBe(true)
  expect(recordStates?.has(recordKey({ id: digest }), 'none')).toBe(true)
  expect(recordStates?.has('elsewhere', 'none')).toBe(false)
})

test('warnings are told with their lines, and stop nothing', async () => {
  const [item] = invoice.items
  const context = await readingOf('submitInvoice')
  const content = lines(invoice, { ...invoice, items: [{ ...item, total: '9.00' }] })
  const { warnings, total } = withFile(join(newFolder(), 'batch.ndjson'), content, (descriptor) =>
    checkBatch({ context, descriptor, path: 'b', newCheck: () => newCheck() }, { index: 1, count: 1 }, false),
  )
  expect(total).toBe(2)
  expect(warnings).toMatchObject([{ file: 'b', position: { line: 2 } }])
})
