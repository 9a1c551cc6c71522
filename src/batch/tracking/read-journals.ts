// Reads the invoices of journals into the table: those that Vercel accepted, and the records that may have become one.

import { type Diagnostic, Failure } from '../../failure.ts'
import { countOf, quote, quotePath } from '../../format.ts'
import type { JournalHeader } from '../journal/journal-format.ts'
import { resolvePatterns } from '../journal/merge.ts'
import { findMissingShards } from '../journal/missing-shards.ts'
import { type Journal, withJournal } from '../journal/read-journal.ts'
import { readShard } from '../records/shard.ts'
import { inTurns } from './in-turns.ts'
import type { InvoiceTable } from './invoice-table.ts'
import { startsWithFile } from './journal-copies.ts'
import { JournaledInvoices } from './journaled-invoices.ts'
import { dropRepeated } from './repeated-invoices.ts'

export interface ReadJournalsOptions {
  /** Paths or globs, relative to the workspace. */
  readonly patterns: readonly string[]
  readonly workspace: string
  /** The name of the operation that the journals must be of. */
  readonly operation: string
  /** Where the invoices are read: origin and base path, or `sandbox`. The journals must be of the same API. */
  readonly api: string
  readonly table: InvoiceTable
  readonly signal: AbortSignal
}

export interface JournalsRead {
  /** How many journals were read, without copies. */
  readonly journals: number
  /** How many records of the batches have no invoice: they failed, were not started, or were only validated. */
  readonly withoutInvoice: number
  readonly warnings: readonly Diagnostic[]
}

/** A journal and its header. */
interface TrackedJournal {
  readonly path: string
  readonly header: JournalHeader
}

/**
 * Reads journals into the table. It stops when the signal is aborted.
 *
 * @throws {Failure} if a journal is missing, damaged, or of another operation or API
 */
export async function readJournals(options: ReadJournalsOptions): Promise<JournalsRead> {
  const { table, signal } = options
  const journals = withoutCopies(openAll(options))
  /** The index of each journal's first row. */
  const starts: number[] = []
  let records = 0
  for (const journal of journals) {
    if (signal.aborted) break
    starts.push(table.size)
    records += await readJournalInto(table, journal, signal)
  }
  await dropRepeated(table, starts, signal)
  return {
    journals: journals.length,
    withoutInvoice: Math.max(0, records - table.count),
    warnings: missingJournals(journals.map(({ header }) => header)),
  }
}

/** @throws {Failure} if a journal cannot be used */
function openAll({ patterns, workspace, operation, api }: ReadJournalsOptions): TrackedJournal[] {
  return resolvePatterns(patterns, workspace).map((path) => {
    const header = withTrackedJournal(path, ({ header }) => header)
    const problem = headerProblem(header, operation, api)
    if (problem) throw trackingRefused(`The journal ${quotePath(path)} ${problem}`)
    return { path, header }
  })
}

/** Why a journal cannot be tracked: a clause that continues "The journal … ". */
function headerProblem(header: JournalHeader, operation: string, api: string): string | undefined {
  if (header.operation !== operation) {
    return `is of ${quote(header.operation)}, not of ${operation}: give journals of ${operation} only`
  }
  if (header.api !== api) {
    const advice = header.api === 'sandbox' ? 'Set `api-url: sandbox`' : 'Set `api-url` to that API'
    return `records what was sent to ${quote(header.api)}, not to ${api}. ${advice}, or give other journals`
  }
  return readShard(header.shard) ? undefined : `has an invalid shard: ${quote(header.shard)}`
}

/** The journals that no other one starts with: a resumed journal has all lines of its earlier copy. */
function withoutCopies(journals: readonly TrackedJournal[]): TrackedJournal[] {
  const isCopy = (one: TrackedJournal, index: number) =>
    journals.some(
      (other, otherIndex) =>
        otherIndex !== index &&
        other.header.shard === one.header.shard &&
        startsWithFile(other.path, one.path) &&
        // Of two equal files, the first one is kept.
        (otherIndex < index || !startsWithFile(one.path, other.path)),
    )
  return journals.filter((journal, index) => !isCopy(journal, index))
}

/** @returns how many records the batch of the journal has */
async function readJournalInto(table: InvoiceTable, { path }: TrackedJournal, signal: AbortSignal): Promise<number> {
  const invoices = new JournaledInvoices(table)
  await withTrackedJournal(path, async ({ events }) => {
    for await (const event of inTurns(events, signal)) invoices.apply(event)
    invoices.finish()
  })
  return invoices.records
}

const withTrackedJournal = <T>(path: string, use: (journal: Journal) => T): T =>
  withJournal(path, use, (reason) => trackingRefused(`The journal ${quotePath(path)} ${reason}`))

const trackingRefused = (message: string) => new Failure('journal_unusable', message, { hint: 'No invoice was read' })

/** Warnings about shards that have no journal. */
const missingJournals = (headers: readonly JournalHeader[]): Diagnostic[] =>
  findMissingShards(headers.map(({ shard }) => shard)).map(({ count, missing, names }) => ({
    message: `${countOf(missing, 'journal')} of ${count} ${missing === 1 ? 'is' : 'are'} missing (shard ${names}): their invoices are not tracked. Check that the jobs uploaded them`,
  }))
