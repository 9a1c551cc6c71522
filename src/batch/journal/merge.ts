// The journals of a batch's shards, put together: one set of counts, one summary, one result.

import { closeSync, existsSync, globSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { Failure } from '../../failure.ts'
import { countOf, formatCount, quote } from '../../format.ts'
import { readLines } from '../records/lines.ts'
import { recordKey } from '../records/record.ts'
import { readShard } from '../records/shard.ts'
import { isTorn, JournalError, type JournalHeader, type OutcomeEvent, openForReading, readJournal } from './journal.ts'
import type { BatchReport } from './tally.ts'
import { Tally } from './tally.ts'

/** What a journal says in the end of one record. */
interface FinalState {
  readonly outcome: OutcomeEvent
  readonly amount: string | undefined
  /** In which of the journal's runs it was sent, 1-based. */
  readonly run: number
}

/** One journal's records. Those of one key are one as good as the other, so there is a list of each. */
interface ShardJournal {
  readonly path: string
  readonly header: JournalHeader
  /** Records that there are to send. */
  readonly total: number
  readonly finals: Map<string, FinalState[]>
}

/**
 * Puts journals together.
 *
 * @param patterns  paths or globs
 * @throws {Failure} where one is missing or does not fit
 */
export function mergeJournals(
  patterns: readonly string[],
  workspace: string,
): { readonly report: BatchReport; readonly failure: Failure | undefined } {
  const paths = filesOf(patterns, workspace)
  const shards = new Map<number, ShardJournal>()
  let first: ShardJournal | undefined
  let count = 0
  const tally = new Tally()
  for (const path of paths) {
    const part = readShardJournal(path)
    first ??= part
    const shard = readShard(part.header.shard)
    if (!shard) throw mergeRefused(`The journal ${quote(path)} has a shard that is none: ${quote(part.header.shard)}`)
    count ||= shard.count
    for (const field of ['operation', 'api', 'externalId'] as const) {
      if (part.header[field] === first.header[field]) continue
      throw mergeRefused(
        `The journals ${quote(first.path)} and ${quote(path)} are of different batches: ${field} is ${quote(String(first.header[field]))} and ${quote(String(part.header[field]))}`,
      )
    }
    if (shard.count !== count) {
      throw mergeRefused(
        `The journals ${quote(first.path)} and ${quote(path)} are of batches in ${count} and ${shard.count} shards`,
      )
    }
    const other = shards.get(shard.index)
    shards.set(shard.index, other ? combineSameShard(other, part) : part)
  }
  if (!first) throw mergeRefused('There are no journals')
  const missing = Array.from({ length: count }, (_, index) => index + 1).filter((index) => !shards.has(index))
  if (missing.length > 0) {
    const names = missing.slice(0, 10).map((index) => `${index}/${count}`)
    throw mergeRefused(
      `The journal of shard ${names.join(', ')}${missing.length > 10 ? ' and others' : ''} is missing: did its job run, and was its journal kept?`,
    )
  }
  let total = 0
  for (const part of shards.values()) {
    total += part.total
    for (const { outcome, amount } of [...part.finals.values()].flat()) tally.add(outcome, amount)
  }
  const path = countOf(shards.size, 'journal')
  const { operation } = first.header
  return { report: { path, operation, total, skipped: 0, tally }, failure: mergeFailure(tally, total) }
}

function mergeFailure(tally: Tally, total: number): Failure | undefined {
  const left = total - tally.succeeded - tally.failed
  if (tally.failed === 0 && left <= 0) return undefined
  const unstarted = left > 0 ? `${formatCount(left)} ${left === 1 ? 'was' : 'were'} not started` : ''
  const failed = tally.failed > 0 ? `${formatCount(tally.failed)} failed` : ''
  const message = `Of ${countOf(total, 'record')} ${[failed, unstarted].filter(Boolean).join(' and ')}. Run the shards again that they are of, with their journals`
  return new Failure('batch_failed', message, { diagnostics: [{ message }, ...tally.diagnostics()] })
}

const mergeRefused = (message: string) => new Failure('journal_unusable', message)

function filesOf(patterns: readonly string[], workspace: string): string[] {
  const paths = new Set<string>()
  for (const pattern of patterns) {
    // A file with a bracket in its name is no glob.
    const isGlob = /[*?[\]{}]/.test(pattern) && !existsSync(resolve(workspace, pattern))
    const found = isGlob ? globSync(pattern, { cwd: workspace }) : [pattern]
    if (found.length === 0) throw mergeRefused(`No journal matches ${quote(pattern)}`)
    for (const path of found.sort()) paths.add(resolve(workspace, path))
  }
  return [...paths]
}

function readShardJournal(path: string): ShardJournal {
  let file: number | undefined
  try {
    file = openForReading(path)
    const { header, events } = readJournal(file)
    const finals = new Map<string, FinalState[]>()
    let total = 0
    let run = 0
    for (const event of events) {
      if (event.event === 'begun') {
        total = event.total
        run++
        continue
      }
      const key = recordKey(event)
      const list = finals.get(key) ?? []
      finals.set(key, list)
      if (event.event === 'sent') {
        // One that failed in an earlier run, or was unknown, is sent again; one of this run is another like it.
        const before = event.resumed ? 'unknown' : 'failed'
        const again = list.findIndex((final) => final.run < run && final.outcome.event === before)
        if (again >= 0) list.splice(again, 1)
        list.push({ outcome: withoutOutcome(event), amount: event.amount, run })
      } else {
        const open = list.findLastIndex(({ outcome }) => outcome.event === 'unknown')
        if (open >= 0) list[open] = { ...(list[open] as FinalState), outcome: event }
      }
    }
    if (run === 0) throw new JournalError('ends before its batch began: run the shard again with it')
    return { path, header, total, finals }
  } catch (error) {
    const reason = error instanceof JournalError ? error.message : `cannot be read: ${(error as Error).message}`
    throw mergeRefused(`The journal ${quote(path)} ${reason}`)
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** A record that was sent, and of which the journal says no more. */
const withoutOutcome = (sent: {
  id: string
  digest?: string
  line: number
  installation: string
  at: string
}): OutcomeEvent => ({
  event: 'unknown',
  id: sent.id,
  ...(sent.digest !== undefined && { digest: sent.digest }),
  line: sent.line,
  installation: sent.installation,
  at: sent.at,
  code: 'outcome_unknown',
  message: 'It was sent, and the journal ends before its outcome: run the shard again with this journal',
})

/** Two journals of one shard: copies, one that goes on where the other stopped, or such as have nothing to dispute. */
function combineSameShard(one: ShardJournal, two: ShardJournal): ShardJournal {
  const longer = longerCopy(one, two)
  if (longer) return longer
  const finals = new Map(one.finals)
  for (const [key, theirs] of two.finals) {
    const ours = finals.get(key)
    const isAgreed = ours?.length === theirs.length && ours.every((final, index) => isSame(final, theirs[index]))
    if (ours && !isAgreed) {
      const { id, line } = (theirs[0] as FinalState).outcome
      throw mergeRefused(
        `The journals ${quote(one.path)} and ${quote(two.path)} are both of shard ${one.header.shard} and do not agree about the record ${quote(id)} of line ${line}: give the later one alone`,
      )
    }
    finals.set(key, theirs)
  }
  return { ...one, total: Math.max(one.total, two.total), finals }
}

/** The longer of two journals, where it begins with all of the other's whole lines. */
function longerCopy(one: ShardJournal, two: ShardJournal): ShardJournal | undefined {
  const [shorter, longer] = statSync(one.path).size <= statSync(two.path).size ? [one, two] : [two, one]
  const files = [openForReading(shorter.path), openForReading(longer.path)] as const
  try {
    const [mine, theirs] = [readLines(files[0]), readLines(files[1])]
    for (;;) {
      const [line, other] = [mine.next().value, theirs.next().value]
      if (line === undefined) return longer
      if (JSON.stringify(line) === JSON.stringify(other)) continue
      // The end of a process may have torn its last line.
      return 'text' in line && isTorn(line.text) && mine.next().done ? longer : undefined
    }
  } finally {
    for (const file of files) closeSync(file)
  }
}

const isSame = (one: FinalState, two: FinalState | undefined) =>
  one.outcome.event === two?.outcome.event &&
  one.outcome.status === two.outcome.status &&
  one.outcome.invoiceId === two.outcome.invoiceId
