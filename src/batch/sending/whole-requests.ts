// A limit of a few requests per second. A window allows a whole number of them, and each is a large part of the rate: so
// the batch learns the number, and does not let the rate grow little by little.

import { type AcceptedSample, minWindowMs, rateWithin, type ThrottledWait } from './first-estimate.ts'
import type { ExceededRate, LearnedRate } from './learned-rate.ts'

/** From this number of requests per second on, one more makes little difference. */
const maxCount = 10
/** A number that lasted this long, in milliseconds, is tried with one request more. */
const stepMs = 2000
/** If one more was too many, it is tried again after this time, in milliseconds, which doubles each time. */
const minRetryMs = 60_000
const maxRetryMs = 600_000
/** A number that was kept for this long, in milliseconds, is exceeded by jitter only: requests arrived closer together. */
const provenMs = 3500
/** The rate after such a 429, as a share of the rate before, and the lowest share of it. */
const jitterFactor = 0.99
const minJitterShare = 0.92
/** Requests that got through in less than this time, in milliseconds, probably belong to one window. */
const oneWindowMs = 600

/** Whether a limit is learned by whole requests: it has short windows of a few requests. */
export const isFewPerWindow = (perMs: number, { waitMs, isRequested }: ThrottledWait) =>
  isRequested && waitMs <= minWindowMs && perMs * minWindowMs < maxCount

export class WholeRequests implements LearnedRate {
  /** Requests in a window of a second. */
  #count: number
  /** The lowest number that the limit does not allow. */
  #exceeded: number
  #jitterShare = 1
  #retryMs = minRetryMs

  /** @param exceeded  a number of requests that the limit does not allow, if one is known */
  constructor(count: number, exceeded = Number.POSITIVE_INFINITY) {
    this.#count = Math.max(1, count)
    this.#exceeded = exceeded
  }

  /** Estimates the number from what got through before the first 429: in one window, or in two. */
  static estimate({ count, spanMs }: AcceptedSample): WholeRequests {
    if (spanMs <= oneWindowMs) return new WholeRequests(count)
    const least = Math.ceil(count / 2)
    // One request too few costs little, and one too many costs a pause.
    return new WholeRequests(least + Math.floor((count - least) / 3), count + 1)
  }

  /** The next lower number than a rate that was exceeded. @param perMs  requests per millisecond */
  static below(perMs: number): WholeRequests {
    const exceeded = Math.ceil(perMs * minWindowMs)
    return new WholeRequests(exceeded - 1, exceeded)
  }

  get perMs(): number {
    return this.#jitterShare * rateWithin(this.#count, minWindowMs)
  }

  /** Whether the number got so large that the rate may grow little by little. */
  get isMany(): boolean {
    return this.#count >= maxCount
  }

  get holdMs(): number {
    return this.#count + 1 < this.#exceeded ? stepMs : this.#retryMs
  }

  /** Tries one more request per second. */
  grow(): boolean {
    if (this.#count + 1 >= this.#exceeded) {
      this.#exceeded = Number.POSITIVE_INFINITY
      this.#retryMs = Math.min(maxRetryMs, 2 * this.#retryMs)
    }
    this.#count++
    this.#jitterShare = 1
    return true
  }

  reduce({ keptMs }: Pick<ExceededRate, 'keptMs'>): void {
    const reduced = this.#jitterShare * jitterFactor
    if (keptMs >= provenMs && reduced >= minJitterShare) {
      this.#jitterShare = reduced
      return
    }
    this.#exceeded = this.#count
    this.#count = Math.max(1, this.#count - 1)
    this.#jitterShare = 1
  }
}
