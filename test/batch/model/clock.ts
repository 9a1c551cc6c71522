// A clock whose time passes only when nothing else is left to do: then it jumps to the next timer.

import type { Clock } from '../../../src/runtime.ts'
import { activityCount, markActivity } from './machine.ts'

interface Timer {
  readonly at: number
  readonly fire: () => void
}

/** A turn of the event loop can be what another one waits for. */
const quietTurns = 2

export class ModelClock implements Clock {
  #ms = 0
  #timers: Timer[] = []
  #isTicking = false
  #quiet = 0
  #seen = -1

  readonly monotonic = () => this.#ms
  readonly now = () => new Date(Date.UTC(2025, 2, 15) + this.#ms)
  readonly sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal?.aborted) return resolve()
      const timer = { at: this.#ms + Math.max(0, ms), fire: resolve }
      this.#timers.push(timer)
      signal?.addEventListener(
        'abort',
        () => {
          this.#timers = this.#timers.filter((other) => other !== timer)
          resolve()
        },
        { once: true },
      )
      markActivity()
      if (this.#isTicking) return
      this.#isTicking = true
      setImmediate(this.#tick)
    })

  readonly #tick = () => {
    const activity = activityCount()
    this.#quiet = activity === this.#seen ? this.#quiet + 1 : 0
    this.#seen = activity
    if (this.#quiet >= quietTurns) this.#fireNext()
    this.#isTicking = this.#timers.length > 0
    if (this.#isTicking) setImmediate(this.#tick)
  }

  #fireNext(): void {
    let next: Timer | undefined
    for (const timer of this.#timers) if (!next || timer.at < next.at) next = timer
    if (!next) return
    this.#timers.splice(this.#timers.indexOf(next), 1)
    this.#ms = Math.max(this.#ms, next.at)
    this.#quiet = 0
    markActivity()
    next.fire()
  }
}
