// Reads what succeeded in an earlier batch, from its journals: the input `compare-with`.

import { type Diagnostic, Failure } from '../../failure.ts'
import { quote, quotePath } from '../../format.ts'
import type { Operation } from '../../operations/operation.ts'
import { findJournals } from '../journal/find-journals.ts'
import { JournalError, type JournalEvent, type JournalHeader } from '../journal/journal-format.ts'
import { findMissingShards } from '../journal/missing-shards.ts'
import { type Journal, withJournal } from '../journal/read-journal.ts'
import { hashKey } from '../records/key-hashes.ts'
import { recordKey } from '../records/record.ts'

/** Gets the amount of a record that succeeded, as a decimal. */
export type OnEarlierAmount = (installation: string, amount: string) => void

export interface EarlierBatch {
  /** Absolute paths. */
  readonly paths: readonly string[]
  readonly warnings: readonly Diagnostic[]
}

/** Longer amounts were not written by this action. */
const plainAmount = /^-?\d{1,60}(\.\d{1,60})?$/

/**
 * Finds the journals of an earlier batch, and checks that they are of the same operation.
 *
 * @param patterns  paths or globs, relative to the workspace
 * @throws {Failure} if a path does not exist, or is not a journal of the operation
 */
export function findEarlierBatch(patterns: readonly string[], workspace: string, operation: Operation): EarlierBatch {
  const { paths, unmatched } = findJournals(patterns, workspace)
  const warnings = unmatched.map((pattern) => ({
    message: `\`compare-with\` ${quotePath(pattern)} matches no journal, so its installations count as new. This is normal for the first batch`,
  }))
  const headers = paths.map((path) => withEarlierJournal(path, ({ header }) => header))
  for (const [index, { operation: name }] of headers.entries()) {
    if (name === operation.sdkName) continue
    throw comparisonUnusable(paths[index] as string, `is of ${quote(name)}, not of ${operation.sdkName}`)
  }
  return { paths, warnings: [...warnings, ...missingShardWarnings(headers)] }
}

/**
 * Reads the amounts of the records that succeeded. Test invoices count. A record that is in several journals of a shard,
 * such as those of two attempts of a job, counts once.
 */
export function readEarlierAmounts({ paths }: EarlierBatch, onAmount: OnEarlierAmount): void {
  const seenByShard = new Map<string, Set<number>>()
  const shards = paths.map((path) => withEarlierJournal(path, ({ header }) => header.shard))
  for (const [index, path] of paths.entries()) {
    const shard = shards[index] as string
    // Only journals that share a shard can share records, so the keys of others need no memory.
    const isShared = shards.filter((other) => other === shard).length > 1
    const seen = seenByShard.get(shard) ?? new Set()
    if (isShared) seenByShard.set(shard, seen)
    const added: number[] = []
    withEarlierJournal(path, ({ events }) => {
      readSucceeded(events, (key, installation, amount) => {
        const hash = isShared ? hashKey(key) : 0
        if (seen.has(hash)) return
        if (isShared) added.push(hash)
        onAmount(installation, amount)
      })
    })
    for (const hash of added) seen.add(hash)
  }
}

/** Finds the events of records that succeeded, each with the amount of its `sent` line. */
function readSucceeded(
  events: Iterable<JournalEvent>,
  onSucceeded: (key: string, installation: string, amount: string) => void,
): void {
  // As many as there were requests in flight, or have an unknown outcome.
  const amounts = new Map<string, string | undefined>()
  for (const event of events) {
    if (event.event === 'begun') continue
    const key = recordKey(event)
    if (event.event === 'sent') {
      amounts.set(key, event.amount)
      continue
    }
    const amount = amounts.get(key)
    if (event.event !== 'unknown') amounts.delete(key)
    if (event.event !== 'succeeded' || amount === undefined) continue
    if (!plainAmount.test(amount)) {
      throw new JournalError(`has an amount that is not a decimal: line ${event.line} of its batch`)
    }
    onSucceeded(key, event.installation, amount)
  }
}

/**
 * Finds the installations of events that a test accepts, for their names.
 *
 * @param isWanted  called with each installation of the journals
 */
export function findInstallations({ paths }: EarlierBatch, isWanted: (installation: string) => void): void {
  for (const path of paths) {
    withEarlierJournal(path, ({ events }) => {
      for (const event of events) if (event.event !== 'begun' && event.event !== 'sent') isWanted(event.installation)
    })
  }
}

/** The warnings for shards whose journal is missing: their installations would count as new. */
const missingShardWarnings = (headers: readonly JournalHeader[]): Diagnostic[] =>
  findMissingShards(headers.map(({ shard }) => shard)).map(({ names }) => ({
    message: `\`compare-with\` has no journal of shard ${names}, so its installations count as new: add it`,
  }))

const withEarlierJournal = <T>(path: string, use: (journal: Journal) => T): T =>
  withJournal(path, use, (reason) => comparisonUnusable(path, reason))

function comparisonUnusable(path: string, reason: string): Failure {
  const message = `\`compare-with\`: the journal ${quotePath(path, 200)} ${reason}; nothing was sent`
  return new Failure('comparison_unusable', message, {
    hint: 'Give the journals of an earlier batch of the same operation. In the first month use a glob, which may match nothing',
  })
}
