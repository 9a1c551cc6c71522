// The server's clock, as far as the `Date` headers of its responses tell.

/**
 * Bounds for how far the server's clock is ahead of ours. `Date` has no fractions of a second and was written at an unknown
 * moment between request and response, so that each response narrows the bounds.
 */
export class ServerClock {
  /** In milliseconds; the server's time is at least ours plus this. */
  #minAheadMs = Number.NEGATIVE_INFINITY
  #maxAheadMs = Number.POSITIVE_INFINITY

  /**
   * @param date        the header `Date`
   * @param sentAt      our time when the request was sent, in epoch milliseconds
   * @param receivedAt  our time when the response came
   */
  update(date: string | undefined, sentAt: number, receivedAt: number): void {
    // A missing header, as text, is not a date.
    const serverTime = Date.parse(String(date))
    if (Number.isNaN(serverTime)) return
    const [min, max] = [serverTime - receivedAt, serverTime + 1000 - sentAt]
    this.#minAheadMs = Math.max(this.#minAheadMs, min)
    this.#maxAheadMs = Math.min(this.#maxAheadMs, max)
    // One of the clocks was set, or several servers answer.
    if (this.#minAheadMs > this.#maxAheadMs) [this.#minAheadMs, this.#maxAheadMs] = [min, max]
  }

  /** Our time at which the server's clock has certainly reached a time, in epoch milliseconds. */
  reaches(serverTime: number): number {
    return serverTime - (Number.isFinite(this.#minAheadMs) ? this.#minAheadMs : 0)
  }
}
