// Merges the journals of a batch's shards into one set of counts. It reads each journal line by line.

import { closeSync, fstatSync, statSync } from 'node:fs'
import { Failure } from '../../failure.ts'
import { countOf, quote, quotePath } from '../../format.ts'
import { formatMoney, sumOf } from '../../operations/money.ts'
import { readLines } from '../records/lines.ts'
import { readShard, type Shard } from '../records/shard.ts'
import { findJournals } from './find-journals.ts'
import { type BegunEvent, isTruncated, JournalError, type JournalEvent, type JournalHeader } from './journal-format.ts'
import { endsMidLine } from './journal-writer.ts'
import { Ledger } from './ledger.ts'
import { mergeFailure, type ShardEnd } from './merge-failure.ts'
import { type Journal, openForReading, withJournal } from './read-journal.ts'
import { findDisagreement, hashOf, hasKey, type RecordOutcomes, readOutcomes } from './record-outcomes.ts'
import { type BatchReport, Tally } from './tally.ts'

interface ShardJournal {
  readonly path: string
  readonly header: JournalHeader
  readonly shard: Shard
}

/** How many records a shard has, and what they are about, as its last run knew. */
type ShardSize = Pick<BegunEvent, 'total' | 'amount'>

/** What the journals of a shard say of it. */
type JournalSize = ShardSize & Pick<ShardEnd, 'isCut'>

/** The counts that the events of all journals are added to. */
interface MergedCounts {
  readonly ledger: Ledger
  readonly tally: Tally
}

const maxListedShards = 10

/**
 * Merges journals.
 *
 * @param patterns  paths or globs, relative to the workspace
 * @returns the counts of all shards, where they were sent, and a failure if any record failed or was not started
 * @throws {Failure} if a journal is missing, or if the journals do not fit together
 */
export function mergeJournals(
  patterns: readonly string[],
  workspace: string,
): { readonly report: BatchReport; readonly api: string; readonly failure: Failure | undefined } {
  const journals = resolvePatterns(patterns, workspace).map(readShardHeader)
  const [first] = journals
  if (!first) throw mergeRefused('There are no journals')
  const shards = new Map<number, ShardJournal[]>()
  for (const journal of journals) {
    requireSameBatch(first, journal)
    shards.set(journal.shard.index, [...(shards.get(journal.shard.index) ?? []), journal])
  }
  requireAllShards(shards, first.shard.count)
  const counts = { ledger: new Ledger(), tally: new Tally() }
  const ends: ShardEnd[] = []
  const sizes = [...shards.values()].map((sameShard) => {
    const { failed, known } = counts.ledger
    const { isCut, ...size } = addShard(sameShard, counts)
    const { ledger } = counts
    const missing = Math.max(0, size.total - (ledger.known - known))
    ends.push({ shard: (sameShard[0] as ShardJournal).header.shard, failed: ledger.failed - failed, missing, isCut })
    return size
  })
  const total = sizes.reduce((sum, { total }) => sum + total, 0)
  const { ledger, tally } = counts
  Object.assign(tally, { succeeded: ledger.succeeded, failed: ledger.failed, gone: ledger.gone })
  const { operation, api } = first.header
  const report = {
    path: countOf(shards.size, 'journal'),
    operation,
    total,
    plannedAmount: sumOfKnown(sizes.map(({ amount }) => amount)),
    skipped: 0,
    tally,
    ledger,
  }
  return { report, api, failure: mergeFailure(ledger, total, ends) }
}

/** The sum of decimals; undefined if one of them is not known. */
const sumOfKnown = (amounts: readonly (string | undefined)[]): string | undefined =>
  amounts.some((amount) => amount === undefined) ? undefined : formatMoney(sumOf(amounts as string[]))

const mergeRefused = (message: string) => new Failure('journal_unusable', message)

function requireSameBatch(one: ShardJournal, other: ShardJournal): void {
  if (one.shard.count !== other.shard.count) {
    throw mergeRefused(
      `The journals ${quotePath(one.path)} and ${quotePath(other.path)} are of batches in ${one.shard.count} and ${other.shard.count} shards: give the journals of one batch`,
    )
  }
  for (const field of ['operation', 'api', 'externalId'] as const) {
    const [value, otherValue] = [one.header[field], other.header[field]]
    if (value === otherValue) continue
    throw mergeRefused(
      `The journals ${quotePath(one.path)} and ${quotePath(other.path)} are of different batches: ${field} is ${quote(String(value))} and ${quote(String(otherValue))}. Give the journals of one batch`,
    )
  }
}

function requireAllShards(shards: ReadonlyMap<number, unknown>, count: number): void {
  const missing = Array.from({ length: count }, (_, index) => index + 1).filter((index) => !shards.has(index))
  if (missing.length === 0) return
  const names = missing.slice(0, maxListedShards).map((index) => `${index}/${count}`)
  const others = missing.length > maxListedShards ? ' and others' : ''
  throw mergeRefused(
    `The journal of shard ${names.join(', ')}${others} is missing: check that its job ran and uploaded its journal`,
  )
}

/** The absolute paths that match. @throws {Failure} if a pattern matches nothing */
export function resolvePatterns(patterns: readonly string[], workspace: string): readonly string[] {
  const { paths, unmatched } = findJournals(patterns, workspace)
  if (unmatched.length > 0) {
    throw mergeRefused(
      `No journal matches ${quotePath(unmatched[0] as string)}: check that the journals are there, and give a glob that is relative to the workspace`,
    )
  }
  return paths
}

