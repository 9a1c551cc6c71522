// Log lines about what slows a batch down, not too many of them.

import { countOf, formatCount, formatDuration, formatSecond, quote } from '../../format.ts'
import type { Clock } from '../../runtime.ts'

/** Between two lines of the same kind. */
const minLogIntervalMs = 10_000
/** Shorter waits are not logged one by one. */
const minLoggedWaitMs = 1000

export class WaitLog {
  readonly #clock: Clock
  readonly #info: (line: string) => void
  readonly #logged = new Map<string, { readonly at: number; readonly line: string }>()
  #answered = 0
  #throttled = 0

  constructor(clock: Clock, { info }: { readonly info: (line: string) => void }) {
    this.#clock = clock
    this.#info = info
  }

  /** Counts a response that is not a 429. */
  countAnswered(): void {
    this.#answered++
  }

  /**
   * Logs a 429.
   *
   * @param installation  that waits; undefined if all requests do
   */
  logThrottled(installation: string | undefined, waitMs: number): void {
    this.#answered++
    this.#throttled++
    if (waitMs < minLoggedWaitMs) {
      this.#log('slowed', `${this.#throttledCount()}; they are sent again, and the batch slows down`)
      return
    }
    const waits = installation === undefined ? 'all requests wait' : `installation ${quote(installation)} waits`
    this.#log(
      installation === undefined ? 'all' : 'installation',
      `Vercel throttles (429): ${waits} for ${formatDuration(waitMs)}`,
    )
  }

  /** Logs how many requests were throttled, once no more are sent. */
  logThrottledTotal(): void {
    if (this.#throttled > 0) this.#info(`${this.#throttledCount()} in this run`)
  }

  /** Logs that no connection can be opened: once as long as nothing changes. */
  logUnopened(reason: string, until: Date): void {
    const line = `${reason}: the batch waits, and tries again until ${formatSecond(until)}`
    if (this.#logged.get('unopened')?.line !== line) this.#log('unopened', line)
  }

  /** Logs that the runner cannot open as many connections as `concurrency` allows. */
  logExhausted(reason: string, connections: number): void {
    this.#log('exhausted', `${reason}. The batch continues with ${countOf(connections, 'connection')}`)
  }

  #throttledCount(): string {
    return `Vercel throttles (429): ${formatCount(this.#throttled)} of ${countOf(this.#answered, 'request')}`
  }

  /** Logs a line, unless one of the same kind was logged a short time ago. */
  #log(kind: 'installation' | 'all' | 'slowed' | 'unopened' | 'exhausted', line: string): void {
    const now = this.#clock.monotonic()
    if (now - (this.#logged.get(kind)?.at ?? Number.NEGATIVE_INFINITY) < minLogIntervalMs) return
    this.#logged.set(kind, { at: now, line })
    this.#info(line)
  }
}
