// How fast a batch goes: so many requests in flight at once, fewer after Vercel throttled, none while it wants to be left
// alone. A 429 is nobody's failure: the request waits with all others, and goes out again.

import { backoff, requestedWait } from '../../delivery/backoff.ts'
import { formatDuration } from '../../format.ts'
import { type Transport, TransportError, type WireAnswer } from '../../http/transport.ts'
import type { Time } from '../../runtime.ts'

export interface PaceOptions {
  /** Requests in flight at once. */
  readonly concurrency: number
  /** How long to be throttled, in milliseconds, before the batch gives up. */
  readonly patienceMs: number
  readonly time: Time
  /** From 0 to 1. */
  readonly random: () => number
  readonly signal: AbortSignal
  readonly log: { readonly info: (line: string) => void }
}

export class Pace {
  readonly #options: PaceOptions
  /** How many may be in flight: halved by a 429, and up by one each time that all of them have come back well. */
  #limit: number
  #inFlight = 0
  #queue: (() => void)[] = []
  /** The next record waits behind all that wait to be sent again. */
  #newcomer: (() => void) | undefined
  #pausedUntil = Number.NEGATIVE_INFINITY
  #throttledSince: number | undefined
  #pauses = 0
  #saidAt = Number.NEGATIVE_INFINITY
  #isGivingUp = false
  /** Aborted when nobody is to wait any more. */
  readonly #over = new AbortController()

  constructor(options: PaceOptions) {
    this.#options = options
    this.#limit = options.concurrency
    options.signal.addEventListener('abort', () => this.#end(), { once: true })
  }

  /** Whether Vercel wants to be left alone for longer than the batch has patience. */
  get isGivingUp(): boolean {
    return this.#isGivingUp
  }

  /** How many requests may be in flight at present. */
  get limit(): number {
    return Math.floor(this.#limit)
  }

  /** Waits until one more request may go out, and holds its place. */
  async room(): Promise<void> {
    if (this.#options.signal.aborted || (this.#isOpen() && this.#queue.length === 0)) {
      this.#inFlight++
      return
    }
    await new Promise<void>((resolve) => {
      this.#newcomer = resolve
    })
  }

  /** Gives a place back. */
  leave(): void {
    this.#inFlight--
    this.#admit()
  }

  /**
   * A transport that keeps to the pace.
   *
   * @param held  whether a place is held already; it is used for the first request
   */
  transport(inner: Transport, held: { place: boolean; waitedMs: number }): Transport {
    const { time, signal } = this.#options
    return {
      send: async (request, options) => {
        for (;;) {
          if (!held.place) {
            const since = time.clock()
            await this.#enter()
            held.waitedMs += time.clock() - since
          }
          held.place = false
          try {
            if (signal.aborted) {
              throw new TransportError('cancelled', 'cancelled before it was sent', { mayHaveArrived: false })
            }
            if (this.#isGivingUp) {
              const message = 'not sent, since Vercel wants to be left alone for longer than retry-timeout allows'
              throw new TransportError('throttled', message, { mayHaveArrived: false })
            }
            // Between a place and its use another request may have been throttled.
            if (this.#isPaused()) continue
            const answer = await inner.send(request, options)
            if (answer.status !== 429) {
              this.#flowing()
              return answer
            }
            if (!this.#throttled(answer)) return answer
          } finally {
            this.leave()
          }
        }
      },
      close: inner.close,
    }
  }

  /** A request came through. */
  #flowing(): void {
    this.#throttledSince = undefined
    this.#pauses = 0
    this.#limit = Math.min(this.#options.concurrency, this.#limit + 1 / this.#limit)
    this.#admit()
  }

  /** @returns false where the batch gives up */
  #throttled(answer: WireAnswer): boolean {
    const { time, random, patienceMs, log } = this.#options
    const now = time.clock()
    const isFirst = !this.#isPaused()
    if (isFirst) {
      this.#limit = Math.max(1, this.#limit / 2)
      this.#pauses++
    }
    this.#throttledSince ??= now
    const wait = requestedWait(answer, time.now()) ?? backoff(this.#pauses, random())
    if (now + wait - this.#throttledSince > patienceMs) {
      this.#isGivingUp = true
      this.#end()
      return false
    }
    this.#pausedUntil = Math.max(this.#pausedUntil, now + wait)
    if (isFirst && wait >= 1000 && now - this.#saidAt >= 10_000) {
      this.#saidAt = now
      log.info(`Vercel throttles (429): all requests wait for ${formatDuration(wait)}`)
    }
    if (isFirst) void this.#resume()
    return true
  }

  /** The pause may grow while it lasts, and a timer may be early. */
  async #resume(): Promise<void> {
    const { time } = this.#options
    const { signal } = this.#over
    while (!signal.aborted && !this.#isGivingUp) {
      const left = this.#pausedUntil - time.clock()
      if (left <= 0) break
      await time.sleep(left, signal)
    }
    this.#admit()
  }

  async #enter(): Promise<void> {
    if (this.#options.signal.aborted || (this.#isOpen() && this.#queue.length === 0)) this.#inFlight++
    else await new Promise<void>((resolve) => this.#queue.push(resolve))
  }

  #isPaused(): boolean {
    return this.#options.time.clock() < this.#pausedUntil && !this.#isGivingUp
  }

  #isOpen(): boolean {
    return !this.#isPaused() && this.#inFlight < this.limit
  }

  #admit(): void {
    while (this.#isOpen() && this.#next());
  }

  #end(): void {
    this.#over.abort()
    while (this.#next());
  }

  /** Gives a place to whoever is next. */
  #next(): boolean {
    const wake = this.#queue.shift() ?? this.#newcomer
    if (!wake) return false
    if (wake === this.#newcomer) this.#newcomer = undefined
    this.#inFlight++
    wake()
    return true
  }
}
