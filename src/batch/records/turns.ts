// Gives the event loop its turns while a long file is read, so that a cancellation is noticed.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Line } from './lines.ts'

/** How many lines, and how many characters of them, are read in one turn of the event loop: some milliseconds. */
const maxLinesPerTurn = 1000
const maxCharsPerTurn = 1 << 20

export class Turns {
  #lines = 0
  #chars = 0

  /** Counts a line. @returns whether it is time for `take` */
  isDue(line: Line): boolean {
    this.#lines++
    if ('text' in line) this.#chars += line.text.length
    return this.#lines > maxLinesPerTurn || this.#chars > maxCharsPerTurn
  }

  /** How many lines were read since the last turn. */
  get lines(): number {
    return this.#lines
  }

  /** Resolves after the event loop has handled what was waiting, such as a signal. */
  async take(): Promise<void> {
    this.#lines = 0
    this.#chars = 0
    await nextTurn()
  }
}
