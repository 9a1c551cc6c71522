// Opens a batch's journal, locks it, and applies it to the batch's records.

import { closeSync, ftruncateSync, mkdirSync, readSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { InvoiceReading } from '../../delivery/refund.ts'
import { quote } from '../../format.ts'
import type { BatchFile } from '../records/batch-file.ts'
import { recordKey } from '../records/record.ts'
import type { RecordStates } from '../records/record-states.ts'
import { JournalError, type JournalEvent, type JournalHeader, type SentEvent } from './journal-format.ts'
import {
  explainMismatch,
  JournalMismatch,
  journalUnusable,
  maxMismatchedRecords,
  otherJournalHint,
} from './journal-mismatch.ts'
import { JournalWriter, openForAppending } from './journal-writer.ts'
import { type Lock, takeLock } from './lock.ts'
import { readJournal } from './read-journal.ts'

/** The last time that a record was sent. */
export interface LastSent {
  readonly at: Date
  /** For a refund: what the invoice showed before. */
  readonly before?: InvoiceReading
}

export interface OpenJournal {
  readonly writer: JournalWriter
  /** How many records succeeded in earlier runs. */
  readonly succeeded: number
  /** When each record with an unknown outcome was last sent, by its key. */
  readonly sent: ReadonlyMap<string, LastSent>
  /** Writes what is buffered, closes the file and releases the lock. */
  readonly close: () => void
}

/** Whether a file exists and is not empty. */
export const hasContent = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0

/**
 * Opens the journal of a batch, or creates it.
 *
 * @param recordStates  of the batch's records; receives the previous outcomes from the journal
 * @throws {Failure} if the journal cannot be used for this batch
 */
export async function openBatchJournal(
  path: string,
  header: JournalHeader,
  recordStates: RecordStates | undefined,
  file: BatchFile,
): Promise<OpenJournal> {
  try {
    return await openJournal(path, header, recordStates)
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
export async function openJournal(
  path: string,
  header: JournalHeader,
  recordStates: RecordStates | undefined,
): Promise<OpenJournal> {
  const descriptor = openJournalFile(path)
  let lock: Lock | undefined
  try {
    lock = await takeLock(realpathSync(path))
    if (!lock) {
      throw journalUnusable(
        `The journal ${quote(path)} is in use by another run`,
        'Wait until that run has ended, or give each run its own `journal-file`',
      )
    }
    return startOrResume(path, descriptor, lock, header, recordStates)
  } catch (error) {
    closeSync(descriptor)
    lock?.release()
    if (error instanceof JournalError)
      throw journalUnusable(`The journal ${quote(path)} ${error.message}`, otherJournalHint)
    throw error
  }
}

/** Writes the header of a new journal, or applies the events of an existing one. */
function startOrResume(
  path: string,
  descriptor: number,
  lock: Lock,
  header: JournalHeader,
  recordStates: RecordStates | undefined,
): OpenJournal {
  const isNew = !hasContent(path) || clearTruncatedHeader(descriptor)
  const writer = new JournalWriter(descriptor)
  const close = () => {
    writer.close()
    lock.release()
  }
  if (isNew) {
    writer.append(header)
    writer.flushSync()
    return { writer, succeeded: 0, sent: new Map(), close }
  }
  const journal = readJournal(descriptor)
  const difference = headerDifference(journal.header, header)
  if (difference) throw journalUnusable(`The journal ${quote(path)} ${difference}`, otherJournalHint)
  return { writer, ...applyEvents(journal.events, recordStates), close }
}

function openJournalFile(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true })
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats && !stats.isFile()) throw new Error('it is not a regular file')
    return openForAppending(path)
  } catch (error) {
    throw journalUnusable(`The journal ${quote(path)} cannot be opened: ${(error as Error).message}`, otherJournalHint)
  }
}

/**
 * Empties a journal whose only line is a truncated header: the process that wrote it had sent nothing.
 *
 * @returns whether the journal was emptied
 */
function clearTruncatedHeader(descriptor: number): boolean {
  const bytes = Buffer.alloc(1024)
  const text = bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, bytes.length, 0))
  const isTruncatedHeader =
    !text.includes('\n') &&
    text.length < bytes.length &&
    '{"journal":"vercel-marketplace"'.startsWith(text.slice(0, 31))
  if (isTruncatedHeader) ftruncateSync(descriptor, 0)
  return isTruncatedHeader
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

/** Applies a journal's events to the states of the batch's records. */
function applyEvents(
  events: Iterable<JournalEvent>,
  recordStates: RecordStates | undefined,
): Pick<OpenJournal, 'succeeded' | 'sent'> {
  const sent = new Map<string, LastSent>()
  const missingFromBatch: SentEvent[] = []
  let succeeded = 0
  let matched = 0
  // Several records can share a key. After one of them got an outcome, another may still be unknown; keep the latest time
  // so that a refund look-up does not take a refund from before that time for this one.
  const updateSent = (key: string, at: string) => {
    if (recordStates?.has(key, 'unknown')) sent.set(key, { at: new Date(at) })
    else sent.delete(key)
  }
  for (const event of events) {
    if (event.event === 'begun') continue
    const key = recordKey(event)
    switch (event.event) {
      case 'sent':
        // The outcome of a resumed record was unknown before, and is unknown again.
        if (event.resumed || recordStates?.transition(key, 'none', 'unknown')) matched++
        else if (missingFromBatch.length < maxMismatchedRecords) missingFromBatch.push(event)
        sent.set(key, { at: new Date(event.at), ...(event.before && { before: event.before }) })
        break
      case 'succeeded':
        if (recordStates?.transition(key, 'unknown', 'succeeded')) succeeded++
        updateSent(key, event.at)
        break
      case 'failed':
      case 'not_sent':
        recordStates?.transition(key, 'unknown', 'none')
        updateSent(key, event.at)
        break
      case 'unknown':
        break
    }
  }
  if (missingFromBatch.length > 0) throw new JournalMismatch(missingFromBatch, matched === 0)
  return { succeeded, sent }
}
