import type { AcceptedSample, ThrottledWait } from './first-estimate.ts'

/** A 429 of a limit whose rate is known. */
export interface ExceededRate {
  readonly wait: ThrottledWait
  /** What got through before. */
  readonly sample: AcceptedSample
  /** For how long the rate was kept, in milliseconds. */
  readonly keptMs: number
}

/** The rate of a limit, learned in one of several ways. */
export interface LearnedRate {
  /** Requests per millisecond. */
  readonly perMs: number
  /** How long the rate is kept before it grows, in milliseconds. */
  readonly holdMs: number
  /**
   * Lets the rate grow.
   *
   * @param ms  the time since `holdMs` was over, or since the last growth
   * @returns whether the new rate is kept for `holdMs` before it grows again
   */
  readonly grow: (ms: number) => boolean
  readonly reduce: (exceeded: ExceededRate) => void
}
