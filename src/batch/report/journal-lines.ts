// Reads the lines of a journal by their offsets.

import { readSync } from 'node:fs'

const lineFeedByte = 0x0a
const minWindowBytes = 1 << 18

/** Random access to the lines of a file. Lines near the last one are read from memory. */
export class JournalLines {
  readonly #descriptor: number
  #window = Buffer.alloc(0)
  /** Offset of the window in the file. */
  #start = 0

  /** @param descriptor  of the open file */
  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  /** The offsets of all lines, in order, each with its text. */
  *[Symbol.iterator](): Generator<{ readonly offset: number; readonly text: string }> {
    for (let offset = 0; ; ) {
      const bytes = this.#bytesAt(offset)
      if (!bytes) return
      yield { offset, text: bytes.toString('utf8') }
      offset += bytes.length + 1
    }
  }

  /** The JSON of the line that begins at an offset. @throws {SyntaxError} if it is not JSON */
  parse(offset: number): unknown {
    return JSON.parse(this.#bytesAt(offset)?.toString('utf8') ?? '')
  }

  /** The bytes of a line without its line break; undefined at the end of the file. */
  #bytesAt(offset: number): Buffer | undefined {
    const isInWindow = offset >= this.#start && offset < this.#start + this.#window.length
    let end = isInWindow ? this.#window.indexOf(lineFeedByte, offset - this.#start) : -1
    for (let size = minWindowBytes; end < 0; size *= 2) {
      // The lines of requests that were in flight together are near each other, so some of the bytes before are read too.
      const start = Math.max(0, offset - (size >> 2))
      const window = Buffer.allocUnsafe(size)
      const length = readSync(this.#descriptor, window, 0, size, start)
      this.#window = window.subarray(0, length)
      this.#start = start
      end = this.#window.indexOf(lineFeedByte, offset - start)
      if (length < size) break
    }
    if (offset - this.#start >= this.#window.length) return undefined
    return this.#window.subarray(offset - this.#start, end < 0 ? undefined : end)
  }
}
