// Adaptive concurrency limiter: at most `concurrency` requests in flight, half as many after a 429, and one more after
// each full window of successes (AIMD). While Vercel throttles, all requests wait. A 429 is retried here and never fails
// a record.

import { backoff, requestedWait } from '../../delivery/backoff.ts'
import { formatDuration } from '../../format.ts'
import type { HttpResponse, Transport } from '../../http/transport.ts'
import { TransportError } from '../../http/transport-error.ts'
import type { Clock } from '../../runtime.ts'

export interface LimiterOptions {
  /** Maximum number of requests in flight. */
  readonly concurrency: number
  /** How long Vercel may throttle the batch, in milliseconds, before the batch gives up. */
  readonly maxThrottledMs: number
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  /** Cancels the batch. */
  readonly signal: AbortSignal
  readonly log: { readonly info: (line: string) => void }
}

/** A record's slot in the limiter, which it keeps between attempts. */
export interface Slot {
  /** Whether the slot is acquired, so that the next request is sent without waiting. */
  acquired: boolean
  /** Milliseconds spent waiting for a slot. */
  waitedMs: number
}

/** Shorter waits are not logged. */
const minLoggedWaitMs = 1000
/** Between two log lines about throttling. */
const minLogIntervalMs = 10_000

/** Gives slots to the records of a batch. Retries go before new records. */
export class AdaptiveLimiter {
  readonly #options: LimiterOptions
  /** How many requests may be in flight. It grows in fractions and counts rounded down. */
  #limit: number
  #inFlight = 0
  /** Requests that wait to be retried. */
  #retries: (() => void)[] = []
  /** The next record, which waits behind all retries. */
  #nextRecord: (() => void) | undefined
  #pausedUntil = Number.NEGATIVE_INFINITY
  /** When the first 429 since the last success came. */
  #throttledSince: number | undefined
  #consecutivePauses = 0
  #loggedAt = Number.NEGATIVE_INFINITY
  #throttledUntil: Date | undefined
  /** Aborted when the batch is cancelled or gives up; ends all waits. */
  readonly #waits = new AbortController()

  constructor(options: LimiterOptions) {
    this.#options = options
    this.#limit = options.concurrency
    options.signal.addEventListener('abort', () => this.#endWaits(), { once: true })
  }

  /** Whether Vercel's rate limit lasts longer than `maxThrottledMs`, so that nothing more is sent. */
  get hasGivenUp(): boolean {
    return this.#throttledUntil !== undefined
  }

  /** When Vercel accepts requests again. Set once the limiter has given up. */
  get throttledUntil(): Date | undefined {
    return this.#throttledUntil
  }

  /** How many requests may be in flight now. */
  get limit(): number {
    return Math.floor(this.#limit)
  }

  /** Waits for a free slot and acquires it. It resolves at once when the batch is cancelled. */
  async acquire(): Promise<void> {
    if (this.#canAcquire()) {
      this.#inFlight++
      return
    }
    await new Promise<void>((resolve) => {
      this.#nextRecord = resolve
    })
  }

  /** Releases a slot. */
  release(): void {
    this.#inFlight--
    this.#wakeWaiting()
  }

  /**
   * A transport that sends each request with a slot of the limiter, and retries it after a 429.
   *
   * @param slot  if it is acquired, the first request uses it
   */
  transport(inner: Transport, slot: Slot): Transport {
    const { clock, signal } = this.#options
    return {
      send: async (request, options) => {
        for (;;) {
          if (!slot.acquired) {
            const since = clock.monotonic()
            await this.#acquireForRetry()
            slot.waitedMs += clock.monotonic() - since
          }
          slot.acquired = false
          try {
            if (signal.aborted) {
              throw new TransportError('cancelled', 'cancelled before it was sent', { mayHaveArrived: false })
            }
            if (this.hasGivenUp) {
              const message = "not sent, because Vercel's rate limit lasts longer than retry-timeout"
              throw new TransportError('throttled', message, { mayHaveArrived: false })
            }
            // Another request may have been throttled since the slot was acquired.
            if (this.#isPaused()) continue
            const response = await inner.send(request, options)
            if (response.status !== 429) {
              this.#onSuccess()
              return response
            }
            if (!this.#onThrottled(response)) return response
          } finally {
            this.release()
          }
        }
      },
      close: inner.close,
    }
  }

  /** Handles any response but a 429. */
  #onSuccess(): void {
    this.#throttledSince = undefined
    this.#consecutivePauses = 0
    this.#limit = Math.min(this.#options.concurrency, this.#limit + 1 / this.#limit)
    this.#wakeWaiting()
  }

  /** Handles a 429. @returns false if the limiter gives up */
  #onThrottled(response: HttpResponse): boolean {
    const { clock, random, maxThrottledMs, log } = this.#options
    const now = clock.monotonic()
    // Several 429s of one moment count as one.
    const startsPause = !this.#isPaused()
    if (startsPause) {
      this.#limit = Math.max(1, this.#limit / 2)
      this.#consecutivePauses++
    }
    this.#throttledSince ??= now
    const waitMs = requestedWait(response, clock.now()) ?? backoff(this.#consecutivePauses, random())
    if (now + waitMs - this.#throttledSince > maxThrottledMs) {
      const until = new Date(clock.now().getTime() + waitMs)
      if (!this.#throttledUntil || until > this.#throttledUntil) this.#throttledUntil = until
      this.#endWaits()
      return false
    }
    this.#pausedUntil = Math.max(this.#pausedUntil, now + waitMs)
    if (startsPause && waitMs >= minLoggedWaitMs && now - this.#loggedAt >= minLogIntervalMs) {
      this.#loggedAt = now
      log.info(`Vercel throttles (429): all requests wait for ${formatDuration(waitMs)}`)
    }
    if (startsPause) void this.#resumeAfterPause()
    return true
  }

  async #resumeAfterPause(): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#waits
    // Another 429 may extend the pause, and a timer may fire early.
    while (!signal.aborted && !this.hasGivenUp) {
      const remainingMs = this.#pausedUntil - clock.monotonic()
      if (remainingMs <= 0) break
      await clock.sleep(remainingMs, signal)
    }
    this.#wakeWaiting()
  }

  async #acquireForRetry(): Promise<void> {
    if (this.#canAcquire()) this.#inFlight++
    else await new Promise<void>((resolve) => this.#retries.push(resolve))
  }

  #canAcquire(): boolean {
    return this.#options.signal.aborted || (this.#hasFreeSlot() && this.#retries.length === 0)
  }

  #isPaused(): boolean {
    return this.#options.clock.monotonic() < this.#pausedUntil && !this.hasGivenUp
  }

  #hasFreeSlot(): boolean {
    return !this.#isPaused() && this.#inFlight < this.limit
  }

  #wakeWaiting(): void {
    while (this.#hasFreeSlot() && this.#wakeOne());
  }

  #endWaits(): void {
    this.#waits.abort()
    while (this.#wakeOne());
  }

  /** Gives a slot to the first retry or, if there is none, to the next record. @returns false if neither waits */
  #wakeOne(): boolean {
    const wake = this.#retries.shift() ?? this.#nextRecord
    if (!wake) return false
    if (wake === this.#nextRecord) this.#nextRecord = undefined
    this.#inFlight++
    wake()
    return true
  }
}
