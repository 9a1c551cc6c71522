// Appends lines to a journal, and notices if anybody else does. This holds where a lock does not, such as on a file system
// that two machines share.

import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { fileFix } from '../../file-fix.ts'
import { EventLoopMonitor } from './event-loop-monitor.ts'
import { JournalError, type JournalEvent, type JournalHeader } from './journal-format.ts'
import { LineChain } from './line-chain.ts'

const newlineCode = 0x0a

/**
 * Opens a journal, or creates it. Only the owner can read it, because it names customers.
 *
 * @throws {Error} from Node, if the file cannot be opened
 */
export const openForAppending = (path: string): number => openSync(path, 'a+', 0o600)

export interface JournalWriterOptions {
  /** Continues the checksums of the lines that the file has; a new file by default. */
  readonly chain?: LineChain
  /** The size of these lines, in bytes. */
  readonly size?: number
  readonly monitor?: Pick<EventLoopMonitor, 'isSaturated'>
}

/** Buffers lines, and writes them when they are flushed. After a failed write every flush throws the same error. */
export class JournalWriter {
  readonly #descriptor: number
  readonly #chain: LineChain
  readonly #monitor: Pick<EventLoopMonitor, 'isSaturated'>
  /** Of what was read and written, in bytes. The file is larger only if another process has written to it. */
  #size: number
  #buffered: string[] = []
  #failure: JournalError | undefined
  #pendingFlush: Promise<void> | undefined

  /** @param descriptor  of a file that is open for appending; the writer closes it */
  constructor(descriptor: number, options: JournalWriterOptions = {}) {
    const { chain = new LineChain(), size = 0, monitor = new EventLoopMonitor() } = options
    this.#descriptor = descriptor
    this.#chain = chain
    this.#size = size
    this.#monitor = monitor
    // Ends the line that a killed process left truncated.
    if (endsMidLine(descriptor, size)) this.#buffered.push('')
  }

  /** The error of the first write that failed. */
  get failure(): JournalError | undefined {
    return this.#failure
  }

  /** Buffers a line. */
  append(line: JournalHeader | JournalEvent): void {
    this.#buffered.push(this.#chain.seal(JSON.stringify(line)))
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
   * Writes the buffered lines. Before and after, the file must have the lines of this run only: so a line of another run
   * that is in front of these ones is noticed before their requests are sent.
   *
   * @throws {JournalError} if a write fails or has failed before, for example because the disk is full, or if another
   *                        process has changed the file
   */
  flushSync(): void {
    if (this.#failure) throw this.#failure
    if (this.#buffered.length === 0) return
    const bytes = Buffer.from(`${this.#buffered.join('\n')}\n`)
    try {
      this.#requireUnchanged()
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#descriptor, bytes, written)
      this.#size += bytes.length
      this.#requireUnchanged()
      this.#buffered = []
    } catch (error) {
      const reason = `could not be written: ${(error as Error).message}`
      this.#failure = error instanceof JournalError ? error : new JournalError(reason, fileFix(error))
      throw this.#failure
    }
  }

  #requireUnchanged(): void {
    const { size, nlink } = fstatSync(this.#descriptor)
    if (nlink === 0) {
      throw new JournalError(
        'was deleted while the batch ran',
        'Restore it first: without it the batch sends every record again',
      )
    }
    if (size === this.#size) return
    throw size > this.#size
      ? new JournalError('has lines that another run wrote at the same time', 'Wait until the other run has ended')
      : new JournalError('was truncated while the batch ran', 'Restore the lines that are missing')
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

/** Whether the last line of a file of this size has no line break. */
export function endsMidLine(descriptor: number, size: number): boolean {
  if (size === 0) return false
  const last = Buffer.alloc(1)
  readSync(descriptor, last, 0, 1, size - 1)
  return last[0] !== newlineCode
}
