// Time that passes only when nothing else is left to do.

import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../src/runtime.ts'

export class TestClock implements Clock {
  #ms = 0
  readonly #lapse: number
  readonly #early: number
  #sleepers: { readonly at: number; readonly wake: () => void }[] = []

  /**
   * @param lapse  milliseconds that pass each time that somebody looks at the clock, as they do on a busy machine
   * @param early  milliseconds that a timer may end before its time, as Node's do
   */
  constructor({ lapse = 0, early = 0 } = {}) {
    this.#lapse = lapse
    this.#early = early
  }

  readonly monotonic = () => {
    this.#ms += this.#lapse
    return this.#ms
  }
  readonly now = () => new Date(Date.UTC(2025, 2, 15) + this.#ms)
  readonly sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (!(ms >= 0)) throw new RangeError(`Nobody can sleep for ${ms} ms`)
      if (signal?.aborted) return resolve()
      const sleeper = { at: this.#ms + Math.max(0, ms - this.#early), wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        resolve()
      })
    })

  /** How many wait for time to pass. */
  get sleepers(): number {
    return this.#sleepers.length
  }

  /** Lets time pass until a promise is settled, or up to a moment. */
  async run(until: Promise<unknown> | number): Promise<void> {
    let isOver = false
    const end = () => {
      isOver = true
    }
    if (typeof until !== 'number') until.then(end, end)
    for (;;) {
      for (let turns = 0; turns < 4; turns++) await turn()
      if (isOver) return
      const next = Math.min(...this.#sleepers.map(({ at }) => at))
      if (typeof until === 'number' && next > until) {
        this.#ms = Math.max(this.#ms, until)
        return
      }
      if (next === Number.POSITIVE_INFINITY) throw new Error(`Nothing goes on after ${this.#ms} ms`)
      this.#ms = Math.max(this.#ms, next)
      const due = this.#sleepers.filter(({ at }) => at <= next)
      this.#sleepers = this.#sleepers.filter(({ at }) => at > next)
      for (const { wake } of due) wake()
    }
  }
}
