// A rate limit as a batch learns it: no requests during a pause, and afterwards as many per second as got through, plus a
// careful increase (additive increase, multiplicative decrease of a rate).

import {
  type AcceptedSample,
  FirstEstimate,
  fewRequests,
  margin,
  minWindowMs,
  oneLess,
  type ThrottledWait,
} from './first-estimate.ts'
import { acceleration, growthFactor, holdMs, lastStage } from './growth.ts'

/**
 * Where Vercel names no wait, several processes may share the limit, and a 429 costs a short pause only. Additive increase and
 * multiplicative decrease give each of them the same share in the end.
 */
const unhintedDecrease = 0.88
/** Per second, as a share of the first rate that was exceeded. */
const unhintedIncrease = 0.05
const unhintedHoldMs = 2000
const maxHoldMs = 60_000
/** A rate that lasted this long without a 429 is safe. */
const verifiedMs = 2000
/** If the limit is exceeded after growing for less than this, the rate before was close to it. */
const closeMs = 1000
/** The least reduction of a rate; one that was too high without having grown is reduced by several of them. */
const wrongFactor = 0.98
/** Requests that are sent so soon after a reduction, in milliseconds, may meet what is left of the excess. */
const settlingMs = 250
/** A rate that was kept for this long, in milliseconds, is exceeded by chance only. */
const provenMs = 5000
/** No less than this share of what got through in the last second or two. */
const minAcceptedShare = 0.9
/** Requests of this time may make up for late timers, unless they are so far apart that a timer's delay does not matter. */
const maxCatchUpMs = 20
const maxCatchUpSpacingMs = 50
/** How much above the last known limit the rate must be to count as another limit. */
const raisedFactor = 1.1

/** The rate of requests that share one limit. Times are those of a monotonic clock, in milliseconds. */
export class PacedRate {
  /** Requests per millisecond; infinite until the first limit is found. */
  #perMs = Number.POSITIVE_INFINITY
  #nextAt = Number.NEGATIVE_INFINITY
  #pausedUntil = Number.NEGATIVE_INFINITY
  #slowedAt = Number.NEGATIVE_INFINITY
  /** The rate at which the limit was last exceeded. */
  #exceededPerMs = Number.POSITIVE_INFINITY
  #growthStage: number
  readonly #firstCount: number
  #growsFrom = 0
  #grownUntil = 0
  /** For how long the rate has grown since it was last reduced. */
  #grownMs = 0
  #holdMs: number
  /** Whether a request got through since the rate was reduced. */
  #hasAccepted = false
  /** By how much the rate grows per millisecond where Vercel names no wait. */
  #additionPerMs: number | undefined
  /** How often the rate was reduced without having grown in between. */
  #wrongInRow = 0
  /** The first estimate, until the limit is exceeded again. */
  #first: FirstEstimate | undefined
  /** Whether the limit is known to be a bucket. */
  #isBucket = false
  /** Whether Vercel named a wait before. */
  #isHinted = false
  /** Whether a request had to wait for its turn: a rate that limits nothing does not grow. */
  #isLimiting = false

  /**
   * @param growthStage  the index of the first growth: 0 doubles the rate per second
   * @param firstCount   how many requests a limit is taken to allow if nothing got through before the first 429
   */
  constructor({ growthStage, firstCount }: { readonly growthStage: number; readonly firstCount: number }) {
    this.#growthStage = growthStage
    this.#firstCount = firstCount
    this.#holdMs = holdMs[growthStage] ?? maxHoldMs
  }

