// The slots of requests in flight, and who waits for one: retries first, then the next record.

import type { Clock } from '../../runtime.ts'

export interface SlotQueueOptions {
  readonly clock: Clock
  /**
   * When the next request may be sent, by the monotonic clock; infinite if a response has to come first. A request that is
   * in flight counts in `inFlight`.
   */
  readonly readyAt: (now: number, inFlight: number) => number
  /** Whether a further record may start. */
  readonly canStartRecord: () => boolean
  /** Called when a slot is taken. */
  readonly onTake: (now: number) => void
}

export class SlotQueue {
  readonly #options: SlotQueueOptions
  #inFlight = 0
  #retries: (() => void)[] = []
  #nextRecord: (() => void) | undefined
  /** Wakes the next request; stopped if an earlier time is set. */
  #timer: { readonly at: number; readonly stop: AbortController } | undefined
  #hasEnded = false

  constructor(options: SlotQueueOptions) {
    this.#options = options
  }

  /** Slots that are taken. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Takes a slot for the next record, which waits behind all retries. It resolves at once when the queue has ended. */
  async acquireForRecord(): Promise<void> {
    if (this.#hasEnded) return this.#take()
    await new Promise<void>((resolve) => {
      this.#nextRecord = resolve
      this.wake()
    })
  }

  /** Takes a slot for a record that has started. It resolves at once when the queue has ended. */
  async acquireForRetry(): Promise<void> {
    if (this.#hasEnded) return this.#take()
    await new Promise<void>((resolve) => {
      this.#retries.push(resolve)
      this.wake()
    })
  }

  release(): void {
    this.#inFlight--
    this.wake()
  }

  /** Gives slots to those that wait, as many as there are. */
  wake(): void {
    while (!this.#hasEnded && this.#isAnyoneWaiting() && this.#isReady()) this.#wakeOne()
  }

  /** Ends all waits and the timer. */
  end(): void {
    this.#hasEnded = true
    this.#timer?.stop.abort()
    while (this.#retries.length > 0 || this.#nextRecord) this.#wakeOne()
  }

  #isAnyoneWaiting(): boolean {
    return this.#retries.length > 0 || (this.#nextRecord !== undefined && this.#options.canStartRecord())
  }

  /** Whether a request may be sent now. If only time is missing, the timer is set. */
  #isReady(): boolean {
    const { clock, readyAt } = this.#options
    const now = clock.monotonic()
    const at = readyAt(now, this.#inFlight)
    if (at <= now) return true
    if (Number.isFinite(at)) this.#wakeAt(at, now)
    return false
  }

  #take(): void {
    this.#inFlight++
    this.#options.onTake(this.#options.clock.monotonic())
  }

  #wakeOne(): void {
    const wake = this.#retries.shift() ?? this.#nextRecord
    if (wake === this.#nextRecord) this.#nextRecord = undefined
    this.#take()
    wake?.()
  }

  #wakeAt(at: number, now: number): void {
    if (this.#timer && this.#timer.at <= at) return
    this.#timer?.stop.abort()
    const timer = { at, stop: new AbortController() }
    this.#timer = timer
    void this.#options.clock.sleep(at - now, timer.stop.signal).then(() => {
      if (this.#timer !== timer) return
      this.#timer = undefined
      this.wake()
    })
  }
}
