// Opens a batch's journal, locks it, and applies it to the batch's records.

import { closeSync, fstatSync } from 'node:fs'
import { fileFix } from '../../file-fix.ts'
import { type Lock, type TakeLock, takeLock } from '../../file-lock.ts'
import { quote, quotePath } from '../../format.ts'
import type { BatchFile } from '../records/batch-file.ts'
import { applyEvents, type EarlierRuns, type JournaledBatch, newEarlierRuns } from './apply-journal.ts'
import { isNewJournal, openJournalFile } from './journal-file.ts'
import { JournalError, type JournalHeader } from './journal-format.ts'
import { explainMismatch, JournalMismatch, journalUnusable, otherJournalHint } from './journal-mismatch.ts'
import { JournalWriter } from './journal-writer.ts'
import { readJournal } from './read-journal.ts'

export interface OpenJournal extends EarlierRuns {
  readonly writer: JournalWriter
  /** Writes what is buffered, closes the file and releases the lock. */
  readonly close: () => void
}

/** What a journal is applied to, and how its file is locked. */
export interface JournalOptions extends JournaledBatch {
  /** The lock of the operating system by default. */
  readonly takeLock?: TakeLock | undefined
}

/**
 * Opens the journal of a batch, or creates it.
 *
 * @throws {Failure} if the journal cannot be used for this batch
 */
export async function openBatchJournal(
  path: string,
  header: JournalHeader,
  batch: JournalOptions,
  file: BatchFile,
): Promise<OpenJournal> {
  try {
    return await openJournal(path, header, batch)
  } catch (error) {
    throw error instanceof JournalMismatch ? explainMismatch(path, error, file) : error
  }
}

/**
 * Opens a journal, or creates it.
 *
 * @throws {Failure} if it cannot be used
 * @throws {JournalMismatch} if it has records that the batch does not have
 */
export async function openJournal(path: string, header: JournalHeader, batch: JournalOptions): Promise<OpenJournal> {
  const descriptor = openJournalFile(path)
  let lock: Lock | undefined
  try {
    lock = await lockJournal(path, descriptor, batch.takeLock)
    return await startOrResume(path, descriptor, lock, header, batch)
  } catch (error) {
    closeSync(descriptor)
    lock?.release()
    if (error instanceof JournalError)
      throw journalUnusable(`The journal ${quotePath(path)} ${error.message}`, error.fix)
    throw error
  }
}

/** @throws {Failure} if another run has the lock, or the system cannot lock the file */
async function lockJournal(path: string, descriptor: number, lockFile: TakeLock = takeLock): Promise<Lock> {
  let lock: Lock | undefined
  try {
    lock = await lockFile(descriptor, path)
  } catch (error) {
    const reason = (error as Error).message
    throw journalUnusable(`The journal ${quotePath(path)} cannot be locked: ${reason}`, fileFix(error))
  }
  if (lock) return lock
  throw journalUnusable(
    `The journal ${quotePath(path)} is in use by another run`,
    'Wait until that run has ended, or give each run its own `journal-file`',
  )
}

/** Writes the header of a new journal, or applies the events of an existing one. */
async function startOrResume(
  path: string,
  descriptor: number,
  lock: Lock,
  header: JournalHeader,
  batch: JournaledBatch,
): Promise<OpenJournal> {
  const open = (writer: JournalWriter, earlierRuns: EarlierRuns): OpenJournal => {
    const close = () => {
      writer.close()
      lock.release()
    }
    return { writer, ...earlierRuns, close }
  }
  if (isNewJournal(descriptor, path, header)) {
    const writer = new JournalWriter(descriptor)
    writer.append(header)
    writer.flushSync()
    return open(writer, newEarlierRuns(batch))
  }
  // The writer compares it before its first line: a file that grows while it is read has another writer.
  const { size } = fstatSync(descriptor)
  const journal = readJournal(descriptor)
  const difference = headerDifference(journal.header, header)
  if (difference) throw journalUnusable(`The journal ${quotePath(path)} ${difference}`, otherJournalHint)
  const earlierRuns = await applyEvents(journal.events, batch)
  return open(new JournalWriter(descriptor, { chain: journal.chain, size }), earlierRuns)
}

/** A clause that continues "The journal … "; undefined if the journal belongs to this batch. */
function headerDifference(found: JournalHeader, expected: JournalHeader): string | undefined {
  if (found.operation !== expected.operation) {
    return `belongs to ${quote(found.operation)}, not to ${expected.operation}`
  }
  if (found.shard !== expected.shard) return `belongs to shard ${quote(found.shard)}, not to ${expected.shard}`
  if (found.api !== expected.api) return `records what was sent to ${quote(found.api)}, not to ${expected.api}`
  if (found.externalId !== expected.externalId) {
    return `was begun with \`external-id: ${found.externalId}\`, not with ${expected.externalId}, so its records have other keys`
  }
  return undefined
}
