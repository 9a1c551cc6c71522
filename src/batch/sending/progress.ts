// The progress lines of a batch.

import { formatCount, formatDuration } from '../../format.ts'
import type { Clock } from '../../runtime.ts'

const minIntervalMs = 10_000

/** Logs a line every ten seconds at most: how many records are done, how fast, and the remaining time. */
export class Progress {
  readonly #clock: Clock
  readonly #total: number
  readonly #log: (line: string) => void
  readonly #startedAt: number
  #loggedAt: number
  #done = 0

  /** @param total  records to send */
  constructor(total: number, { clock, log }: { readonly clock: Clock; readonly log: (line: string) => void }) {
    this.#total = total
    this.#clock = clock
    this.#log = log
    this.#startedAt = clock.monotonic()
    this.#loggedAt = this.#startedAt
  }

  /**
   * Counts a record that is done.
   *
   * @param failed  how many records have failed so far
   */
  recordDone(failed: number): void {
    this.#done++
    const now = this.#clock.monotonic()
    if (now - this.#loggedAt < minIntervalMs || this.#done === this.#total) return
    this.#loggedAt = now
    const perSecond = (this.#done * 1000) / (now - this.#startedAt)
    const remaining = formatDuration(((this.#total - this.#done) * 1000) / perSecond)
    const percent = Math.floor((this.#done * 100) / this.#total)
    const failures = failed > 0 ? `; ${formatCount(failed)} failed` : ''
    this.#log(
      `${formatCount(this.#done)} of ${formatCount(this.#total)} (${percent} %), ${formatRate(perSecond)}, about ${remaining} left${failures}`,
    )
  }
}

function formatRate(perSecond: number): string {
  if (perSecond >= 10) return `${formatCount(Math.round(perSecond))}/s`
  return perSecond >= 1 ? `${Math.round(perSecond * 10) / 10}/s` : `${Math.ceil(perSecond * 60)}/min`
}
