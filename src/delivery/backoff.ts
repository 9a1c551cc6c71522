// How long to wait before the next attempt.

import type { HttpResponse } from '../http/transport.ts'

const baseMs = 500
const maxBackoffMs = 30_000

const decimalHeader = /^\d+(\.\d+)?$/

/**
 * Exponential backoff with full jitter: a random delay below a limit that doubles with each attempt, so that clients
 * which failed together do not retry together.
 * See https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 *
 * @param attempt  the number of attempts made
 * @param random   from 0 to 1
 * @returns milliseconds
 */
export const backoff = (attempt: number, random: number): number =>
  random * Math.min(maxBackoffMs, baseMs * 2 ** (attempt - 1))

/**
 * The delay that the server asks for: the longer of `Retry-After` (RFC 9110 §10.2.3, seconds or a date) and, on a 429,
 * `X-RateLimit-Reset` (epoch seconds). Absolute times are relative to the response's `Date`; since that is truncated to
 * seconds, the delay can only be too long.
 * See https://vercel.com/docs/rest-api#rate-limits
 *
 * @returns milliseconds from the response; undefined if it asks for none
 */
export function requestedWait({ status, headers }: HttpResponse, now: Date): number | undefined {
  // A missing header, as text, is neither a number nor a date.
  const serverTime = Date.parse(String(headers.date))
  const from = Number.isNaN(serverTime) ? now.getTime() : serverTime

  const after = String(headers['retry-after'])
  const retryAfter = decimalHeader.test(after) ? Number(after) * 1000 : Date.parse(after) - from

  const reset = String(headers['x-ratelimit-reset'])
  const isReset = status === 429 && decimalHeader.test(reset)
  // Epoch seconds; a server that sends milliseconds, microseconds or nanoseconds is read as it means it.
  const resets = isReset ? [1000, 1, 1e-3, 1e-6].map((unit) => Number(reset) * unit - from) : []

  const waits = [retryAfter, resets.find(isCredible) ?? Number.NaN].filter(isCredible)
  return waits.length > 0 ? Math.ceil(Math.max(...waits)) : undefined
}

const maxWaitMs = 366 * 24 * 60 * 60 * 1000

/** No rate limit lasts for more than a year. */
const isCredible = (waitMs: number) => waitMs > 0 && waitMs <= maxWaitMs
