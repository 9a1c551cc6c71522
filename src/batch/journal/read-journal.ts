// Reads a journal, one line at a time, and believes it only where it is whole.

import { closeSync, openSync, readSync } from 'node:fs'
import { Failure } from '../../failure.ts'
import { formatCount } from '../../format.ts'
import { isObject } from '../../payload/schema.ts'
import { type Line, readLines } from '../records/lines.ts'
import { eventProblem, isHeader } from './journal-fields.ts'
import { JournalError, type JournalEvent, type JournalHeader, parseLine } from './journal-format.ts'
import { completeLine, endsWithSeal, LineChain, type Seal } from './line-chain.ts'
import { RecordHistory } from './record-history.ts'

export interface Journal {
  readonly header: JournalHeader
  /** Reads the file as it is iterated. Throws a `JournalError` at a line that cannot be believed. */
  readonly events: Generator<JournalEvent>
  /** Once all events are read: continues their checksums. */
  readonly chain: LineChain
}

/** Longer than any line that the action writes: ids and messages have 2,000 characters at most. */
const maxLineChars = 256 * 1024

/** @throws {Error} from Node, if the file cannot be opened */
export const openForReading = (path: string): number => openSync(path, 'r')

/**
 * Reads a journal. The last line of a run may be truncated, because a process that is killed ends in the middle of a
 * write. It is skipped: a request is sent only after its line was written.
 *
 * @param descriptor  of the open file
 * @throws {JournalError} if the file is not a journal, or was written by another version of the action
 */
export function readJournal(descriptor: number): Journal {
  const lines = readLines(descriptor)
  const chain = new LineChain()
  const first = lines.next()
  const text = first.done || 'problem' in first.value ? '' : first.value.text
  const seal = chain.check(text)
  const header = parseSealed(text, seal)
  if (seal === 'missing') chain.add(text)
  if (!isHeader(header)) throw new JournalError('was not written by this action')
  if (header.version !== 1) throw new JournalError('was written by another version of this action')
  if (seal === 'wrong') throw damaged(1, 'was changed: its checksum is wrong')
  return { header: { ...header, api: completeApi(header.api) }, events: readEvents(descriptor, lines, chain), chain }
}

/**
 * The API as headers name it now. Earlier versions wrote the host only: such a journal counts for the standard port and
 * no base path, because it does not say that its records were sent to another one.
 */
const completeApi = (api: string): string => (api === 'sandbox' || api.includes('://') ? api : `https://${api}`)

/**
 * Opens a journal, and closes it after use: at once, or when the promise that `use` returns has settled.
 *
 * @param refuse  the failure for a clause that continues "The journal … "
 * @throws what `refuse` returns if the journal cannot be read, or a `Failure` of `use`
 */
export function withJournal<T>(path: string, use: (journal: Journal) => T, refuse: (reason: string) => Failure): T {
  let descriptor: number | undefined
  const close = () => {
    if (descriptor !== undefined) closeSync(descriptor)
    descriptor = undefined
  }
  const fail = (error: unknown): never => {
    close()
    if (error instanceof Failure) throw error
    throw refuse(error instanceof JournalError ? error.message : readProblem(error as NodeJS.ErrnoException))
  }
  try {
    descriptor = openForReading(path)
    const result = use(readJournal(descriptor))
    if (result instanceof Promise) {
      return result.then((value) => {
        close()
        return value
      }, fail) as T
    }
    close()
    return result
  } catch (error) {
    return fail(error)
  }
}

function readProblem({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'does not exist: paths are relative to the workspace'
  if (code === 'EISDIR') return 'is a folder: give the journals in it, with a glob such as `journals/*.ndjson`'
  return `cannot be read: ${message}`
}

function* readEvents(descriptor: number, lines: Iterable<Line>, chain: LineChain): Generator<JournalEvent> {
  const history = new RecordHistory()
  /** Whether the lines of the run have checksums. A run of an earlier version does not. */
  let isSealed: boolean | undefined
  let truncated: number | undefined
  for (const line of lines) {
    const { number } = line
    if ('problem' in line && line.tooLong) throw damaged(number, line.problem)
    const text = completeLine('text' in line ? line.text : readBytes(descriptor, number))
    if (text.length > maxLineChars) throw damaged(number, `is longer than ${formatCount(maxLineChars)} characters`)
    const seal = chain.check(text)
    const event = 'text' in line ? parseSealed(text, seal) : undefined
    const isBegun = isObject(event) && event.event === 'begun'
    if (truncated !== undefined && !isBegun && !isTruncatedBegun(text)) throw damaged(truncated, unreadableLine)
    if (event === undefined) {
      if (!isTruncatedLine(text)) throw damaged(number, unreadableLine)
      truncated ??= number
      continue
    }
    truncated = undefined
    if (seal === 'wrong')
      throw damaged(number, 'does not fit the lines before it: a line was changed, removed or added')
    if (seal === 'missing') chain.add(text)
    if (isBegun) isSealed = seal === 'valid'
    else if (isSealed === (seal !== 'valid')) throw damaged(number, 'was changed: its checksum does not fit its run')
    const problem = eventProblem(event) ?? history.add(event as JournalEvent)
    if (problem) throw damaged(number, problem)
    yield event as JournalEvent
  }
}

/** The JSON of a line without its checksum; undefined if it is not JSON. */
function parseSealed(text: string, seal: Seal): unknown {
  const value = parseLine(text)
  // `delete` would be slower.
  if (seal !== 'missing' && isObject(value)) (value as { crc?: unknown }).crc = undefined
  return value
}

const unreadableLine = 'cannot be read, and is not the truncated end of a run'

/** A line that is not UTF-8, with a character for each byte: a truncated one ends within a character. */
function readBytes(descriptor: number, number: number): string {
  const chunk = Buffer.allocUnsafe(1 << 16)
  let text = ''
  let firstOfChunk = 1
  for (let position = 0; ; ) {
    const length = readSync(descriptor, chunk, 0, chunk.length, position)
    if (length === 0) return text
    position += length
    const pieces = chunk.toString('latin1', 0, length).split('\n')
    const index = number - firstOfChunk
    text += pieces[index] ?? ''
    if (index < pieces.length - 1) return text
    firstOfChunk += pieces.length - 1
  }
}

const damaged = (line: number, problem: string) =>
  new JournalError(
    `is damaged: line ${formatCount(line)} ${problem}`,
    'Restore an intact copy of it. Without one, find out at Vercel what has arrived before you use another `journal-file`: the batch would send every record again',
  )

/** Whether a line that is not JSON is the beginning of one that the action was writing. */
const isTruncatedLine = (text: string): boolean => text.startsWith('{') && !isClosed(text) && !endsWithSeal(text)

/** Whether a line is the beginning of the first line of a run. */
const isTruncatedBegun = (text: string): boolean => {
  const start = '{"event":"begun"'
  return text.startsWith(start) || start.startsWith(text)
}

/** Whether the first bracket of a text is closed within the text. */
function isClosed(text: string): boolean {
  let depth = 0
  let isInString = false
  for (let index = 0; index < text.length; index++) {
    const char = text[index]
    if (isInString) {
      if (char === '\\') index++
      else if (char === '"') isInString = false
    } else if (char === '"') isInString = true
    else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && --depth === 0) return true
  }
  return false
}
