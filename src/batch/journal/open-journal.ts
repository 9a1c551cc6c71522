// Opens a batch's journal, locks it, and applies it to the batch's records.

import { closeSync, ftruncateSync, mkdirSync, readSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { InvoiceReading } from '../../delivery/refund.ts'
import { quote } from '../../format.ts'
import type { BatchFile } from '../records/batch-file.ts'
import type { RecordStates } from '../records/key-hashes.ts'
import { recordKey } from '../records/record.ts'
import {
  JournalError,
  type JournalHeader,
  JournalWriter,
  openForAppending,
  readJournal,
  type SentEvent,
} from './journal.ts'
import { explainMismatch, JournalMismatch, journalUnusable, otherJournalHint } from './journal-mismatch.ts'
import { takeLock } from './lock.ts'

/** What a journal says of a record's last sending. */
export interface LastSent {
  readonly at: Date
  readonly before?: InvoiceReading
}

export interface OpenJournal {
  readonly writer: JournalWriter
  /** How many records succeeded in earlier runs. */
  readonly succeeded: number
  /** When each record with an unknown outcome was sent and, of a refund, what the invoice showed before. */
  readonly sent: ReadonlyMap<string, LastSent>
  readonly close: () => void
}

export const hasContent = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0

/**
 * Opens the journal of a batch, or begins one.
 *
 * @param recordStates  of the batch's records; takes what the journal says about them
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
 * Opens a journal, or begins one.
 *
 * @throws {Failure} if it cannot be used
 * @throws {JournalMismatch} if it has records that the batch does not have
 */
export async function openJournal(
  path: string,
  header: JournalHeader,
  recordStates: RecordStates | undefined,
): Promise<OpenJournal> {
  const file = openFile(path)
  const lock = await takeLock(realpathSync(path))
  if (!lock) {
    closeSync(file)
    throw journalUnusable(
      `The journal ${quote(path)} is in use by another run`,
      'Wait until that run has ended, or give each run its own `journal-file`',
    )
  }
  try {
    const isNew = !hasContent(path) || isTornHeader(file)
    const writer = new JournalWriter(file)
    const close = () => {
      writer.close()
      lock.release()
    }
    if (isNew) {
      writer.append(header)
      writer.flushSync()
      return { writer, succeeded: 0, sent: new Map(), close }
    }
    const journal = readJournal(file)
    const difference = headerDifference(journal.header, header)
    if (difference) throw journalUnusable(`The journal ${quote(path)} ${difference}`, otherJournalHint)
    return { writer, ...applyEvents(journal.events, recordStates), close }
  } catch (error) {
    closeSync(file)
    lock.release()
    if (error instanceof JournalError)
      throw journalUnusable(`The journal ${quote(path)} ${error.message}`, otherJournalHint)
    throw error
  }
}

function openFile(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true })
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats && !stats.isFile()) throw new Error('it is not a regular file')
    return openForAppending(path)
  } catch (error) {
    throw journalUnusable(`The journal ${quote(path)} cannot be opened: ${(error as Error).message}`, otherJournalHint)
  }
}

/** Whether a process ended while it wrote the first line: it had sent nothing by then. */
function isTornHeader(file: number): boolean {
  const bytes = Buffer.alloc(1024)
  const text = bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0))
  const isTorn =
    !text.includes('\n') &&
    text.length < bytes.length &&
    '{"journal":"vercel-marketplace"'.startsWith(text.slice(0, 31))
  if (isTorn) ftruncateSync(file, 0)
  return isTorn
}

function headerDifference(theirs: JournalHeader, ours: JournalHeader): string | undefined {
  if (theirs.operation !== ours.operation) return `belongs to ${quote(theirs.operation)}, not to ${ours.operation}`
  if (theirs.shard !== ours.shard) return `belongs to shard ${quote(theirs.shard)}, not to ${ours.shard}`
  if (theirs.api !== ours.api) return `records what was sent to ${quote(theirs.api)}, not to ${ours.api}`
  if (theirs.externalId !== ours.externalId) {
    return `was begun with \`external-id: ${theirs.externalId}\`, not with ${ours.externalId}, so its records have other keys`
  }
  return undefined
}

/** Applies a journal's events to the states of the batch's records. */
function applyEvents(events: ReturnType<typeof readJournal>['events'], recordStates: RecordStates | undefined) {
  const sent = new Map<string, LastSent>()
  const unknownToBatch: SentEvent[] = []
  let succeeded = 0
  let known = 0
  // Several records can share a key. After one of them got an outcome, another may still be unknown; the latest time is
  // kept, so that a refund's look-up does not take an earlier refund for it.
  const settleTime = (key: string, at: string) => {
    if (recordStates?.has(key, 'unknown')) sent.set(key, { at: new Date(at) })
    else sent.delete(key)
  }
  for (const event of events) {
    if (event.event === 'begun') continue
    const key = recordKey(event)
    switch (event.event) {
      case 'sent':
        // A record that is sent again was unknown before, and is unknown again.
        if (event.resumed || recordStates?.transition(key, 'none', 'unknown')) known++
        else if (unknownToBatch.length < 10) unknownToBatch.push(event)
        sent.set(key, { at: new Date(event.at), ...(event.before && { before: event.before }) })
        break
      case 'succeeded':
        if (recordStates?.transition(key, 'unknown', 'succeeded')) succeeded++
        settleTime(key, event.at)
        break
      case 'failed':
        recordStates?.transition(key, 'unknown', 'none')
        settleTime(key, event.at)
        break
      case 'unknown':
        break
    }
  }
  if (unknownToBatch.length > 0) throw new JournalMismatch(unknownToBatch, known === 0)
  return { succeeded, sent }
}
