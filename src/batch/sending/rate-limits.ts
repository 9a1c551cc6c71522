// Vercel's rate limits: whose they are, how fast requests may be sent, and who has to wait.

import { backoff, requestedWait } from '../../delivery/backoff.ts'
import type { HttpResponse } from '../../http/transport.ts'
import type { Clock } from '../../runtime.ts'
import { AcceptedCounts } from './accepted-counts.ts'
import type { ThrottledWait } from './first-estimate.ts'
import { PacedRate } from './paced-rate.ts'
import { Quota } from './quota.ts'
import { ThrottleScope } from './throttle-scope.ts'
import { ThrottledInstallations } from './throttled-installations.ts'

export interface RateLimitOptions {
  /** Maximum number of requests in flight. */
  readonly concurrency: number
  /** How long a rate limit or an outage may last, in milliseconds. */
  readonly maxWaitMs: number
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
}

/** When a request was sent. */
export interface SendTime {
  /** In epoch milliseconds. */
  readonly time: number
  readonly monotonic: number
}

/** What a 429 means: who waits, and for how long. */
export interface ThrottleResult {
  readonly who: 'installation' | 'all'
  readonly waitMs: number
  /** How long all requests were throttled by then, and will be; 0 if they are not. */
  readonly throttledMs: number
}

/** With fewer requests a second no installation counts as busy. */
const minBusiest = 4
/** An installation with this share of the most requests is among the busiest: at a limit of five, some get six through. */
const busiestShare = 0.75

/** Times are those of the monotonic clock, in milliseconds. */
export class RateLimits {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #maxWaitMs: number
  readonly #rate: PacedRate
  readonly #quota = new Quota()
  readonly #scope = new ThrottleScope()
  readonly #counts = new AcceptedCounts()
  readonly #installations = new ThrottledInstallations()
  /** When the first 429 of a shared limit since the last success came. */
  #throttledSince: number | undefined
  #consecutivePauses = 0

  constructor(options: RateLimitOptions) {
    this.#rate = new PacedRate(options.concurrency)
    this.#clock = options.clock
    this.#random = options.random
    this.#maxWaitMs = options.maxWaitMs
  }

  /** Until when no request may be sent. */
  pausedUntil(now: number, inFlight: number): number {
    return Math.max(this.#rate.pausedUntil, this.#quotaReadyAt(now, inFlight))
  }

  isPaused(now: number): boolean {
    return this.#rate.isPaused(now)
  }

  /** When the next request may be sent; infinite if the requests in flight tell whose limit a 429 was. */
  readyAt(now: number, inFlight: number): number {
    if (this.#scope.isInDoubt && inFlight > 0) return Number.POSITIVE_INFINITY
    return Math.max(this.#rate.readyAt(now), this.#quotaReadyAt(now, inFlight))
  }

  /** When the next request of an installation may be sent, as far as its own limit goes. */
  installationReadyAt(installation: string, now: number): number {
    return this.#installations.readyAt(installation, now)
  }

  /** When the first 429 of the installation since its last success came. */
  installationThrottledSince(installation: string): number | undefined {
    return this.#installations.throttledSince(installation)
  }

  /** Counts a slot that is taken. */
  take(now: number): void {
    this.#rate.take(now)
  }

  /** Takes back a `take` whose request was not sent. */
  putBack(): void {
    this.#rate.putBack()
  }

  /** Counts a request that is sent. */
  onSent(installation: string, now: number): void {
    this.#installations.take(installation, now)
  }

  /** Handles any response but a 429. */
  onAccepted(response: HttpResponse, installation: string, sent: SendTime): void {
    const now = this.#clock.monotonic()
    this.#readQuota(response, installation, sent)
    this.#throttledSince = undefined
    this.#consecutivePauses = 0
    this.#scope.onAccepted()
    this.#counts.add(now, installation)
    this.#rate.onAccepted(now, sent.monotonic)
    this.#installations.onAccepted(installation, now, sent.monotonic)
  }

  /** Handles a 429: holds back the installation or, if all share the limit, all requests. */
  onThrottled(response: HttpResponse, installation: string, sent: SendTime): ThrottleResult {
    const now = this.#clock.monotonic()
    this.#readQuota(response, installation, sent)
    const wait = this.#waitOf(response, installation)
    const { waitMs } = wait
    const sample = this.#counts.recentOf(now, installation)
    const isBusiest = sample.count >= minBusiest && sample.count >= busiestShare * this.#counts.most(now)
    const scope = this.#scope.onThrottled(installation, {
      waitMs,
      isBusiest,
      wasAlone: this.#installations.wasThrottled(installation),
      isPaced: this.#rate.isLimited,
    })
    if (scope === 'shared' || (this.#rate.isPaused(now) && waitMs <= this.#maxWaitMs)) {
      return this.#pauseAll(now, sent.monotonic, wait)
    }
    if (scope === 'partly-shared') {
      this.#rate.slowDown(now, sent.monotonic, wait, this.#counts.recent(now, waitMs))
    }
    this.#installations.onThrottled(installation, { now, sentAt: sent.monotonic, wait, sample, isRate: isBusiest })
    return { who: 'installation', waitMs, throttledMs: 0 }
  }

  #waitOf(response: HttpResponse, installation: string): ThrottledWait {
    const requestedMs = requestedWait(response, this.#clock.now())
    if (requestedMs !== undefined) return { waitMs: requestedMs, isRequested: true }
    const inRow = Math.max(1, this.#consecutivePauses, this.#installations.throttledInRow(installation) + 1)
    return { waitMs: backoff(inRow, this.#random()), isRequested: false }
  }

  #pauseAll(now: number, sentAt: number, wait: ThrottledWait): ThrottleResult {
    // Several 429s of one moment count as one.
    if (!this.#rate.isPaused(now)) this.#consecutivePauses++
    this.#throttledSince ??= now
    this.#rate.onThrottled(now, sentAt, wait, this.#counts.recent(now, wait.waitMs))
    return { who: 'all', waitMs: wait.waitMs, throttledMs: now + wait.waitMs - this.#throttledSince }
  }

  #readQuota(response: HttpResponse, installation: string, sent: SendTime): void {
    if (response.headers['x-ratelimit-remaining'] === undefined) return
    const receivedAt = this.#clock.now().getTime()
    const usedUp = this.#quota.update(response, installation, { sentAt: sent.time, receivedAt })
    const waitMs = usedUp ? usedUp.resetsAt - receivedAt : 0
    if (waitMs > 0 && waitMs <= this.#maxWaitMs) {
      this.#installations.pause(installation, this.#clock.monotonic(), waitMs)
    }
  }

  /** When the quota that all share allows another request. */
  #quotaReadyAt(now: number, inFlight: number): number {
    if (!this.#quota.isShared) return now
    const time = this.#clock.now().getTime()
    const waitMs = this.#quota.readyAt(time, inFlight) - time
    // A longer wait is not believed before Vercel throttles.
    return waitMs <= this.#maxWaitMs ? now + waitMs : now
  }
}
