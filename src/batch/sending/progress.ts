// The progress lines of a batch.

import { formatCount, formatDuration, formatSecond } from '../../format.ts'
import type { Clock } from '../../runtime.ts'
import type { BatchWait } from './slot.ts'

const intervalMs = 10_000
/** The remaining time is that of the rate in the last lines, so that it follows changes. */
const maxSamples = 6
/** Longer estimates say nothing. */
const maxRemainingMs = 48 * 60 * 60 * 1000

export interface ProgressOptions {
  readonly clock: Clock
  readonly log: (line: string) => void
  /** What all requests wait for now, if they do. */
  readonly waiting: () => BatchWait | undefined
}

interface Sample {
  readonly at: number
  readonly done: number
}

/** Logs a line every ten seconds at most, as records are done: how many records are done, how fast, and the remaining time or what the batch waits for. */
export class Progress {
  readonly #options: ProgressOptions
  readonly #total: number
  #done = 0
  #failed = 0
  /** How many records were done at the start or at the last lines, oldest first. */
  #samples: [Sample, ...Sample[]]
  /** When the last line was logged; the start before the first one. */
  #loggedAt: number

  /** @param total  records to send */
  constructor(total: number, options: ProgressOptions) {
    this.#total = total
    this.#options = options
    this.#loggedAt = options.clock.monotonic()
    this.#samples = [{ at: this.#loggedAt, done: 0 }]
  }

  /**
   * Counts a record that is done, and logs a line if one is due.
   *
   * @param failed  how many records have failed so far
   */
  recordDone(failed: number): void {
    this.#done++
    this.#failed = failed
    this.#logIfDue()
  }

  /** Logs a line if the last one is long enough ago and records are left. */
  #logIfDue(): void {
    const { clock, log } = this.#options
    if (this.#done < this.#total && clock.monotonic() - this.#loggedAt >= intervalMs) log(this.#line())
  }

  #line(): string {
    const { clock, waiting } = this.#options
    const now = clock.monotonic()
    const [oldest] = this.#samples
    const perSecond = ((this.#done - oldest.done) * 1000) / Math.max(1, now - oldest.at)
    this.#loggedAt = now
    this.#samples.push({ at: now, done: this.#done })
    if (this.#samples.length > maxSamples) this.#samples.shift()

    const percent = Math.floor((this.#done * 100) / this.#total)
    const failures = this.#failed > 0 ? `; ${formatCount(this.#failed)} failed` : ''
    const wait = waiting()
    const pace = wait ? [waitText(wait)] : this.#pace(perSecond)
    const count = `${formatCount(this.#done)} of ${formatCount(this.#total)} (${percent} %)`
    return [count, ...pace].join(', ') + failures
  }

  /** The rate, and the remaining time if it says something. */
  #pace(perSecond: number): string[] {
    const ms = ((this.#total - this.#done) * 1000) / perSecond
    return [formatRate(perSecond), ...(ms <= maxRemainingMs ? [`about ${formatDuration(ms)} left`] : [])]
  }
}

const waitText = ({ reason, until }: BatchWait): string =>
  reason === 'throttled'
    ? `waiting for Vercel's rate limit until ${formatSecond(until)}`
    : `waiting for the host, until ${formatSecond(until)} at most`

function formatRate(perSecond: number): string {
  if (perSecond >= 10) return `${formatCount(Math.round(perSecond))}/s`
  return perSecond >= 1 ? `${Math.round(perSecond * 10) / 10}/s` : `${Math.ceil(perSecond * 60)}/min`
}