function readShardHeader(path: string): ShardJournal {
  return readShardJournal(path, ({ header }) => {
    const shard = readShard(header.shard)
    if (!shard) throw mergeRefused(`The journal ${quotePath(path)} has an invalid shard: ${quote(header.shard)}`)
    return { path, header, shard }
  })
}

const readShardJournal = <T>(path: string, use: (journal: Journal) => T): T =>
  withJournal(path, use, (reason) => mergeRefused(`The journal ${quotePath(path)} ${reason}`))

/**
 * Adds the records of a shard: from its journal, or from several. Those may be copies, one may continue the other, or
 * their records must not conflict.
 *
 * @returns how many records the shard has, their amount, and whether a journal ends in the middle of a run
 * @throws {Failure} if two journals have different outcomes for a record
 */
function addShard(journals: readonly ShardJournal[], counts: MergedCounts): JournalSize {
  const different = journals.reduce<ShardJournal[]>(addUnlessCopied, [])
  const earlier: RecordOutcomes[] = []
  let size: ShardSize = { total: 0 }
  let isCut = false
  for (const journal of different) {
    const isKnown = (event: JournalEvent) =>
      event.event !== 'begun' && earlier.some((outcomes) => hasKey(outcomes, hashOf(event)))
    const outcomes = different.length > 1 ? readComparable(journal, different, earlier) : undefined
    const added = addJournal(journal, counts, isKnown)
    isCut ||= added.isCut
    if (added.total > size.total) size = added
    if (outcomes) earlier.push(outcomes)
  }
  return { total: size.total, ...(size.amount !== undefined && { amount: size.amount }), isCut }
}

/** Adds a journal to a list, unless the list has one that continues it. It replaces those that it continues. */
function addUnlessCopied(journals: readonly ShardJournal[], journal: ShardJournal): ShardJournal[] {
  if (journals.some((other) => longerCopy(other, journal) === other)) return [...journals]
  return [...journals.filter((other) => longerCopy(other, journal) !== journal), journal]
}

/** Reads a journal's outcomes. @throws {Failure} if an earlier journal of the shard has another one for a record */
function readComparable(
  journal: ShardJournal,
  journals: readonly ShardJournal[],
  earlier: readonly RecordOutcomes[],
): RecordOutcomes {
  const outcomes = readShardJournal(journal.path, ({ events }) => readOutcomes(events))
  for (const [index, other] of earlier.entries()) {
    const key = findDisagreement(other, outcomes)
    if (key !== undefined) throw disagreement(journals[index] as ShardJournal, journal, key)
  }
  return outcomes
}

function disagreement(one: ShardJournal, other: ShardJournal, key: number): Failure {
  const record = readShardJournal(other.path, ({ events }) => {
    for (const event of events) if (event.event !== 'begun' && hashOf(event) === key) return event
    throw new Error('A journal has the records of its outcomes')
  })
  return mergeRefused(
    `The journals ${quotePath(one.path)} and ${quotePath(other.path)} are both of shard ${one.header.shard} and disagree about the record ${quote(record.id)} of line ${record.line}: give only the later one`,
  )
}

/**
 * Adds the events of a journal to the counts.
 *
 * @param isKnown  whether an event is about a record that an earlier journal has
 * @returns how many records the shard has, their amount, and whether the journal ends in the middle of a run
 */
function addJournal(
  { path }: ShardJournal,
  { ledger, tally }: MergedCounts,
  isKnown: (event: JournalEvent) => boolean,
): JournalSize {
  return readShardJournal(path, ({ events }) => {
    let size: ShardSize | undefined
    for (const event of events) {
      if (isKnown(event)) continue
      ledger.apply(event)
      if (event.event === 'begun') size = event
      else if (event.event !== 'sent' && event.event !== 'not_sent') tally.addTimes(event)
    }
    const isCut = ledger.inFlight > 0 || isTorn(path)
    ledger.end()
    if (!size) throw new JournalError('ends before its batch began: run the shard again with it')
    return { ...size, isCut }
  })
}

/** The longer of two journals, if it starts with all complete lines of the other one. */
function longerCopy(one: ShardJournal, other: ShardJournal): ShardJournal | undefined {
  const [shorter, longer] = statSync(one.path).size <= statSync(other.path).size ? [one, other] : [other, one]
  const descriptors = [openForReading(shorter.path), openForReading(longer.path)] as const
  try {
    const [shorterLines, longerLines] = [readLines(descriptors[0]), readLines(descriptors[1])]
    for (;;) {
      const [line, longerLine] = [shorterLines.next().value, longerLines.next().value]
      if (line === undefined) return longer
      if (JSON.stringify(line) === JSON.stringify(longerLine)) continue
      // A killed process may have left the last line truncated.
      return 'text' in line && isTruncated(line.text) && shorterLines.next().done ? longer : undefined
    }
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor)
  }
}

/** Whether the last line of a file has no line break. */
function isTorn(path: string): boolean {
  const descriptor = openForReading(path)
  try {
    return endsMidLine(descriptor, fstatSync(descriptor).size)
  } finally {
    closeSync(descriptor)
  }
}
