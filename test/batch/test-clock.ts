// A clock whose time passes only when nothing else is left to do.

import { setImmediate as nextTurn, setTimeout as waitReal } from 'node:timers/promises'
import type { Clock } from '../../src/runtime.ts'

const maxTurnsWithoutTimer = 2000
const nextMillisecond = () => waitReal(1)

export class TestClock implements Clock {
  #ms = 0
  readonly #msPerReading: number
  readonly #timersFireEarlyMs: number
  #sleepers: { readonly at: number; readonly wake: () => void }[] = []

  /**
   * @param msPerReading       time that passes with each reading of the clock, as on a busy machine
   * @param timersFireEarlyMs  how early timers fire, as those of Node can
   */
  constructor({ msPerReading = 0, timersFireEarlyMs = 0 } = {}) {
    this.#msPerReading = msPerReading
    this.#timersFireEarlyMs = timersFireEarlyMs
  }

  readonly monotonic = () => {
    this.#ms += this.#msPerReading
    return this.#ms
  }
  readonly now = () => new Date(Date.UTC(2025, 2, 15) + this.#ms)
  readonly sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (!(ms >= 0)) throw new RangeError(`sleep(${ms}) is not a duration`)
      if (signal?.aborted) return resolve()
      const sleeper = { at: this.#ms + Math.max(0, ms - this.#timersFireEarlyMs), wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        resolve()
      })
    })

  /** How many timers are pending. */
  get sleepers(): number {
    return this.#sleepers.length
  }

  /** Lets time pass until a promise is settled, or until a time in milliseconds. */
  async run(until: Promise<unknown> | number): Promise<void> {
    let isSettled = false
    let turnsWithoutTimer = 0
    const settle = () => {
      isSettled = true
    }
    if (typeof until !== 'number') until.then(settle, settle)
    for (;;) {
      for (let turns = 0; turns < 4; turns++) await nextTurn()
      if (isSettled) return
      const next = Math.min(...this.#sleepers.map(({ at }) => at))
      if (typeof until === 'number' && next > until) {
        this.#ms = Math.max(this.#ms, until)
        return
      }
      if (next === Number.POSITIVE_INFINITY) {
        // Something outside of the process, such as the lock of a file, may not be ready yet.
        if (turnsWithoutTimer++ > maxTurnsWithoutTimer) throw new Error(`No timer is pending after ${this.#ms} ms`)
        await nextMillisecond()
        continue
      }
      this.#ms = Math.max(this.#ms, next)
      const due = this.#sleepers.filter(({ at }) => at <= next)
      this.#sleepers = this.#sleepers.filter(({ at }) => at > next)
      for (const { wake } of due) wake()
    }
  }
}
