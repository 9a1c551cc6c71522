// A rate limit as a batch learns it: no requests during a pause, and afterwards as many per second as got through, plus a
// careful increase (additive increase, multiplicative decrease of a rate).

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

/**
 * The factor by which the rate grows per second. Each limit that is found makes the growth slower: the first one doubles
 * the rate to find its magnitude, the last one stays close to the limit.
 */
const growthPerSecond = [2, 1.08, 1.01] as const
/** After this time of growth it is twice as fast, then three times, and so on. */
const accelerationMs = 5000
/**
 * Where Vercel names no wait, several processes may share the limit, and a 429 costs a short pause only. Additive increase and
 * multiplicative decrease give each of them the same share in the end.
 */
const unhintedDecrease = 0.85
/** Per second, as a share of the first rate that was exceeded. */
const unhintedIncrease = 0.05
const unhintedHoldMs = 1000
/** How long a rate is kept before it grows, in milliseconds, by the same index. */
const holdMs = [1000, 2000, 45_000] as const
const maxHoldMs = 60_000
/** A rate that lasted this long without a 429 is safe. */
const verifiedMs = 2000
/** If the limit is exceeded after growing for less than this, the rate before was close to it. */
const closeMs = 1000
/** By how much a rate that was too high without having grown is reduced at least. */
const wrongFactor = 0.98
/** A limit that names no wait is taken for one per second. */
const minWindowMs = 1000
/** How much of a measured limit is used, so that jitter does not exceed it. */
const margin = 0.985
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
  /** The time to which the first estimate refers, until a limit is exceeded again. */
  #estimatedMs: number | undefined
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
  onAccepted(now: number): void {
    this.#hasAccepted = true
    if (this.#estimatedMs !== undefined && this.isPaused(now)) this.#perMs += margin / this.#estimatedMs
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
    this.#nextAt = Math.max(this.#nextAt, this.#pausedUntil)
    this.#growsFrom = this.#pausedUntil + this.#holdMs
  }

  /** Reduces the rate without a pause. */
  slowDown(now: number, sentAt: number, wait: ThrottledWait, sample: AcceptedSample): void {
    if (sentAt < this.#slowedAt) return
    this.#slowedAt = now
    // Without a success in between, a 429 says nothing of the rate: Vercel may throttle everything.
    if (!this.isLimited) this.#estimate(wait, sample)
    else if (this.#hasAccepted) this.#reduce(wait)
    this.#hasAccepted = false
    this.#growsFrom = now + this.#holdMs
  }

  /** Takes what got through for the limit. Most limits are windows, and Vercel names the rest of the window. */
  #estimate({ waitMs, isRequested }: ThrottledWait, { count, spanMs }: AcceptedSample): void {
    this.#estimatedMs = isRequested ? Math.max(waitMs, spanMs) : Math.max(minWindowMs, spanMs)
    this.#perMs = ((count || this.#firstCount) / this.#estimatedMs) * margin
    this.#grownMs = 0
  }

  /** Goes back to the rate of two seconds ago, and grows more slowly from there. */
  #reduce({ waitMs, isRequested }: ThrottledWait): void {
    this.#exceededPerMs = this.#perMs
    this.#estimatedMs = undefined
    if (!isRequested) {
      this.#perMs = Math.max(this.#perMs * unhintedDecrease, 1 / minWindowMs)
      this.#growthStage = growthPerSecond.length - 1
      this.#additionPerMs ??= (this.#perMs * unhintedIncrease) / 1000
      this.#holdMs = unhintedHoldMs
      return
    }
    this.#additionPerMs = undefined
    const back = this.#perMs / this.#growth(Math.min(this.#grownMs, verifiedMs))
    const safe = this.#grownMs > verifiedMs ? back * margin : back
    // A rate that is exceeded without having grown was wrong, and more so each time.
    this.#wrongInRow = this.#grownMs > 0 ? 0 : this.#wrongInRow + 1
    const reduced = Math.min(
      Math.max(safe, this.#perMs / 2),
      this.#perMs * wrongFactor ** (2 ** Math.min(4, this.#wrongInRow)),
    )
    // After each pause one request may be sent anyway.
    this.#perMs = Math.max(reduced, 1 / Math.max(minWindowMs, waitMs))
    const isLastStage = this.#growthStage === growthPerSecond.length - 1
    // A failed increase costs a pause, so that the hold is long where the pauses are.
    const longest = isRequested ? Math.min(maxHoldMs, 60 * Math.max(minWindowMs, waitMs)) : (holdMs[1] as number)
    if (isLastStage) this.#holdMs = Math.min(longest, this.#holdMs * 4)
    else {
      // The first rate was close to the limit if doubling it failed at once.
      this.#growthStage = this.#grownMs < closeMs ? growthPerSecond.length - 1 : this.#growthStage + 1
      this.#holdMs = Math.min(longest, holdMs[this.#growthStage] as number)
    }
    this.#grownMs = 0
  }

  /** The factor of a growth of `ms`. */
  #growth(ms: number): number {
    const isLastStage = this.#growthStage === growthPerSecond.length - 1
    return (growthPerSecond[this.#growthStage] ?? 1) ** ((ms / 1000) * (isLastStage ? this.#acceleration() : 1))
  }

  /** The longer no limit is found, the faster the rate grows. */
  #acceleration(): number {
    return 1 + this.#grownMs / accelerationMs
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
        : this.#perMs + addition * ms * Math.max(1, this.#acceleration() - 2)
    this.#grownMs += ms
    if (this.#growthStage > 0 && this.#perMs > raisedFactor * this.#exceededPerMs) {
      this.#growthStage--
      this.#exceededPerMs = this.#perMs
    }
  }
}
