// What the first 429 tells of a rate limit: how many requests it allows, and whether it is a window or a bucket.

/** How long a 429 asks to wait. */
export interface ThrottledWait {
  readonly waitMs: number
  /** Whether Vercel named the wait; if not, it is a backoff. */
  readonly isRequested: boolean
}

/** What got through before the first 429, from which the first rate is estimated. */
export interface AcceptedSample {
  readonly count: number
  /** The time in which these requests were accepted. */
  readonly spanMs: number
}

/** A limit that names no wait is taken for one per second. */
export const minWindowMs = 1000
/** How much of a measured limit is used, so that jitter does not exceed it. */
export const margin = 0.985
/** Between so few requests a jitter of these milliseconds matters more than the margin. */
const fewRequests = 20
const jitterMs = 20
/** A request that was sent this much later than another one, in milliseconds, arrived after it. */
const orderedMs = 20
/** If a bucket would have let this many further requests through, and none got through, the limit is a window. */
const minMissing = 3

/** The rate that keeps to a number of requests in a window, in requests per millisecond. */
export const rateWithin = (count: number, windowMs: number): number =>
  count / Math.max(windowMs / margin, count < fewRequests ? windowMs + jitterMs : 0)

/** A limit that is found for the first time. Times are those of a monotonic clock, in milliseconds. */
export class FirstEstimate {
  /** The time to which the number of requests refers. */
  readonly #windowMs: number
  readonly #sentAt: number
  #count: number
  #isWindow: boolean | undefined

  /**
   * @param sentAt   when the request was sent that the limit throttled
   * @param minimum  how many requests the limit is taken to allow if nothing got through before
   */
  constructor(
    sentAt: number,
    { waitMs, isRequested }: ThrottledWait,
    { count, spanMs }: AcceptedSample,
    minimum: number,
  ) {
    this.#sentAt = sentAt
    this.#count = count || minimum
    // Most limits are windows, and Vercel names the rest of the window.
    this.#windowMs = Math.max(isRequested ? waitMs : minWindowMs, spanMs)
    // Several processes may share a limit without a named wait, and without a success nothing was measured.
    if (!isRequested || count === 0) this.#isWindow = false
  }

  /** Requests per millisecond. */
  get perMs(): number {
    return rateWithin(this.#count, this.#windowMs)
  }

  /** Whether the limit is a window, which allows no more than `perMs`; undefined if that is not known. */
  get isWindow(): boolean | undefined {
    return this.#isWindow
  }

  /** Counts a request that was in flight at the 429 and got through. If it arrived later, a bucket was refilled. */
  onAccepted(sentAt: number): void {
    this.#count++
    if (this.#isLater(sentAt)) this.#isWindow = false
  }

  /** Handles another 429 of a request that was in flight. */
  onThrottled(sentAt: number): void {
    if (this.#isLater(sentAt) && (sentAt - this.#sentAt) * this.perMs >= minMissing) this.#isWindow ??= true
  }

  #isLater(sentAt: number): boolean {
    return sentAt > this.#sentAt + orderedMs
  }
}
