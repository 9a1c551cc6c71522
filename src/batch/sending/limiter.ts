// Decides when each request of a batch is sent: at most `concurrency` at once, as fast as Vercel's rate limits allow, and
// only probes while no connection can be opened. A 429 and a connection that did not open are retried here and cost no
// record an attempt.

import { formatDuration, formatSecond } from '../../format.ts'
import type { HttpRequest, HttpResponse, SendOptions, Transport } from '../../http/transport.ts'
import { TransportError } from '../../http/transport-error.ts'
import { Connections } from './connections.ts'
import { type RateLimitOptions, RateLimits, type SendTime } from './rate-limits.ts'
import type { BatchWait, GivenUp, Slot } from './slot.ts'
import { SlotQueue } from './slot-queue.ts'
import { WaitLog } from './wait-log.ts'

export interface LimiterOptions extends RateLimitOptions {
  /** Cancels the batch. */
  readonly signal: AbortSignal
  readonly log: { readonly info: (line: string) => void }
}

/** How many started records may wait for their rate limits. */
const maxHeldRecords = 1000

/** Gives slots to the records of a batch. Retries go before new records. */
export class AdaptiveLimiter {
  /** When the last rate limit of an installation ends that lasts longer than `maxWaitMs`. */
  heldUntil: Date | undefined
  readonly waitLog: WaitLog
  readonly #options: LimiterOptions
  readonly #queue: SlotQueue
  readonly #connections: Connections
  readonly #rates: RateLimits
  /** Records that wait for the rate limits of their installations, without a slot. */
  #held = 0
  /** Requests that are sent and not answered. */
  #onTheWire = 0
  #givenUp: GivenUp | undefined
  /** Aborted when the batch is cancelled, gives up or ends; ends all waits. */
  readonly #waits = new AbortController()

