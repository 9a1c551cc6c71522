// Measures the check of a batch file, and the way of a resumed batch to its first request, compared with a loop that reads
// and parses the same lines. All run in turn in one process, so the ratios hardly depend on the machine.

import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { JournalEvent } from '../src/batch/journal/journal-format.ts'
import { journalHeader } from '../src/batch/journal/journal-path.ts'
import { openBatchJournal } from '../src/batch/journal/open-journal.ts'
import { type BatchFile, openBatchFile, remainingRecords } from '../src/batch/records/batch-file.ts'
import { closeSource } from '../src/batch/records/byte-source.ts'
import { checkBatch } from '../src/batch/records/check-batch.ts'
import { operationNamed } from '../src/operations/catalogue.ts'
import { requestShape } from '../src/operations/request.ts'
import { startCheck } from '../src/payload/check.ts'
import { invoice } from './invoice.ts'
import { spreadOf, type Table } from './report.ts'

const operation = operationNamed('submitInvoice')
const shard = { index: 1, count: 1 }
const externalId = 'auto'
const header = journalHeader({ operation, shard, api: 'https://bench', externalId })
const { signal } = new AbortController()
const [item] = invoice.items

/** Writes lines to a new file. */
async function writeLines(path: string, lines: AsyncIterable<object> | Iterable<object>): Promise<void> {
  const file = openSync(path, 'w')
  for await (const line of lines) writeSync(file, `${JSON.stringify(line)}\n`)
  closeSync(file)
}

/** Distinct invoices of 2,000 installations. */
function* invoices(count: number): Generator<object> {
  for (let index = 0; index < count; index++) {
    const items = [{ ...item, resourceId: `db-${index}` }]
    yield { integrationConfigurationId: `icfg_${index % 2000}`, ...invoice, externalId: `bench-${index}`, items }
  }
}

/** The journal of a batch in which every record succeeded. */
async function* journalOf(file: BatchFile, total: number): AsyncGenerator<object> {
  yield header
  const at = new Date().toISOString()
  yield { event: 'begun', at, batch: file.path, total } satisfies JournalEvent
  for await (const { record, identity } of remainingRecords(file, shard, undefined)) {
    const fields = { ...identity, line: record.line, installation: record.installation, at }
    const sent: JournalEvent = { event: 'sent', ...fields, externalId: `bench-${record.line}`, amount: '3.75' }
    const result = { status: 'accepted', httpStatus: 200, invoiceId: `inv_${record.line}`, attempts: 1, ms: 12 }
    const succeeded: JournalEvent = { event: 'succeeded', ...fields, ...result }
    yield sent
    yield succeeded
  }
}

async function readAndParse(path: string): Promise<number> {
  let lines = 0
  for await (const line of createInterface({ input: createReadStream(path) })) {
    JSON.parse(line)
    lines++
  }
  return lines
}

async function resume(file: BatchFile, journalFile: string): Promise<number> {
  const { recordStates } = await checkBatch(file, shard, { isResumed: true, signal })
  const journal = await openBatchJournal(journalFile, header, recordStates, file)
  let left = 0
  for await (const _ of remainingRecords(file, shard, recordStates)) left++
  journal.close()
  return left + journal.succeeded
}

/** Measures the check and a resume of a batch. */
export async function measureCheck(records = 100_000, rounds = 5): Promise<Table> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const [path, journalFile] = [join(folder, 'batch.ndjson'), join(folder, 'journal.ndjson')]
  try {
    await writeLines(path, invoices(records))
    const { file } = await openBatchFile(folder, path, undefined, {
      context: { shape: requestShape(operation), tokens: new Map(), defaultToken: 'bench-token', externalId },
      newCheck: () => startCheck({}, folder, new Date()),
    })
    await writeLines(journalFile, journalOf(file, records))
    const ways: Record<string, () => Promise<number>> = {
      '`node:readline` and `JSON.parse`': () => readAndParse(path),
      check: async () => (await checkBatch(file, shard, { isResumed: false, signal })).total,
      resume: () => resume(file, journalFile),
    }
    const seconds = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]))
    for (let round = -1; round < rounds; round++) {
      for (const [name, way] of Object.entries(ways)) {
        const started = process.cpuUsage()
        if ((await way()) !== records) throw new Error(`${name} did not handle ${records} records`)
        const { user, system } = process.cpuUsage(started)
        // Round -1 only warms up.
        if (round >= 0) seconds.get(name)?.push((user + system) / records)
      }
    }
    closeSource(file.source)
    return {
      title: 'The check of a batch, and a resume',
      method: `${records.toLocaleString('en')} invoices of 2,000 installations: processor time in microseconds per record, in one process, in turn. The loop reads and parses each line, and does nothing with it. The check is the way to the first request of a new batch. The resume has a journal in which every record succeeded: it checks the file, reads the journal and skips the records.`,
      columns: [{ title: 'time', unit: 'µs', digits: 1, isRatio: true }],
      rows: [...seconds].map(([name, values]) => ({ name, cells: [spreadOf(values)] })),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
