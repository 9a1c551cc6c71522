// How long to wait before the next attempt.

import type { HttpResponse } from '../http/transport.ts'

const base = 500
const cap = 30_000

/**
 * Exponential backoff with full jitter: anything up to a ceiling that doubles with each attempt, so that clients which
 * failed together do not come back together.
 * See https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 *
 * @param attempt  how many have been made
 * @param random   from 0 to 1
 * @returns milliseconds
 */
export const backoff = (attempt: number, random: number): number => random * Math.min(cap, base * 2 ** (attempt - 1))

/**
 * How long the server wants to be left alone: the later of `Retry-After` (RFC 9110 §10.2.3, seconds or a date) and, on
 * a 429, `X-RateLimit-Reset` (epoch seconds). Points in time are read by the server's own clock, its `Date`, which cuts
 * off fractions: what comes out is never too short.
 *
 * @returns milliseconds from the response; undefined where it asks for nothing
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
