// A clock on which a sleep takes no real time: it jumps from one timer to the next.

import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../src/runtime.ts'

interface Timer {
  readonly at: number
  readonly fire: () => void
}

export class VirtualClock implements Clock {
  readonly #startedAt: Date
  #now = 0
  /** A binary heap, ordered by time: the next timer is first. */
  #timers: Timer[] = []

  /** @param phaseMs  how far its first second has advanced */
  constructor(phaseMs = 0) {
    this.#startedAt = new Date(1.8e12 + phaseMs)
  }

  now = () => new Date(this.#startedAt.getTime() + this.#now)
  monotonic = () => this.#now
  sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal?.aborted) return resolve()
      const end = () => {
        signal?.removeEventListener('abort', end)
        resolve()
      }
      signal?.addEventListener('abort', end)
      this.#add(this.#now + Math.max(0, ms), end)
    })

  #add(at: number, fire: () => void): void {
    const timers = this.#timers
    let index = timers.push({ at, fire }) - 1
    for (let parent = (index - 1) >> 1; index > 0 && at < (timers[parent]?.at ?? 0); parent = (index - 1) >> 1) {
      this.#swap(index, parent)
      index = parent
    }
  }

  #swap(one: number, other: number): void {
    const timers = this.#timers
    const timer = timers[one] as Timer
    timers[one] = timers[other] as Timer
    timers[other] = timer
  }

  /** Removes the next timer. */
  #next(): Timer | undefined {
    const timers = this.#timers
    const [first] = timers
    const last = timers.pop()
    if (timers.length === 0 || last === undefined) return first
    timers[0] = last
    for (let index = 0; ; ) {
      let least = index
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if ((timers[child]?.at ?? Number.POSITIVE_INFINITY) < (timers[least]?.at ?? 0)) least = child
      }
      if (least === index) return first
      this.#swap(index, least)
      index = least
    }
  }

  /** Fires timers until the simulation is done. */
  async run(isDone: () => boolean): Promise<void> {
    for (;;) {
      // What an event sets off may take several turns.
      for (let turns = 0; turns < 3; turns++) await turn()
      if (isDone()) return
      const first = this.#next()
      if (!first) continue
      this.#now = first.at
      first.fire()
      while (this.#timers[0]?.at === this.#now) this.#next()?.fire()
    }
  }
}
