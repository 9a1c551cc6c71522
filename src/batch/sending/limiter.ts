// How fast a batch goes: so many requests in flight at once, fewer after Vercel throttled, none while it wants to be left
// alone. A 429 is nobody's failure: the request waits with all others, and goes out again.

import { backoff, requestedWait } from '../../delivery/backoff.ts'
import { formatDuration } from '../../format.ts'
import type { HttpResponse, Transport } from '../../http/transport.ts'
import { TransportError } from '../../http/transport-error.ts'
import type { Clock } from '../../runtime.ts'

export interface LimiterOptions {
  /** Requests in flight at once. */
  readonly concurrency: number
  /** How long to be throttled, in milliseconds, before the batch gives up. */
  readonly maxThrottledMs: number
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  readonly signal: AbortSignal
  readonly log: { readonly info: (line: string) => void }
}

/** A record's slot in the limiter, from one attempt to the next. */
export interface Slot {
  /** Whether the slot is held, so that the next request goes out without waiting. */
  acquired: boolean
  /** Milliseconds spent waiting for a slot. */
  waitedMs: number
}

export class AdaptiveLimiter {
  readonly #options: LimiterOptions
  /** How many may be in flight: halved by a 429, and up by one each time that all of them have come back well. */
  #limit: number
  #inFlight = 0
  #queue: (() => void)[] = []
  /** The next record waits behind all that wait to be sent again. */
  #wakeNext: (() => void) | undefined
  #pausedUntil = Number.NEGATIVE_INFINITY
  #onThrottled: number | undefined
  #pauses = 0
  #loggedAt = Number.NEGATIVE_INFINITY
  #hasGivenUp = false
  /** Aborted when nobody is to wait any more. */
  readonly #waitsEnded = new AbortController()

  constructor(options: LimiterOptions) {
    this.#options = options
    this.#limit = options.concurrency
    options.signal.addEventListener('abort', () => this.#endWaits(), { once: true })
  }

  /** Whether Vercel wants to be left alone for longer than the batch has patience. */
  get hasGivenUp(): boolean {
    return this.#hasGivenUp
  }

  /** How many requests may be in flight at present. */
  get limit(): number {
    return Math.floor(this.#limit)
  }

  /** Waits until one more request may go out, and holds its place. */
  async acquire(): Promise<void> {
    if (this.#options.signal.aborted || (this.#isOpen() && this.#queue.length === 0)) {
      this.#inFlight++
      return
    }
    await new Promise<void>((resolve) => {
      this.#wakeNext = resolve
    })
  }

  /** Gives a place back. */
  release(): void {
    this.#inFlight--
    this.#wakeWaiting()
  }

  /**
   * A transport that keeps to the pace.
   *
   * @param slot  whether a place is slot already; it is used for the first request
   */
  transport(inner: Transport, slot: Slot): Transport {
    const { clock, signal } = this.#options
    return {
      send: async (request, options) => {
        for (;;) {
          if (!slot.acquired) {
            const since = clock.monotonic()
            await this.#acquireAgain()
            slot.waitedMs += clock.monotonic() - since
          }
          slot.acquired = false
          try {
            if (signal.aborted) {
              throw new TransportError('cancelled', 'cancelled before it was sent', { mayHaveArrived: false })
            }
            if (this.#hasGivenUp) {
              const message = 'not sent, since Vercel wants to be left alone for longer than retry-timeout allows'
              throw new TransportError('throttled', message, { mayHaveArrived: false })
            }
            // Between a place and its use another request may have been throttled.
            if (this.#isPaused()) continue
            const response = await inner.send(request, options)
            if (response.status !== 429) {
              this.#onSuccess()
              return response
            }
            if (!this.#throttled(response)) return response
          } finally {
            this.release()
          }
        }
      },
      close: inner.close,
    }
  }

  /** A request came through. */
  #onSuccess(): void {
    this.#onThrottled = undefined
    this.#pauses = 0
    this.#limit = Math.min(this.#options.concurrency, this.#limit + 1 / this.#limit)
    this.#wakeWaiting()
  }

  /** @returns false where the batch gives up */
  #throttled(response: HttpResponse): boolean {
    const { clock, random, maxThrottledMs, log } = this.#options
    const now = clock.monotonic()
    const isFirst = !this.#isPaused()
    if (isFirst) {
      this.#limit = Math.max(1, this.#limit / 2)
      this.#pauses++
    }
    this.#onThrottled ??= now
    const wait = requestedWait(response, clock.now()) ?? backoff(this.#pauses, random())
    if (now + wait - this.#onThrottled > maxThrottledMs) {
      this.#hasGivenUp = true
      this.#endWaits()
      return false
    }
    this.#pausedUntil = Math.max(this.#pausedUntil, now + wait)
    if (isFirst && wait >= 1000 && now - this.#loggedAt >= 10_000) {
      this.#loggedAt = now
      log.info(`Vercel throttles (429): all requests wait for ${formatDuration(wait)}`)
    }
    if (isFirst) void this.#resume()
    return true
  }

  /** The pause may grow while it lasts, and a timer may be early. */
  async #resume(): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#waitsEnded
    while (!signal.aborted && !this.#hasGivenUp) {
      const left = this.#pausedUntil - clock.monotonic()
      if (left <= 0) break
      await clock.sleep(left, signal)
    }
    this.#wakeWaiting()
  }

  async #acquireAgain(): Promise<void> {
    if (this.#options.signal.aborted || (this.#isOpen() && this.#queue.length === 0)) this.#inFlight++
    else await new Promise<void>((resolve) => this.#queue.push(resolve))
  }

  #isPaused(): boolean {
    return this.#options.clock.monotonic() < this.#pausedUntil && !this.#hasGivenUp
  }

  #isOpen(): boolean {
    return !this.#isPaused() && this.#inFlight < this.limit
  }

  #wakeWaiting(): void {
    while (this.#isOpen() && this.#next());
  }

  #endWaits(): void {
    this.#waitsEnded.abort()
    while (this.#next());
  }

  /** Gives a place to whoever is next. */
  #next(): boolean {
    const wake = this.#queue.shift() ?? this.#wakeNext
    if (!wake) return false
    if (wake === this.#wakeNext) this.#wakeNext = undefined
    this.#inFlight++
    wake()
    return true
  }
}
