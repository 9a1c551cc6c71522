// The report of merged journals: every record that they have, in the order of the lines of the batch file.

import { closeSync, statSync } from 'node:fs'
import type { Operation } from '../../operations/operation.ts'
import { findJournals } from '../journal/find-journals.ts'
import { openForReading, readJournal } from '../journal/read-journal.ts'
import { JournalIndex } from './journal-index.ts'
import { openReport } from './report-file.ts'
import { columnsOf, journaledRow } from './rows.ts'

interface IndexedJournal {
  readonly descriptor: number
  readonly shard: string
  readonly index: JournalIndex
}

export interface MergeReportOptions {
  /** Paths or globs of journals that fit together, as `mergeJournals` has found. */
  readonly patterns: readonly string[]
  /** Of the report, as the step gives it. */
  readonly path: string
  readonly workspace: string
  readonly operation: Operation
  /** Removes the secrets of the step from a text. */
  readonly scrub: (text: string) => string
}

/**
 * Writes the report of merged journals.
 *
 * @returns its absolute path
 * @throws {Failure} if it cannot be written
 */
export function writeMergeReport({ patterns, path, workspace, operation, scrub }: MergeReportOptions): string {
  const report = openReport({ workspace, path }, columnsOf(operation), scrub)
  const journals: IndexedJournal[] = []
  try {
    const { paths } = findJournals(patterns, workspace)
    // Of two journals of a shard, a longer one may continue the other.
    const longestFirst = [...paths].sort((one, other) => statSync(other).size - statSync(one).size)
    for (const journal of longestFirst) journals.push(openIndex(journal, journals))
    for (const { index, attempt, line } of inOrder(journals)) report.write(journaledRow(index.read(attempt), line))
    return report.commit()
  } finally {
    report.discard()
    for (const { descriptor } of journals) closeSync(descriptor)
  }
}

/** @param others  the journals so far: records that one of the same shard has are left out */
function openIndex(path: string, others: readonly IndexedJournal[]): IndexedJournal {
  const descriptor = openForReading(path)
  try {
    const { shard } = readJournal(descriptor).header
    const sameShard = others.filter((other) => other.shard === shard)
    const index = new JournalIndex(descriptor, (hash) => sameShard.some((other) => other.index.has(hash)))
    return { descriptor, shard, index }
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

/** The records of all journals by line: 14 bytes each. */
function* inOrder(
  journals: readonly IndexedJournal[],
): Generator<{ readonly index: JournalIndex; readonly attempt: number; readonly line: number }> {
  const max = journals.reduce((sum, { index }) => sum + index.attempts, 0)
  // The line in the upper half, and the place in the other two lists in the lower one.
  const order = new BigUint64Array(max)
  const attempts = new Uint32Array(max)
  const journalNumbers = new Uint16Array(max)
  let count = 0
  for (const [number, { index }] of journals.entries()) {
    for (const { attempt, line } of index.takeRest()) {
      order[count] = (BigInt(line) << 32n) | BigInt(count)
      attempts[count] = attempt
      journalNumbers[count++] = number
    }
  }
  for (const key of order.subarray(0, count).sort()) {
    const place = Number(key & 0xffffffffn)
    const { index } = journals[journalNumbers[place] as number] as IndexedJournal
    yield { index, attempt: attempts[place] as number, line: Number(key >> 32n) }
  }
}