  /** Whether a limit was found. */
  get isLimited(): boolean {
    return Number.isFinite(this.#perMs)
  }

  /** Requests per second. */
  get perSecond(): number {
    return this.#perMs * 1000
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
    if (!this.isLimited) return
    this.#grow(now)
    const spacingMs = 1 / this.#perMs
    const catchUpMs = spacingMs > maxCatchUpSpacingMs ? 0 : maxCatchUpMs
    this.#nextAt = Math.max(this.#nextAt, now - catchUpMs) + spacingMs
  }

  /** Takes back a `take` whose request was not sent. */
  putBack(): void {
    if (this.isLimited) this.#nextAt -= 1 / this.#perMs
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
    this.#perMs = this.#first.perMs
    this.#isBucket = this.#first.isWindow === false
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
    else this.#confirm(sentAt)
    this.#nextAt = Math.max(this.#nextAt, this.#pausedUntil)
    this.#growsFrom = this.#pausedUntil + this.#holdMs
  }

  /** Reduces the rate without a pause. */
  slowDown(now: number, sentAt: number, wait: ThrottledWait, sample: AcceptedSample): void {
    if (sentAt < this.#slowedAt + (this.#isHinted ? settlingMs : 0)) return
    const heldMs = now - this.#slowedAt
    this.#slowedAt = now
    // Without a success in between, a 429 says nothing of the rate: Vercel may throttle everything.
    if (!this.isLimited) this.#estimate(sentAt, wait, sample)
    else if (this.#hasAccepted) this.#reduce(wait, sample, heldMs)
    this.#hasAccepted = false
    this.#growsFrom = now + this.#holdMs
  }

  /** Takes what got through for the limit. */
  #estimate(sentAt: number, wait: ThrottledWait, sample: AcceptedSample): void {
    this.#first = new FirstEstimate(sentAt, wait, sample, this.#firstCount)
    this.#perMs = this.#first.perMs
    this.#isHinted = wait.isRequested
    this.#grownMs = 0
  }

  /** Handles another 429 of the first pause. The rate of a window is known well, so that it grows slowly at once. */
  #confirm(sentAt: number): void {
    if (!this.#first) return
    this.#first.onThrottled(sentAt)
    if (!this.#first.isWindow) return
    this.#growthStage = lastStage
    this.#holdMs = holdMs[this.#growthStage] as number
  }

  /** Goes back to a rate that was not too high, and grows more slowly from there. */
  #reduce({ waitMs, isRequested }: ThrottledWait, { count, spanMs }: AcceptedSample, heldMs: number): void {
    this.#isHinted ||= isRequested
    this.#exceededPerMs = this.#perMs
    this.#first = undefined
    if (!this.#isHinted) {
      this.#perMs = Math.max(this.#perMs * unhintedDecrease, 1 / minWindowMs)
      this.#growthStage = lastStage
      this.#additionPerMs ??= (this.#perMs * unhintedIncrease) / 1000
      this.#holdMs = unhintedHoldMs
      return
    }
    this.#additionPerMs = undefined
    const isFew = this.#perMs * verifiedMs < fewRequests
    // A rate that is exceeded without having grown was wrong, and more so each time.
    this.#wrongInRow = this.#grownMs > 0 ? 0 : this.#wrongInRow + 1
    const reduced = Math.min(
      Math.max(this.#verifiedPerMs(), this.#perMs / 2),
      this.#perMs * wrongFactor ** (4 * 2 ** Math.min(2, this.#wrongInRow)),
    )
    const accepted = isFew || spanMs < minWindowMs ? 0 : (count / spanMs) * minAcceptedShare
    // After each pause one request may be sent anyway.
    if (isFew && waitMs <= minWindowMs && (this.#grownMs > 0 || heldMs < provenMs)) this.#perMs = oneLess(this.#perMs)
    else {
      this.#perMs = Math.max(reduced, Math.min(accepted, this.#perMs * wrongFactor), 1 / Math.max(minWindowMs, waitMs))
    }
    const isLastStage = this.#growthStage === lastStage
    // A failed increase costs a pause, so that the hold is long where the pauses are.
    const longest = Math.min(maxHoldMs, 60 * Math.max(minWindowMs, waitMs))
    if (isLastStage) this.#holdMs = Math.min(longest, this.#holdMs * 4)
    else {
      // The first rate was close to the limit if doubling it failed at once.
      this.#growthStage = this.#grownMs < closeMs && !this.#isBucket ? lastStage : this.#growthStage + 1
      this.#holdMs = Math.min(longest, holdMs[this.#growthStage] as number)
    }
    this.#grownMs = 0
  }

  /** The rate of two seconds ago, which no 429 has contradicted. */
  #verifiedPerMs(): number {
    const before = this.#perMs / this.#growth(Math.min(this.#grownMs, verifiedMs))
    return this.#grownMs > verifiedMs ? before * margin : before
  }

  /** The factor of a growth of `ms`. */
  #growth(ms: number): number {
    return growthFactor({ stage: this.#growthStage, ms, grownMs: this.#grownMs })
  }

  #grow(now: number): void {
    const from = Math.max(this.#growsFrom, this.#grownUntil)
    const ms = now - from
    if (ms <= 0) return
    this.#grownUntil = now
    if (!this.#isLimiting) return
    this.#isLimiting = false
    const addition = this.#additionPerMs
    this.#perMs =
      addition === undefined
        ? this.#perMs * this.#growth(ms)
        : this.#perMs + addition * ms * Math.max(1, acceleration(this.#grownMs) - 2)
    this.#grownMs += ms
    if (this.#growthStage > 0 && this.#perMs > raisedFactor * this.#exceededPerMs) {
      this.#growthStage--
      this.#exceededPerMs = this.#perMs
    }
  }
}
