// How many connections can be open: fewer after one could not be opened, and only a probe while no connection can be opened
// at all (a circuit breaker).

/** Codes of the runner's own limits. They say nothing about the host. */
const exhaustedCodes = new Set<string | undefined>(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EAGAIN'])
/** Descriptors that a batch leaves to everything else, as a share of those that its connections had. */
const exhaustedShare = 0.9
const firstProbeMs = 250
const maxProbeMs = 2000

/** Times are those of a monotonic clock, in milliseconds. */
export class Connections {
  /** How many requests may be in flight. It grows in fractions and counts rounded down. */
  #limit: number
  /** How many connections the runner can have. */
  #ceiling: number
  #isExhausted = false
  #probes = 0
  #probeAt = Number.NEGATIVE_INFINITY
  #failedSince: number | undefined

  /** @param concurrency  the most requests in flight */
  constructor(concurrency: number) {
    this.#limit = concurrency
    this.#ceiling = concurrency
  }

  get limit(): number {
    return Math.floor(this.#limit)
  }

  /** Whether no connection can be opened; a probe is sent now and then. */
  get isDown(): boolean {
    return this.#probes > 0
  }

  /** Whether the runner has no descriptors, ports or memory for another connection. */
  get isExhausted(): boolean {
    return this.#isExhausted
  }

  /** When the next request may be sent. */
  get readyAt(): number {
    return this.#probeAt
  }

  /** When the first connection since the last response failed to open. */
  get failedSince(): number | undefined {
    return this.#failedSince
  }

  /** Handles a response or a broken connection: in both cases a connection was open. */
  onOpened(): void {
    this.#failedSince = undefined
    this.#probes = 0
    this.#probeAt = Number.NEGATIVE_INFINITY
    // After an outage the number doubles with each round of responses.
    this.#limit = Math.min(this.#ceiling, this.#limit + (this.#isExhausted ? 1 / this.#limit : 1))
  }

  /**
   * Handles a connection that could not be opened.
   *
   * @param inFlight  other requests in flight
   * @param code      Node's code, such as `ECONNREFUSED`
   */
  onFailed(now: number, inFlight: number, code: string | undefined): void {
    this.#failedSince ??= now
    this.#isExhausted = exhaustedCodes.has(code)
    if (this.#isExhausted && inFlight > 0) {
      this.#ceiling = Math.max(1, Math.min(this.#ceiling, Math.floor(inFlight * exhaustedShare)))
    }
    this.#limit = Math.max(1, Math.min(this.#ceiling, inFlight))
    if (inFlight > 0) return
    this.#probeAt = now + Math.min(maxProbeMs, firstProbeMs * 2 ** this.#probes)
    this.#probes = Math.min(20, this.#probes + 1)
  }
}
