// A rate limit as a batch learns it: no requests during a pause, and afterwards as many per second as got through, plus a
// careful increase.

import { type AcceptedSample, FirstEstimate, type ThrottledWait } from './first-estimate.ts'
import { lastStage } from './growth.ts'
import type { ExceededRate, LearnedRate } from './learned-rate.ts'
import { SafeRate } from './safe-rate.ts'
import { UnhintedRate } from './unhinted-rate.ts'
import { isFewPerWindow, WholeRequests } from './whole-requests.ts'

/** Requests that are sent so soon after a reduction, in milliseconds, may meet what is left of the excess. */
const settlingMs = 250
/** Requests of this time may make up for late timers, unless they are so far apart that a timer's delay does not matter. */
const maxCatchUpMs = 20
const maxCatchUpSpacingMs = 50

/** The rate of requests that share one limit. Times are those of a monotonic clock, in milliseconds. */
export class PacedRate {
  /** Undefined until the first limit is found. */
  #rate: LearnedRate | undefined
  #nextAt = Number.NEGATIVE_INFINITY
  #pausedUntil = Number.NEGATIVE_INFINITY
  #slowedAt = Number.NEGATIVE_INFINITY
  /** When the rate was last set, or the pause after it ended. */
  #keptFrom = 0
  #grownUntil = 0
  /** How many requests may be in flight at once. */
  readonly #maxInFlight: number
  /** Whether a request got through since the rate was reduced. */
  #hasAccepted = false
  /** The first estimate, until the limit is exceeded again. */
  #first: FirstEstimate | undefined
  /** Whether Vercel named a wait before. */
  #isHinted = false
  /** Whether a request had to wait for its turn: a rate that limits nothing does not grow. */
  #isLimiting = false

  /** @param maxInFlight  how many requests may be in flight at once */
  constructor(maxInFlight: number) {
    this.#maxInFlight = maxInFlight
  }

  /** Whether a limit was found. */
  get isLimited(): boolean {
    return this.#rate !== undefined
  }

  /** Requests per second; infinite until a limit was found. */
  get perSecond(): number {
    return (this.#rate?.perMs ?? Number.POSITIVE_INFINITY) * 1000
  }

  get pausedUntil(): number {
    return this.#pausedUntil
  }

  isPaused(now: number): boolean {
    return now < this.#pausedUntil
  }

  /** When the next request may be sent. */
  readyAt(now: number): number {
    const at = this.isLimited ? Math.max(this.#pausedUntil, this.#nextAt) : this.#pausedUntil
    if (at > now) this.#isLimiting = true
    return at
  }

  /** Counts a request that is sent. */
  take(now: number): void {
    if (!this.#rate) return
    this.#grow(this.#rate, now)
    const spacingMs = 1 / this.#rate.perMs
    const catchUpMs = spacingMs > maxCatchUpSpacingMs ? 0 : maxCatchUpMs
    this.#nextAt = Math.max(this.#nextAt, now - catchUpMs) + spacingMs
  }

  /** Takes back a `take` whose request was not sent. */
  putBack(): void {
    if (this.#rate) this.#nextAt -= 1 / this.#rate.perMs
  }

  /** Sends nothing for a time. A pause gets longer, and never shorter. */
  pause(now: number, waitMs: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, now + waitMs)
  }

  /** Counts a request that got through. If it was in flight when the first 429 came, it belongs to the estimate. */
  onAccepted(now: number, sentAt: number): void {
    this.#hasAccepted = true
    if (!this.#first || !this.isPaused(now)) return
    this.#first.onAccepted(sentAt)
    this.#followFirst()
  }

  /**
   * Handles a 429: pauses, and reduces the rate. Several 429s of requests that were sent before the rate was reduced count
   * as one.
   *
   * @param sentAt  when the request was sent
   */
  onThrottled(now: number, sentAt: number, wait: ThrottledWait, sample: AcceptedSample): void {
    const isCounted = this.isPaused(now)
    this.pause(now, wait.waitMs)
    if (!isCounted) this.slowDown(now, sentAt, wait, sample)
    else if (this.#first) {
      this.#first.onThrottled(sentAt)
      this.#followFirst()
    }
    this.#nextAt = Math.max(this.#nextAt, this.#pausedUntil)
    this.#keptFrom = this.#pausedUntil
  }

  /** Reduces the rate without a pause. */
  slowDown(now: number, sentAt: number, wait: ThrottledWait, sample: AcceptedSample): void {
    if (sentAt < this.#slowedAt + (this.#isHinted ? settlingMs : 0)) return
    this.#slowedAt = now
    // Without a success in between, a 429 says nothing of the rate: Vercel may throttle everything.
    if (!this.#rate) this.#rate = this.#estimate(sentAt, wait, sample)
    else if (this.#hasAccepted) this.#rate = this.#reduced(this.#rate, { wait, sample, keptMs: now - this.#keptFrom })
    this.#hasAccepted = false
    this.#keptFrom = now
  }

  /** Takes what got through for the limit. */
  #estimate(sentAt: number, wait: ThrottledWait, sample: AcceptedSample): LearnedRate {
    const isSerial = this.#maxInFlight === 1
    const first = new FirstEstimate(sentAt, wait, sample, Math.max(1, this.#maxInFlight / 2))
    this.#isHinted = wait.isRequested
    // One request after the other cannot be fast.
    if (isSerial && isFewPerWindow(first.perMs, wait)) return WholeRequests.estimate(sample)
    this.#first = first
    return new SafeRate(first.perMs, isSerial ? 1 : 0)
  }

  #followFirst(): void {
    if (this.#first && this.#rate instanceof SafeRate) this.#rate.follow(this.#first)
  }

  /** The rate after another 429. Limits with and without hints, and those of a few requests, are learned in different ways. */
  #reduced(rate: LearnedRate, exceeded: ExceededRate): LearnedRate {
    this.#first = undefined
    this.#isHinted ||= exceeded.wait.isRequested
    let reduced = rate
    if (!this.#isHinted) {
      if (!(rate instanceof UnhintedRate)) return new UnhintedRate(rate.perMs)
    } else if (isFewPerWindow(rate.perMs, exceeded.wait)) {
      if (!(rate instanceof WholeRequests)) return WholeRequests.below(rate.perMs)
    } else if (!(rate instanceof SafeRate)) reduced = new SafeRate(rate.perMs, lastStage - 1)
    reduced.reduce(exceeded)
    return reduced
  }

  #grow(rate: LearnedRate, now: number): void {
    const ms = now - Math.max(this.#keptFrom + rate.holdMs, this.#grownUntil)
    if (ms <= 0) return
    this.#grownUntil = now
    if (!this.#isLimiting) return
    this.#isLimiting = false
    if (rate.grow(ms)) this.#keptFrom = now
    if (rate instanceof WholeRequests && rate.isMany) this.#rate = new SafeRate(rate.perMs, lastStage - 1)
  }
}
