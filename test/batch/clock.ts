// Time that passes only when nothing else is left to do.

import { setImmediate as turn } from 'node:timers/promises'
import type { Time } from '../../src/delivery/time.ts'

export class Clock implements Time {
  #ms = 0
  #sleepers: { readonly at: number; readonly wake: () => void }[] = []

  readonly clock = () => this.#ms
  readonly now = () => new Date(Date.UTC(2025, 2, 15) + this.#ms)
  readonly sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal?.aborted) return resolve()
      const sleeper = { at: this.#ms + ms, wake: resolve }
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
