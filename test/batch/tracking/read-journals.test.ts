import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { JournalEvent, JournalHeader } from '../../../src/batch/journal/journal-format.ts'
import { readJournals } from '../../../src/batch/tracking/read-journals.ts'
import { newFolder } from '../files.ts'
import { begun, header, journalText, sent, succeeded } from '../journals.ts'
import { newTable, rowsIn } from './rows.ts'

/** Reads journals in the order of their names; returns the invoice ids too. */
async function read(journals: Readonly<Record<string, string>>, signal = new AbortController().signal) {
  const workspace = newFolder()
  for (const [name, text] of Object.entries(journals)) writeFileSync(join(workspace, name), text)
  const table = newTable()
  const result = await readJournals({
    patterns: ['*.ndjson'],
    workspace,
    operation: 'submitInvoice',
    api: header.api,
    table,
    signal,
  })
  return { ...result, workspace, ids: rowsIn(table).map(({ invoiceId }) => invoiceId) }
}

const journal = (change: Partial<JournalHeader>, total: number, ...ids: string[]) =>
  journalText(
    { ...header, ...change },
    begun(total),
    ...ids.flatMap((id): JournalEvent[] => [sent(id), succeeded(id, { invoiceId: `inv_${id}` })]),
  )

test('journals are read in order, and the records without an invoice are counted', async () => {
  const result = await read({ 'a.ndjson': journal({}, 5, 'a', 'b'), 'b.ndjson': journal({}, 2, 'c') })
  expect(result).toMatchObject({ journals: 2, withoutInvoice: 4, warnings: [], ids: ['inv_a', 'inv_b', 'inv_c'] })
})

test('of equal journals, and of one that another continues, one is read', async () => {
  const [early, late] = [journal({}, 3, 'a'), journal({}, 3, 'a', 'b')]
  const result = await read({ 'a.ndjson': early, 'b.ndjson': late, 'c.ndjson': late })
  expect(result).toMatchObject({ journals: 1, withoutInvoice: 1, ids: ['inv_a', 'inv_b'] })
})

test('an invoice that two journals have is tracked once', async () => {
  const result = await read({ 'a.ndjson': journal({}, 2, 'a', 'b'), 'b.ndjson': journal({}, 2, 'b', 'c') })
  expect(result).toMatchObject({ journals: 2, ids: ['inv_a', 'inv_b', 'inv_c'] })
})

test('of equal journals the first one is read', async () => {
  const [one, other] = [journal({}, 1, 'a'), journal({}, 1, 'b')]
  expect(await read({ 'a.ndjson': one, 'b.ndjson': other, 'c.ndjson': one })).toMatchObject({ ids: ['inv_a', 'inv_b'] })
})

test('journals of other shards are never copies', async () => {
  const result = await read({ 'a.ndjson': journal({ shard: '1/2' }, 0), 'b.ndjson': journal({ shard: '2/2' }, 0) })
  expect(result).toMatchObject({ journals: 2, withoutInvoice: 0, warnings: [] })
})

test('a journal of another shard is no copy, also if its only line has no line break', async () => {
  const empty = journalText({ ...header, shard: '2/2' }).trimEnd()
  const result = await read({ 'a.ndjson': journal({ shard: '1/2' }, 1, 'a'), 'b.ndjson': empty })
  expect(result).toMatchObject({ journals: 2, warnings: [], ids: ['inv_a'] })
})

test('more invoices than the batch has records leave no record without one', async () => {
  expect(await read({ 'a.ndjson': journal({}, 0, 'a') })).toMatchObject({ withoutInvoice: 0, ids: ['inv_a'] })
})

test.each([
  ['1/2', '1 journal of 2 is missing (shard 2/2)'],
  ['2/4', '3 journals of 4 are missing (shard 1/4, 3/4, 4/4)'],
])('the journals that shard %s has no others of are a warning', async (shard, what) => {
  const message = `${what}: their invoices are not tracked. Check that the jobs uploaded them`
  expect((await read({ 'a.ndjson': journal({ shard }, 0) })).warnings).toEqual([{ message }])
})

test.each<[change: Partial<JournalHeader>, problem: string]>([
  [{ operation: 'updateInvoice' }, 'is of "updateInvoice", not of submitInvoice: give journals of submitInvoice only'],
  [
    { api: 'https://other.test' },
    'records what was sent to "https://other.test", not to https://api.vercel.com. Set `api-url` to that API, or give other journals',
  ],
  [
    { api: 'sandbox' },
    'records what was sent to "sandbox", not to https://api.vercel.com. Set `api-url: sandbox`, or give other journals',
  ],
  [{ shard: '3/2' }, 'has an invalid shard: "3/2"'],
])('a journal with %j is refused', async (change, problem) => {
  await expect(read({ 'a.ndjson': journal(change, 1, 'a') })).rejects.toMatchObject({
    code: 'journal_unusable',
    message: expect.stringMatching(/^The journal ".*/),
    hint: 'No invoice was read',
  })
  const failure = await read({ 'a.ndjson': journal(change, 1, 'a') }).catch((error: Error) => error)
  expect((failure as Error).message.replace(/^The journal "[^"]*" /, '')).toBe(problem)
})

test('nothing more is read once the step is cancelled', async () => {
  const result = await read({ 'a.ndjson': journal({}, 2, 'a'), 'b.ndjson': journal({}, 2, 'b') }, AbortSignal.abort())
  expect(result.ids).toEqual([])
})
