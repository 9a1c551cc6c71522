// How long to wait before the next attempt.

import type { HttpResponse } from '../http/transport.ts'

const baseMs = 500
const maxBackoffMs = 30_000

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
  const serverTime = Date.parse(headers.date ?? '')
  const from = Number.isNaN(serverTime) ? now.getTime() : serverTime
  const waits: number[] = []

  const after = headers['retry-after']?.trim() ?? ''
  if (/^\d+$/.test(after)) waits.push(Number(after) * 1000)
  else if (after !== '') waits.push(Date.parse(after) - from)

  const reset = headers['x-ratelimit-reset']?.trim() ?? ''
  if (status === 429 && /^\d+(\.\d+)?$/.test(reset)) waits.push(Number(reset) * 1000 - from)

  const wait = Math.max(...waits.filter((wait) => !Number.isNaN(wait)))
  return wait > 0 && Number.isFinite(wait) ? wait : undefined
}
