// The retry loop: attempts, waits between them, and why it ended. It serves Vercel's API and GitHub's.

import { formatDuration } from '../format.ts'
import type { Clock } from '../runtime.ts'
import { backoff } from './backoff.ts'

export interface Limits {
  readonly maxAttempts: number
  readonly attemptTimeoutMs: number
  /** For all attempts and waits of one request. No attempt starts after it; an attempt in flight continues. */
  readonly retryTimeoutMs: number
}

/** What an attempt means for the next one. */
export interface Judgement {
  readonly shouldRetry: boolean
  /** The delay that the server asked for, in milliseconds. */
  readonly requestedWaitMs: number | undefined
  /** Why, for the log. */
  readonly reason: string
}

export interface RetryOptions<Result> {
  readonly attempt: () => Promise<Result>
  readonly judge: (result: Result) => Judgement | Promise<Judgement>
  readonly limits: Limits
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  /** Ends a wait, and starts no new attempt. */
  readonly signal: AbortSignal
  readonly log: { readonly info: (line: string) => void }
  /** Who the log names, if it is not Vercel. */
  readonly server?: string
}

/**
 * Why no further attempt was made:
 * - `settled`: none was needed, or none would help
 * - `attempts`: `maxAttempts` were made
 * - `deadline`: the next attempt would start after `retryTimeoutMs`
 * - `cancelled`: the signal was aborted, after the last attempt or during the wait after it
 */
export type RetryEnd =
  | { readonly reason: 'settled' | 'attempts' }
  | { readonly reason: 'deadline'; readonly waitMs: number }
  | { readonly reason: 'cancelled'; readonly duringWait: boolean }

/**
 * Makes attempts until one settles the matter or a limit is reached.
 *
 * @returns the last attempt's result
 * @throws what `attempt` throws
 */
export async function retry<Result>(
  options: RetryOptions<Result>,
): Promise<{ readonly result: Result; readonly attempts: number; readonly end: RetryEnd }> {
  const { attempt, judge, limits, clock, random, signal, log, server } = options
  const deadline = clock.monotonic() + limits.retryTimeoutMs
  for (let attempts = 1; ; attempts++) {
    const result = await attempt()
    const { shouldRetry, requestedWaitMs, reason } = await judge(result)
    if (!shouldRetry) return { result, attempts, end: { reason: 'settled' } }
    // A delay that the server asks for is never shortened.
    const waitMs = requestedWaitMs ?? backoff(attempts, random())
    if (signal.aborted) return { result, attempts, end: { reason: 'cancelled', duringWait: false } }
    if (attempts >= limits.maxAttempts) return { result, attempts, end: { reason: 'attempts' } }
    if (clock.monotonic() + waitMs >= deadline) return { result, attempts, end: { reason: 'deadline', waitMs } }

    const what = server ? `retrying ${server}` : 'retrying'
    log.info(`${what} in ${formatDuration(waitMs)} (attempt ${attempts + 1} of ${limits.maxAttempts}): ${reason}`)
    await clock.sleep(waitMs, signal)
    if (signal.aborted) return { result, attempts, end: { reason: 'cancelled', duringWait: true } }
  }
}
