// What a batch has done: NDJSON that is only ever appended to, a line before a record is sent and one when its outcome
// is known. It holds no token and no secret.

import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import type { InvoiceReading } from '../../delivery/refund.ts'
import { isObject } from '../../payload/schema.ts'
import { readLines } from '../records/lines.ts'
import { EventLoopMonitor } from './event-loop-monitor.ts'

/** The first line: what the journal is for. */
export interface JournalHeader {
  readonly journal: 'vercel-marketplace'
  readonly version: 1
  readonly operation: string
  readonly shard: string
  /** The host, or `sandbox`: what was sent to one has not been sent to another. */
  readonly api: string
  /** The input `external-id`, where the operation has one: it decides by which key a record is known. */
  readonly externalId?: string
}

/** A run begins. */
export interface BegunEvent {
  readonly event: 'begun'
  readonly at: string
  /** The batch file, as the step gave it. */
  readonly batch: string
  /** Records of the shard. */
  readonly total: number
}

/** A record is about to be sent. */
export interface SentEvent {
  readonly event: 'sent'
  readonly id: string
  readonly line: number
  readonly installation: string
  /** Only beside an id of the record's own, which is no digest. */
  readonly digest?: string
  readonly at: string
  readonly externalId?: string
  /** The money it is about, as a decimal. */
  readonly amount?: string
  /** Of a refund: what the invoice showed before it was sent. */
  readonly before?: InvoiceReading
  /** An earlier run had sent it, with an outcome that was not known. */
  readonly resumed?: true
  /** As it may be shown, for a record with an id: another one under that id is held against it. */
  readonly request?: unknown
}

/** What became of a record that was sent. */
export interface OutcomeEvent {
  readonly event: 'succeeded' | 'failed' | 'unknown'
  readonly id: string
  readonly digest?: string
  readonly line: number
  readonly installation: string
  readonly at: string
  readonly status?: string
  readonly invoiceId?: string
  readonly code?: string
  readonly message?: string
  readonly httpStatus?: number
  readonly requestId?: string
  readonly attempts?: number
  readonly ms?: number
}

export type JournalEvent = BegunEvent | SentEvent | OutcomeEvent

/** Why a file is no journal that can be used here. */
export class JournalError extends Error {
  override readonly name = 'JournalError'
}

export interface Journal {
  readonly header: JournalHeader
  readonly events: Generator<JournalEvent>
}

/**
 * Reads a journal. A line that was torn by the end of a process is none: what it was to say is as unknown as if the
 * process had ended before it.
 *
 * @param file  an open file
 * @throws {JournalError} where it is none
 */
export function readJournal(file: number): Journal {
  const lines = readLines(file)
  const first = lines.next()
  const header = first.done || 'problem' in first.value ? undefined : parseLine(first.value.text)
  if (!isHeader(header)) throw new JournalError('was not written by this action')
  if (header.version !== 1) throw new JournalError('was written by another version of this action')
  return { header, events: events(lines) }
}

function* events(lines: ReturnType<typeof readLines>): Generator<JournalEvent> {
  for (const line of lines) {
    if ('problem' in line && line.tooLong)
      throw new JournalError(`has a line that ${line.problem}: line ${line.number}`)
    const event = 'text' in line ? parseLine(line.text) : undefined
    if (isEvent(event)) yield event
  }
}

/** Whether a line was cut off. */
export const isTorn = (line: string): boolean => parseLine(line) === undefined

function parseLine(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isHeader = (value: unknown): value is JournalHeader =>
  isObject(value) &&
  value.journal === 'vercel-marketplace' &&
  [value.operation, value.shard, value.api].every((field) => typeof field === 'string')

const isEvent = (value: unknown): value is JournalEvent => isBegun(value) || isOfRecord(value)

const isBegun = (value: unknown): value is BegunEvent =>
  isObject(value) && value.event === 'begun' && typeof value.total === 'number'

const isOfRecord = (value: unknown): value is SentEvent | OutcomeEvent =>
  isObject(value) &&
  ['sent', 'succeeded', 'failed', 'unknown'].includes(String(value.event)) &&
  [value.id, value.installation].every((field) => typeof field === 'string') &&
  typeof value.line === 'number'

/** Appends to a journal. */
export class JournalWriter {
  readonly #file: number
  readonly #load: Pick<EventLoopMonitor, 'isSaturated'>
  #unwritten: string[] = []
  #failure: Error | undefined

  /** @param file  open for appending */
  constructor(file: number, load: Pick<EventLoopMonitor, 'isSaturated'> = new EventLoopMonitor()) {
    this.#file = file
    this.#load = load
    // What a killed process left behind ends here.
    if (endsMidLine(file)) this.#unwritten.push('')
  }

  /** Notes a line; it is written at `flush`. */
  append(line: JournalHeader | JournalEvent): void {
    this.#unwritten.push(JSON.stringify(line))
  }

  #deferred: Promise<void> | undefined

  /**
   * Writes down what was noted, before what it is about goes out: at once, or, while the process has no time to spare,
   * once for all that is noted in this turn of the event loop. A write takes time; a turn holds up each that waits.
   */
  async flush(): Promise<void> {
    if (this.#load.isSaturated()) await this.flushAtEndOfTurn()
    else this.flushSync()
  }

  /** Writes down what was noted, together with what else is to be noted in this turn of the event loop. */
  flushAtEndOfTurn(): Promise<void> {
    this.#deferred ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#deferred = undefined
        try {
          resolve(this.flushSync())
        } catch (error) {
          reject(error)
        }
      })
    })
    return this.#deferred
  }

  /**
   * Writes down what was noted.
   *
   * @throws {JournalError} where that cannot be done, now or before: the disk is full, say
   */
  flushSync(): void {
    if (this.#failure) throw this.#failure
    if (this.#unwritten.length === 0) return
    const bytes = Buffer.from(`${this.#unwritten.join('\n')}\n`)
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#file, bytes, written)
      this.#unwritten = []
    } catch (error) {
      this.#failure = new JournalError(`could not be written: ${(error as Error).message}`)
      throw this.#failure
    }
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  close(): void {
    try {
      this.flushSync()
      fdatasyncSync(this.#file)
    } catch {
      // It has been reported where it happened.
    }
    closeSync(this.#file)
  }
}

export const openForReading = (path: string): number => openSync(path, 'r')
/** Nobody else needs to read it: it names customers. */
export const openForAppending = (path: string): number => openSync(path, 'a+', 0o600)

/** Whether a file ends within a line. */
function endsMidLine(file: number): boolean {
  const { size } = fstatSync(file)
  if (size === 0) return false
  const last = Buffer.alloc(1)
  readSync(file, last, 0, 1, size - 1)
  return last[0] !== 0x0a
}
