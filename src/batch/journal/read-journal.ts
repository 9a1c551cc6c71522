// Reads a journal, one line at a time.

import { openSync } from 'node:fs'
import { readLines } from '../records/lines.ts'
import { isEvent, isHeader, JournalError, type JournalEvent, type JournalHeader, parseLine } from './journal-format.ts'

export interface Journal {
  readonly header: JournalHeader
  /** Reads the file as it is iterated. Throws a `JournalError` at a line that is too long to read. */
  readonly events: Generator<JournalEvent>
}

/** @throws {Error} from Node, if the file cannot be opened */
export const openForReading = (path: string): number => openSync(path, 'r')

/**
 * Reads a journal. A truncated line is skipped: the run is treated as if the process had ended before that line.
 *
 * @param descriptor  of the open file
 * @throws {JournalError} if the file is not a journal, or was written by another version of the action
 */
export function readJournal(descriptor: number): Journal {
  const lines = readLines(descriptor)
  const first = lines.next()
  const header = first.done || 'problem' in first.value ? undefined : parseLine(first.value.text)
  if (!isHeader(header)) throw new JournalError('was not written by this action')
  if (header.version !== 1) throw new JournalError('was written by another version of this action')
  return { header, events: readEvents(lines) }
}

function* readEvents(lines: ReturnType<typeof readLines>): Generator<JournalEvent> {
  for (const line of lines) {
    // The line may be about a record that was sent, so it must not be skipped.
    if ('problem' in line && line.tooLong)
      throw new JournalError(`has a line that ${line.problem}: line ${line.number}`)
    const event = 'text' in line ? parseLine(line.text) : undefined
    if (isEvent(event)) yield event
  }
}
