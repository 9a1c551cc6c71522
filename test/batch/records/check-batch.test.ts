import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkBatch } from '../../../src/batch/records/check-batch.ts'
import type { RecordContext } from '../../../src/batch/records/record.ts'
import { identify, recordKey } from '../../../src/batch/records/record.ts'
import type { Failure } from '../../../src/failure.ts'
import { newCheck } from '../../payload/checking.ts'
import { newFolder, withFile } from '../files.ts'
import { invoice, readOne, recordContext, refund } from '../records.ts'

function check(
  content: string,
  {
    isResumed = false,
    shard = { index: 1, count: 1 },
    ...change
  }: Partial<RecordContext> & { isResumed?: boolean; shard?: { index: number; count: number } } = {},
) {
  const context = recordContext('updateInvoice', change)
  return withFile(join(newFolder(), 'batch.ndjson'), content, (descriptor) =>
    checkBatch({ context, descriptor, path: 'batch.ndjson', newCheck: () => newCheck() }, shard, { isResumed }),
  )
}

const lines = (...records: object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('')

function failureOf(content: string, change = {}): Failure | undefined {
  try {
    check(content, change)
    return undefined
  } catch (error) {
    return error as Failure
  }
}

/** `3:14 message`, with line and column. */
const problemsOf = (content: string) =>
  failureOf(content)?.diagnostics.map(({ position, message }) => `${position?.line}:${position?.column} ${message}`)

test('a valid batch has a number of records', () => {
  expect(
    check(`\n${lines(refund, { ...refund, total: '2.00' })}\n${JSON.stringify({ ...refund, total: '3.00', id: 'a' })}`),
  ).toEqual({
    total: 3,
    warnings: [],
    recordStates: undefined,
  })
})

test('every problem has its line and column', () => {
  const invalidLine = `  ${JSON.stringify({ ...refund, id: 7, memo: '' })}`
  const content = [
    JSON.stringify(refund),
    '{"integrationConfigurationId": "icfg_1", "invoiceId": "i", "action": "refund", "reason": "r", "total": 1}',
    '',
    '{"integrationConfigurationId": "icfg_1",}',
    invalidLine,
    '[]',
  ].join('\r\n')
  expect(problemsOf(content)).toEqual([
    '2:104 must be a decimal as text: quote it, "1"',
    '4:41 the record is not valid JSON: remove the comma before this closing brace',
    `5:${invalidLine.indexOf('7') + 1} must be text, because the journal identifies the record by it, not a number`,
    `5:${invalidLine.indexOf('"memo"') + 1} is not a known field; known here: integrationConfigurationId, invoiceId, action, reason, total`,
    '6:1 the record must be an object with the fields of the request, not a list',
  ])
  expect(failureOf(content)).toMatchObject({
    code: 'invalid_payload',
    message: 'The batch file contains errors, and nothing was sent',
  })
})

test('a file that is not NDJSON has one problem', () => {
  expect(problemsOf('memo: x\ntotal: 1\n')).toEqual([
    '1:1 batch.ndjson looks like YAML; batch-file takes NDJSON (one JSON object per line). For one request use payload-file',
  ])
  expect(problemsOf(`\n${JSON.stringify([refund, refund])}`)).toEqual([
    "2:1 batch.ndjson looks like a JSON array; batch-file takes NDJSON (one JSON object per line). Convert it with: jq -c '.[]' batch.ndjson",
  ])
})

test('an installation without a token is reported with its line', () => {
  const content = lines(refund, { ...refund, integrationConfigurationId: 'icfg_2' })
  const failure = failureOf(content, { defaultToken: undefined, tokens: new Map([['icfg_1', 'token-1']]) })
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

test('a line that cannot be read is a problem too', () => {
  expect(problemsOf(`${'x'.repeat((10 << 20) + 1)}\n${lines(refund)}`)).toEqual([
    '1:1 the record is longer than 10 MiB',
  ])
})

test('a duplicate id names both lines, in every shard', () => {
  const content = lines(
    { ...refund, id: 'a' },
    { ...refund, id: 'b' },
    { ...refund, id: 'a', integrationConfigurationId: 'icfg_2' },
    refund,
    { ...refund, id: 'a' },
  )
  const duplicate = '"a" is also the id of line 1: each record needs its own'
  for (const index of [1, 2]) {
    const failure = failureOf(content, { shard: { index, count: 2 } })
    expect(failure?.diagnostics.map(({ position, message }) => [position?.line, message])).toEqual([
      [3, `id ${duplicate}`],
      [5, `id ${duplicate}`],
    ])
  }
})

test('a duplicate id is reported together with other problems', () => {
  const found = problemsOf(lines({ ...refund, id: 'a' }, { ...refund, id: 'a', total: 1 }))
  expect(found).toHaveLength(2)
})

test.each(['', '\n', ' \r\n\t\n', '\ufeff'])('a file that contains only %j has no records', (content) => {
  expect(failureOf(content)?.diagnostics).toEqual([
    { message: 'the batch file "batch.ndjson" has no records', file: 'batch.ndjson' },
  ])
})

test('the check stops after a thousand problems', () => {
  const failure = failureOf('{}\n'.repeat(3000))
  expect(failure?.message).toBe('The batch file contains 1,000 errors or more, and nothing was sent')
  expect(failure?.diagnostics.length).toBeLessThan(1010)
})

test('the lines of other shards are checked, but not counted', () => {
  const all = Array.from({ length: 40 }, (_, number) => ({ ...refund, integrationConfigurationId: `icfg_${number}` }))
  const totals = [1, 2, 3].map((index) => check(lines(...all), { shard: { index, count: 3 } }).total)
  expect(totals.reduce((sum, total) => sum + total)).toBe(40)
  for (const index of [1, 2, 3]) {
    const failure = failureOf(lines(...all, { ...refund, total: 1 }), { shard: { index, count: 3 } })
    expect(failure?.diagnostics).toHaveLength(1)
  }
})

test('a resumed batch has the state of each record', () => {
  const { shape } = recordContext('submitInvoice')
  const { recordStates } = check(lines(invoice, { ...invoice, id: 'a' }), { isResumed: true, shape })
  const { record } = readOne('submitInvoice', { ...invoice, id: 'a' })
  if (!record) throw new Error('no record')
  const { id, digest = '' } = identify(record)
  expect(recordStates?.has(recordKey({ id, digest }), 'none')).toBe(true)
  expect(recordStates?.has(recordKey({ id: digest }), 'none')).toBe(true)
  expect(recordStates?.has('not in the batch', 'none')).toBe(false)
})

test('warnings have their lines and do not fail the batch', () => {
  const [item] = invoice.items
  const context = recordContext('submitInvoice')
  const content = lines(invoice, { ...invoice, items: [{ ...item, total: '9.00' }] })
  const { warnings, total } = withFile(join(newFolder(), 'batch.ndjson'), content, (descriptor) =>
    checkBatch(
      { context, descriptor, path: 'b', newCheck: () => newCheck() },
      { index: 1, count: 1 },
      { isResumed: false },
    ),
  )
  expect(total).toBe(2)
  expect(warnings).toMatchObject([{ file: 'b', position: { line: 2 } }])
})

test('with fail-on-warning a warning refuses the batch', async () => {
  const [item] = invoice.items
  const context = recordContext('submitInvoice')
  const content = lines(invoice, { ...invoice, items: [{ ...item, total: '9.00' }] })
  const check = () =>
    withFile(join(newFolder(), 'batch.ndjson'), content, (descriptor) => {
      const file = { context, descriptor, path: 'b', newCheck: () => newCheck() }
      return checkBatch(file, { index: 1, count: 1 }, { isResumed: false, failsOnWarning: true })
    })
  expect(check).toThrow('The batch file contains errors')
})

test('two refunds of an invoice with the same reason and total are an error, unless each has an id', async () => {
  const message =
    'the record refunds the same invoice with the same reason and total as line 1: remove one, or give each its own `id` to send both'
  const problemsOf = (...records: object[]) => {
    try {
      check(lines(...records))
      return []
    } catch (error) {
      return (error as Failure).diagnostics.map(({ position, message }) => [position?.line, message])
    }
  }
  expect(problemsOf(refund, { ...refund, reason: 'x' }, refund)).toEqual([[3, message]])
  expect(problemsOf({ ...refund, total: '1.50' }, { ...refund, total: '1.5' })).toEqual([[2, message]])
  expect(problemsOf({ ...refund, id: 'a' }, refund)).toEqual([[2, message]])
  expect(problemsOf({ ...refund, id: 'a' }, { ...refund, id: 'b' })).toEqual([])
  expect(problemsOf(refund, { ...refund, total: '2.00' }, { ...refund, invoiceId: 'inv_9' })).toEqual([])
})
