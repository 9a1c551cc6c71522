// A clock on which a sleep takes no real time: it jumps from one timer to the next.

import { setImmediate as nextTurn } from 'node:timers/promises'
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
  /** What each signal ends. A signal looks through its listeners whenever it gets another one, so it has a single one. */
  readonly #ends = new WeakMap<AbortSignal, Set<() => void>>()

  /** @param phaseMs  how far its first second has advanced */
  constructor(phaseMs = 0) {
    this.#startedAt = new Date(1.8e12 + phaseMs)
  }

  now = () => new Date(this.#startedAt.getTime() + this.#now)
  monotonic = () => this.#now
  sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal?.aborted) return resolve()
      const ends = signal && this.#endsOf(signal)
      const end = () => {
        ends?.delete(end)
        resolve()
      }
      ends?.add(end)
      this.#add(this.#now + Math.max(0, ms), end)
    })

  #endsOf(signal: AbortSignal): Set<() => void> {
    const known = this.#ends.get(signal)
    if (known) return known
    const ends = new Set<() => void>()
    this.#ends.set(signal, ends)
    signal.addEventListener('abort', () => {
      for (const end of ends) end()
    })
    return ends
  }

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
      await settle()
      if (isDone()) return
      const first = this.#next()
      if (!first) {
        await nextTurn()
        continue
      }
      this.#now = first.at
      first.fire()
      while (this.#timers[0]?.at === this.#now) this.#next()?.fire()
    }
  }
}

/** What an event sets off may take several turns of the event loop. */
const maxTurns = 3

/** Waits for what an event sets off: promises and, if it waits for turns of the event loop, a few of these. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    let turns = 0
    const turn = () => {
      if (++turns === maxTurns) resolve()
      else setImmediate(turn)
    }
    const first = setImmediate(turn)
    // A turn takes longer than all else, and is rarely needed. The tick comes after the last of the promises.
    queueMicrotask(() =>
      process.nextTick(() => {
        if (process.getActiveResourcesInfo().filter((name) => name === 'Immediate').length > 1) return
        clearImmediate(first)
        resolve()
      }),
    )
  })
}
