// A batch's journal: opened, locked, and held against the batch.

import { closeSync, ftruncateSync, mkdirSync, readSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Diagnostic, Failure } from '../../failure.ts'
import { countOf, quote } from '../../format.ts'
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
import { takeLock } from './lock.ts'

export interface OpenJournal {
  readonly writer: JournalWriter
  /** How many records succeeded in earlier runs. */
  readonly succeeded: number
  /** When a record of which the outcome is unknown was sent. */
  readonly sentAt: ReadonlyMap<string, Date>
  readonly close: () => void
}

/** A journal that does not fit, and the records by which that shows. */
export class JournalMismatch extends Error {
  readonly records: readonly SentEvent[]
  readonly hasNothingInCommon: boolean

  constructor(records: readonly SentEvent[], hasNothingInCommon: boolean) {
    super('The journal is of another batch')
    this.records = records
    this.hasNothingInCommon = hasNothingInCommon
  }
}

export const hasContent = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0

/**
 * Opens a journal, or begins one.
 *
 * @param recordStates  of the batch's records; takes what the journal says about them
 * @throws {Failure} where it cannot be used, {Misfit} where it has records that the batch has not
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
      'Wait until that one has ended, or give each its own `journal-file`',
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
      return { writer, succeeded: 0, sentAt: new Map(), close }
    }
    const journal = readJournal(file)
    const firstDifference = headerDifference(journal.header, header)
    if (firstDifference) throw journalUnusable(`The journal ${quote(path)} ${firstDifference}`, otherJournalHint)
    return { writer, ...applyEvents(journal.events, recordStates), close }
  } catch (error) {
    closeSync(file)
    lock.release()
    if (error instanceof JournalError)
      throw journalUnusable(`The journal ${quote(path)} ${error.message}`, otherJournalHint)
    throw error
  }
}

const otherJournalHint = 'Give another `journal-file`'

const journalUnusable = (message: string, hint: string, findings: readonly Diagnostic[] = []) =>
  new Failure('journal_unusable', message, { hint, findings })

function openFile(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true })
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats && !stats.isFile()) throw new Error('it is no regular file')
    return openForAppending(path)
  } catch (error) {
    throw journalUnusable(`The journal ${quote(path)} cannot be opened: ${(error as Error).message}`, otherJournalHint)
  }
}

/** Whether a process ended while it wrote the first line: nothing had been sent by then. */
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
  if (theirs.operation !== ours.operation) return `is one of ${quote(theirs.operation)}, not of ${ours.operation}`
  if (theirs.shard !== ours.shard) return `is one of shard ${quote(theirs.shard)}, not of ${ours.shard}`
  if (theirs.api !== ours.api) return `is one of what was sent to ${quote(theirs.api)}, not to ${ours.api}`
  if (theirs.externalId !== ours.externalId) {
    return `was begun with \`external-id: ${theirs.externalId}\`, by which its records are known, not with ${ours.externalId}`
  }
  return undefined
}

/** Gives the batch's records what a journal says of them. */
function applyEvents(events: ReturnType<typeof readJournal>['events'], recordStates: RecordStates | undefined) {
  const sentAt = new Map<string, Date>()
  const strangers: SentEvent[] = []
  let succeeded = 0
  let known = 0
  /** What shows before one record's outcome may be that record's, where another of its key is unknown still. */
  const settle = (key: string, at: string) => {
    if (recordStates?.has(key, 'unknown')) sentAt.set(key, new Date(at))
    else sentAt.delete(key)
  }
  for (const event of events) {
    if (event.event === 'begun') continue
    const key = recordKey(event)
    switch (event.event) {
      case 'sent':
        // One that is sent again was unknown before, and is so again.
        if (event.resumed || recordStates?.transition(key, 'new', 'unknown')) known++
        else if (strangers.length < 10) strangers.push(event)
        sentAt.set(key, new Date(event.at))
        break
      case 'succeeded':
        if (recordStates?.transition(key, 'unknown', 'succeeded')) succeeded++
        settle(key, event.at)
        break
      case 'failed':
        recordStates?.transition(key, 'unknown', 'new')
        settle(key, event.at)
        break
      case 'unknown':
        break
    }
  }
  if (strangers.length > 0) throw new JournalMismatch(strangers, known === 0)
  return { succeeded, sentAt }
}

/** What to say of a journal that has other records than the batch. */
export function mismatchFailure(
  path: string,
  { records, hasNothingInCommon }: JournalMismatch,
  inFile: ReadonlyMap<string, { line: number; request: unknown }>,
): Failure {
  const changed = records.filter(({ id, digest }) => digest !== undefined && inFile.has(id))
  if (changed.length > 0) {
    const findings = changed.map(({ id, line, request }) => {
      const now = inFile.get(id)
      const [was, is] = difference(request, now?.request)
      return {
        message: `the record ${quote(id)} is not what it was: it was sent as ${was} (line ${line} then), and is ${is} now (line ${now?.line}); give the new one an id of its own`,
      }
    })
    return journalUnusable('Records of the journal have changed, and nothing was sent', '', findings)
  }
  if (hasNothingInCommon)
    return journalUnusable(
      `The journal ${quote(path)} is of another batch file: it has no record of this one`,
      otherJournalHint,
    )
  const [first] = records
  return journalUnusable(
    `The journal ${quote(path)} has ${records.length < 10 ? countOf(records.length, 'record') : '10 or more records'} that the batch file has not, the first from line ${first?.line} then (installation ${first?.installation})`,
    `Records may be added to a batch, not changed or taken away: put them back, or give another \`journal-file\``,
  )
}

const requestText = (request: unknown) => (typeof request === 'string' ? request : JSON.stringify(request ?? null))

/** Two requests, each from shortly before the place where they differ. */
function difference(...requests: [unknown, unknown]): [string, string] {
  const [one, two] = requests.map(requestText) as [string, string]
  let same = 0
  while (same < one.length && one[same] === two[same]) same++
  const start = same < 200 ? 0 : same - 50
  const show = (text: string) =>
    `${start > 0 ? '…' : ''}${text.slice(start, start + 300)}${text.length > start + 300 ? '…' : ''}`
  return [show(one), show(two)]
}
