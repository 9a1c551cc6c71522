// Counts the requests that got through in the last seconds, of all installations and of each one.

import type { AcceptedSample } from './first-estimate.ts'

const slotMs = 1000
const slots = 64

/** Its memory is bounded by the number of responses in two seconds. */
export class AcceptedCounts {
  readonly #perSlot = new Float64Array(slots)
  #slot = Number.NEGATIVE_INFINITY
  #startedAt: number | undefined
  /** By installation, in this second and in the last one. */
  #current = new Map<string, number>()
  #previous = new Map<string, number>()
  #currentSince = Number.NEGATIVE_INFINITY
  #currentMost = 0
  #previousMost = 0

  /** Counts a request at its response. */
  add(now: number, installation: string): void {
    this.#advance(now)
    this.#startedAt ??= now
    const index = this.#slot % slots
    this.#perSlot[index] = (this.#perSlot[index] ?? 0) + 1
    const count = (this.#current.get(installation) ?? 0) + 1
    this.#current.set(installation, count)
    this.#currentMost = Math.max(this.#currentMost, count)
  }

  /** What got through in about the last `spanMs`, which is a minute at most. */
  recent(now: number, spanMs: number): AcceptedSample {
    this.#advance(now)
    // The current second has just begun, perhaps.
    const count = Math.min(slots, Math.ceil(spanMs / slotMs) + 1)
    let sum = 0
    for (let index = 0; index < count; index++) sum += this.#perSlot[(this.#slot - index + slots) % slots] ?? 0
    const measuredMs = (count - 1) * slotMs + (now % slotMs)
    return { count: sum, spanMs: Math.min(measuredMs, now - (this.#startedAt ?? now)) }
  }

  /** The most that got through for one installation in about a second: this one or the last one. */
  recentOf(now: number, installation: string): AcceptedSample {
    this.#advance(now)
    const current = this.#current.get(installation) ?? 0
    const previous = this.#previous.get(installation) ?? 0
    return previous > current
      ? { count: previous, spanMs: slotMs }
      : { count: current, spanMs: now - this.#currentSince }
  }

  /** The most that got through for any installation in a second: this one or the last one. */
  most(now: number): number {
    this.#advance(now)
    return Math.max(this.#currentMost, this.#previousMost)
  }

  #advance(now: number): void {
    const slot = Math.floor(now / slotMs)
    const steps = Number.isFinite(this.#slot) ? Math.min(slots, slot - this.#slot) : slots
    for (let step = 0; step < steps; step++) this.#perSlot[(slot - step + slots) % slots] = 0
    this.#slot = slot
    if (now - this.#currentSince < slotMs) return
    const isRecent = now - this.#currentSince < 2 * slotMs
    this.#previous = isRecent ? this.#current : new Map()
    this.#previousMost = isRecent ? this.#currentMost : 0
    this.#current = new Map()
    this.#currentMost = 0
    this.#currentSince = now
  }
}