  constructor(options: LimiterOptions) {
    this.#options = options
    this.#connections = new Connections(options.concurrency)
    this.#rates = new RateLimits(options)
    this.waitLog = new WaitLog(options.clock, options.log)
    this.#queue = new SlotQueue({
      clock: options.clock,
      readyAt: (now, inFlight) => this.#readyAt(now, inFlight),
      canStartRecord: () => this.#held < maxHeldRecords,
      onTake: (now) => this.#rates.take(now),
    })
    options.signal.addEventListener('abort', this.close)
  }

  /** Why nothing more is sent, if the rate limit or the outage lasts longer than `maxWaitMs`. */
  get givenUp(): GivenUp | undefined {
    return this.#givenUp
  }

  /** What all requests wait for now, if they do. */
  get waiting(): BatchWait | undefined {
    const { clock, maxWaitMs } = this.#options
    const now = clock.monotonic()
    const { isDown, failedSince = now } = this.#connections
    if (isDown) return { reason: 'unopened', until: this.#dateOf(failedSince + maxWaitMs, now) }
    const until = this.#rates.pausedUntil(now, this.#queue.inFlight)
    return until > now ? { reason: 'throttled', until: this.#dateOf(until, now) } : undefined
  }

  /** Waits for a free slot and acquires it. It resolves at once when the batch is cancelled or has given up. */
  acquire(): Promise<void> {
    return this.#queue.acquireForRecord()
  }

  /** Releases a slot. */
  release(): void {
    this.#queue.release()
  }

  /** Ends all waits. */
  readonly close = (): void => {
    this.#waits.abort()
    this.#queue.end()
  }

  /**
   * A transport that sends each request with a slot of the limiter, and retries it after a 429 or if no connection opened.
   *
   * @param slot  if it is acquired, the first request uses it
   */
  transport(inner: Transport, slot: Slot): Transport {
    return {
      send: async (request, options) => {
        for (;;) {
          await this.#waitForSlot(slot)
          slot.acquired = false
          try {
            const response = await this.#sendWithSlot(inner, request, options, slot)
            if (response) return response
          } finally {
            this.#queue.release()
          }
        }
      },
      close: inner.close,
    }
  }

  /** Waits for the rate limit of the installation, without a slot, and then for a slot. */
  async #waitForSlot(slot: Slot): Promise<void> {
    const { clock } = this.#options
    const since = clock.monotonic()
    for (let now = since; !this.#waits.signal.aborted; now = clock.monotonic()) {
      const readyAt = this.#rates.installationReadyAt(slot.installation, now)
      if (readyAt <= now) break
      if (slot.acquired) {
        slot.acquired = false
        this.#rates.putBack()
        this.#queue.release()
      }
      this.#throwIfHeldTooLong(slot, now, readyAt)
      this.#held++
      // A timer may fire early.
      await clock.sleep(readyAt - now, this.#waits.signal)
      this.#held--
      this.#queue.wake()
    }
    if (!slot.acquired) await this.#queue.acquireForRetry()
    slot.waitedMs += clock.monotonic() - since
  }

  /** @returns undefined if the request was not processed and is to be sent again */
  async #sendWithSlot(
    inner: Transport,
    request: HttpRequest,
    options: SendOptions,
    slot: Slot,
  ): Promise<HttpResponse | undefined> {
    this.#throwIfEnded()
    // Another request may have been throttled since the slot was acquired, or while the journal was written.
    if (this.#mustWait()) return undefined
    await slot.beforeSend?.(request)
    try {
      this.#throwIfEnded()
      const response = this.#mustWait() ? undefined : await this.#exchange(inner, request, options, slot)
      if (!response) slot.onNotProcessed?.(request)
      return response
    } catch (error) {
      if (error instanceof TransportError && !error.mayHaveArrived) slot.onNotProcessed?.(request)
      else slot.onMayHaveArrived?.()
      throw error
    }
  }

  /** @returns undefined after a 429, or if no connection opened */
  async #exchange(
    inner: Transport,
    request: HttpRequest,
    options: SendOptions,
    slot: Slot,
  ): Promise<HttpResponse | undefined> {
    const { clock } = this.#options
    const { installation } = slot
    const sent = { time: clock.now().getTime(), monotonic: clock.monotonic() }
    this.#rates.onSent(installation, sent.monotonic)
    let response: HttpResponse
    this.#onTheWire++
    try {
      response = await inner.send(request, options).finally(() => this.#onTheWire--)
    } catch (error) {
      if (error instanceof TransportError && error.failure === 'connect' && !error.mayHaveArrived) {
        if (this.#isWaitedOut(error, slot)) return undefined
      } else this.#connections.onOpened()
      throw error
    }
    this.#connections.onOpened()
    if (response.status === 429) {
      this.#onThrottled(response, installation, sent)
      return undefined
    }
    slot.onMayHaveArrived?.()
    this.waitLog.countAnswered()
    this.#rates.onAccepted(response, installation, sent)
    return response
  }

  #onThrottled(response: HttpResponse, installation: string, sent: SendTime): void {
    const { clock, maxWaitMs } = this.#options
    const { who, waitMs, throttledMs } = this.#rates.onThrottled(response, installation, sent)
    if (throttledMs > maxWaitMs) {
      const until = new Date(clock.now().getTime() + waitMs)
      if (!this.#givenUp || until > this.#givenUp.until) this.#giveUp({ reason: 'throttled', until })
      return
    }
    this.waitLog.logThrottled(who === 'all' ? undefined : installation, waitMs)
  }

  /** Handles a connection that did not open. @returns false if the request has waited for one for too long */
  #isWaitedOut(error: TransportError, slot: Slot): boolean {
    const { clock, maxWaitMs } = this.#options
    const now = clock.monotonic()
    slot.unopenedSince ??= now
    this.#connections.onFailed(now, this.#onTheWire, error.code)
    const { failedSince = now, isDown, isExhausted, limit } = this.#connections
    if (isExhausted) this.waitLog.logExhausted(error.message, limit)
    if (!isDown) return now - slot.unopenedSince <= maxWaitMs
    const until = this.#dateOf(failedSince + maxWaitMs, now)
    if (now - failedSince >= maxWaitMs) this.#giveUp({ reason: 'unopened', until, detail: error.message })
    else this.waitLog.logUnopened(error.message, until)
    return true
  }

  #throwIfEnded(): void {
    if (!this.#waits.signal.aborted) return
    const { detail, until } = this.#givenUp ?? { detail: 'the batch was cancelled' }
    const reason = detail ?? `Vercel's rate limit lasts until ${until && formatSecond(until)}`
    throw new TransportError('cancelled', reason, { mayHaveArrived: false })
  }

  #throwIfHeldTooLong({ installation }: Slot, now: number, readyAt: number): void {
    const { maxWaitMs } = this.#options
    const since = this.#rates.installationThrottledSince(installation) ?? now
    if (readyAt - since <= maxWaitMs) return
    const until = this.#dateOf(readyAt, now)
    if (!this.heldUntil || until > this.heldUntil) this.heldUntil = until
    const message = `Vercel's rate limit for this installation lasts longer than retry-timeout (${formatDuration(maxWaitMs)})`
    throw new TransportError('throttled', message, { mayHaveArrived: false, until })
  }

  /** Whether all requests wait, although this one has a slot. */
  #mustWait(): boolean {
    const now = this.#options.clock.monotonic()
    return this.#rates.isPaused(now) || now < this.#connections.readyAt
  }

  #readyAt(now: number, inFlight: number): number {
    if (inFlight >= this.#connections.limit) return Number.POSITIVE_INFINITY
    return Math.max(this.#connections.readyAt, this.#rates.readyAt(now, inFlight))
  }

  #dateOf(at: number, now: number): Date {
    return new Date(this.#options.clock.now().getTime() + at - now)
  }

  #giveUp(givenUp: GivenUp): void {
    this.#givenUp = givenUp
    this.close()
  }
}
