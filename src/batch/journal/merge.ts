// Merges the journals of a batch's shards into one set of counts.

import { closeSync, existsSync, globSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { Failure } from '../../failure.ts'
import { countOf, formatCount, quote } from '../../format.ts'
import { readLines } from '../records/lines.ts'
import { recordKey } from '../records/record.ts'
import { readShard } from '../records/shard.ts'
import {
  isTruncated,
  JournalError,
  type JournalEvent,
  type JournalHeader,
  type OutcomeEvent,
  type SentEvent,
} from './journal-format.ts'
import { openForReading, readJournal } from './read-journal.ts'
import { type BatchReport, Tally } from './tally.ts'

/** The last known outcome of one record. */
interface FinalState {
  readonly outcome: OutcomeEvent
  /** The money that the record moves, as a decimal. */
  readonly amount: string | undefined
  /** The run of the journal that sent the record, 1-based. */
  readonly run: number
}

/** The records of one journal. */
interface ShardJournal {
  readonly path: string
  readonly header: JournalHeader
  /** Records of the shard. */
  readonly total: number
  /** By key, in the order in which the records were sent: several records can share a key. */
  readonly finalStates: ReadonlyMap<string, readonly FinalState[]>
}

const maxListedShards = 10

/**
 * Merges journals.
 *
 * @param patterns  paths or globs, relative to the workspace
 * @returns the counts of all shards, and a failure if any record failed or was not started
 * @throws {Failure} if a journal is missing, or if the journals do not fit together
 */
export function mergeJournals(
  patterns: readonly string[],
  workspace: string,
): { readonly report: BatchReport; readonly failure: Failure | undefined } {
  const journals = resolvePatterns(patterns, workspace).map(readShardJournal)
  const [first] = journals
  if (!first) throw mergeRefused('There are no journals')
  const shards = new Map<number, ShardJournal>()
  let shardCount = 0
  for (const journal of journals) {
    const shard = readShard(journal.header.shard)
    if (!shard) {
      throw mergeRefused(`The journal ${quote(journal.path)} has an invalid shard: ${quote(journal.header.shard)}`)
    }
    shardCount ||= shard.count
    requireSameBatch(first, journal)
    if (shard.count !== shardCount) {
      throw mergeRefused(
        `The journals ${quote(first.path)} and ${quote(journal.path)} are of batches in ${shardCount} and ${shard.count} shards`,
      )
    }
    const sameShard = shards.get(shard.index)
    shards.set(shard.index, sameShard ? combineSameShard(sameShard, journal) : journal)
  }
  requireAllShards(shards, shardCount)
  let total = 0
  const tally = new Tally()
  for (const journal of shards.values()) {
    total += journal.total
    for (const { outcome, amount } of [...journal.finalStates.values()].flat()) tally.add(outcome, amount)
  }
  const path = countOf(shards.size, 'journal')
  const { operation } = first.header
  return { report: { path, operation, total, skipped: 0, tally }, failure: mergeFailure(tally, total) }
}

const mergeRefused = (message: string) => new Failure('journal_unusable', message)

function requireSameBatch(one: ShardJournal, other: ShardJournal): void {
  for (const field of ['operation', 'api', 'externalId'] as const) {
    const [value, otherValue] = [one.header[field], other.header[field]]
    if (value === otherValue) continue
    throw mergeRefused(
      `The journals ${quote(one.path)} and ${quote(other.path)} are of different batches: ${field} is ${quote(String(value))} and ${quote(String(otherValue))}`,
    )
  }
}

function requireAllShards(shards: ReadonlyMap<number, ShardJournal>, count: number): void {
  const missing = Array.from({ length: count }, (_, index) => index + 1).filter((index) => !shards.has(index))
  if (missing.length === 0) return
  const names = missing.slice(0, maxListedShards).map((index) => `${index}/${count}`)
  const others = missing.length > maxListedShards ? ' and others' : ''
  throw mergeRefused(
    `The journal of shard ${names.join(', ')}${others} is missing: check that its job ran and uploaded its journal`,
  )
}

/** The failure of the merged batch; undefined if all records succeeded. */
function mergeFailure(tally: Tally, total: number): Failure | undefined {
  const notStarted = total - tally.succeeded - tally.failed
  if (tally.failed === 0 && notStarted <= 0) return undefined
  const parts: string[] = []
  if (tally.failed > 0) {
    const outcomes = tally.unknown === 0 ? ['failed'] : [`${tally.failed === 1 ? 'has' : 'have'} an unknown outcome`]
    if (tally.unknown > 0 && tally.unknown < tally.failed) outcomes.push('failed')
    parts.push(`${formatCount(tally.failed)} of ${countOf(total, 'record')} ${outcomes.join(' or ')}`)
  }
  if (notStarted > 0) {
    const count =
      tally.failed > 0 ? formatCount(notStarted) : `${formatCount(notStarted)} of ${countOf(total, 'record')}`
    parts.push(`${count} ${notStarted === 1 ? 'was' : 'were'} not started`)
  }
  const message = `${parts.join(' and ')}. Re-run the failed shards with their journals`
  return new Failure('batch_failed', message, { diagnostics: [{ message }, ...tally.diagnostics()] })
}

/** The absolute paths that match, each once. */
function resolvePatterns(patterns: readonly string[], workspace: string): string[] {
  const paths = new Set<string>()
  for (const pattern of patterns) {
    // The name of an existing file may contain brackets.
    const isGlob = /[*?[\]{}]/.test(pattern) && !existsSync(resolve(workspace, pattern))
    const matches = isGlob ? globSync(pattern, { cwd: workspace }) : [pattern]
    if (matches.length === 0) throw mergeRefused(`No journal matches ${quote(pattern)}`)
    for (const path of matches.sort()) paths.add(resolve(workspace, path))
  }
  return [...paths]
}

function readShardJournal(path: string): ShardJournal {
  let descriptor: number | undefined
  try {
    descriptor = openForReading(path)
    const { header, events } = readJournal(descriptor)
    return { path, header, ...readFinalStates(events) }
  } catch (error) {
    const reason = error instanceof JournalError ? error.message : `cannot be read: ${(error as Error).message}`
    throw mergeRefused(`The journal ${quote(path)} ${reason}`)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function readFinalStates(events: Iterable<JournalEvent>): Pick<ShardJournal, 'total' | 'finalStates'> {
  const finalStates = new Map<string, FinalState[]>()
  let total = 0
  let run = 0
  for (const event of events) {
    if (event.event === 'begun') {
      total = event.total
      run++
      continue
    }
    const key = recordKey(event)
    const states = finalStates.get(key) ?? []
    finalStates.set(key, states)
    if (event.event === 'sent') {
      // It replaces a failed or unknown attempt of an earlier run. In the same run it is a second record with the key.
      const replaced = event.resumed ? 'unknown' : 'failed'
      const index = states.findIndex((state) => state.run < run && state.outcome.event === replaced)
      if (index >= 0) states.splice(index, 1)
      states.push({ outcome: missingOutcome(event), amount: event.amount, run })
    } else {
      const index = states.findLastIndex(({ outcome }) => outcome.event === 'unknown')
      const state = states[index]
      if (event.event === 'not_sent') states.splice(index, index < 0 ? 0 : 1)
      else if (state) states[index] = { ...state, outcome: event }
    }
  }
  if (run === 0) throw new JournalError('ends before its batch began: run the shard again with it')
  return { total, finalStates }
}

/** The outcome of a record that was sent and has no outcome in the journal. */
const missingOutcome = ({ id, digest, line, installation, at }: SentEvent): OutcomeEvent => ({
  event: 'unknown',
  id,
  ...(digest !== undefined && { digest }),
  line,
  installation,
  at,
  code: 'outcome_unknown',
  message: 'It was sent, and the journal ends before its outcome: run the shard again with this journal',
})

/**
 * Combines two journals of the same shard: identical copies, one that continues the other, or two whose records do not
 * conflict.
 *
 * @throws {Failure} if they have different outcomes for a record
 */
function combineSameShard(one: ShardJournal, other: ShardJournal): ShardJournal {
  const longer = longerCopy(one, other)
  if (longer) return longer
  const finalStates = new Map(one.finalStates)
  for (const [key, otherStates] of other.finalStates) {
    const states = finalStates.get(key)
    if (states && !haveSameOutcomes(states, otherStates)) {
      const { id, line } = (otherStates[0] as FinalState).outcome
      throw mergeRefused(
        `The journals ${quote(one.path)} and ${quote(other.path)} are both of shard ${one.header.shard} and disagree about the record ${quote(id)} of line ${line}: give only the later one`,
      )
    }
    finalStates.set(key, otherStates)
  }
  return { ...one, total: Math.max(one.total, other.total), finalStates }
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

const haveSameOutcomes = (states: readonly FinalState[], others: readonly FinalState[]): boolean =>
  states.length === others.length &&
  states.every(({ outcome }, index) => {
    const other = others[index]?.outcome
    return outcome.event === other?.event && outcome.status === other.status && outcome.invoiceId === other.invoiceId
  })
