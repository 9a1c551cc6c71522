// Appends lines to a journal.

import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { EventLoopMonitor } from './event-loop-monitor.ts'
import { JournalError, type JournalEvent, type JournalHeader } from './journal-format.ts'

const newlineCode = 0x0a

/**
 * Opens a journal, or creates it. Only the owner can read it, because it names customers.
 *
 * @throws {Error} from Node, if the file cannot be opened
 */
export const openForAppending = (path: string): number => openSync(path, 'a+', 0o600)

/** Buffers lines, and writes them when they are flushed. After a failed write every flush throws the same error. */
export class JournalWriter {
  readonly #descriptor: number
  readonly #monitor: Pick<EventLoopMonitor, 'isSaturated'>
  #buffered: string[] = []
  #failure: Error | undefined
  #pendingFlush: Promise<void> | undefined

  /** @param descriptor  of a file that is open for appending; the writer closes it */
  constructor(descriptor: number, monitor: Pick<EventLoopMonitor, 'isSaturated'> = new EventLoopMonitor()) {
    this.#descriptor = descriptor
    this.#monitor = monitor
    // Ends the line that a killed process left truncated.
    if (endsMidLine(descriptor)) this.#buffered.push('')
  }

  /** The error of the first write that failed. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Buffers a line. */
  append(line: JournalHeader | JournalEvent): void {
    this.#buffered.push(JSON.stringify(line))
  }

  /**
   * Writes the buffered lines; await it before sending the request that they describe. It writes at once or, when the
   * event loop is saturated, once per turn for all callers: each record waits longer, and there are fewer writes.
   *
   * @throws {JournalError} if a write fails or has failed before
   */
  async flush(): Promise<void> {
    if (this.#monitor.isSaturated()) await this.flushAtEndOfTurn()
    else this.flushSync()
  }

  /**
   * Writes the buffered lines at the end of this turn of the event loop, together with the lines appended until then.
   *
   * @throws {JournalError} if a write fails or has failed before
   */
  flushAtEndOfTurn(): Promise<void> {
    this.#pendingFlush ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#pendingFlush = undefined
        try {
          resolve(this.flushSync())
        } catch (error) {
          reject(error)
        }
      })
    })
    return this.#pendingFlush
  }

  /**
   * Writes the buffered lines.
   *
   * @throws {JournalError} if a write fails or has failed before, for example because the disk is full
   */
  flushSync(): void {
    if (this.#failure) throw this.#failure
    if (this.#buffered.length === 0) return
    const bytes = Buffer.from(`${this.#buffered.join('\n')}\n`)
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#descriptor, bytes, written)
      this.#buffered = []
    } catch (error) {
      this.#failure = new JournalError(`could not be written: ${(error as Error).message}`)
      throw this.#failure
    }
  }

  /** Flushes and closes the file. It does not throw: `failure` has the error of a failed write. */
  close(): void {
    try {
      this.flushSync()
      fdatasyncSync(this.#descriptor)
    } catch {
      // A failed write is in `failure`; some file systems do not support syncing.
    }
    closeSync(this.#descriptor)
  }
}

/** Whether the last line of a file has no line break. */
function endsMidLine(descriptor: number): boolean {
  const { size } = fstatSync(descriptor)
  if (size === 0) return false
  const last = Buffer.alloc(1)
  readSync(descriptor, last, 0, 1, size - 1)
  return last[0] !== newlineCode
}
