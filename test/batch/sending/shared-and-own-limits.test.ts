// Whose limit a 429 is, and who waits for how long. How well batches use rate limits is tested in rate-limits.test.ts.

import { describe, expect, test } from 'vitest'
import { RateLimits } from '../../../src/batch/sending/rate-limits.ts'
import { respond, start, WaitlessClock } from '../../delivery/planned.ts'

/** Rate limits of a batch that waits for a minute at most, and what they are told. */
function newLimits() {
  const clock = new WaitlessClock()
  const limits = new RateLimits({ concurrency: 8, maxWaitMs: 60_000, clock, random: () => 1 })
  const sent = () => ({ time: clock.now().getTime(), monotonic: clock.monotonic() })
  const accept = (installation: string, headers: Record<string, string> = {}) =>
    limits.onAccepted(respond(200, {}, headers), installation, sent())
  const throttle = (installation: string, retryAfter?: number) =>
    limits.onThrottled(
      respond(429, {}, retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      installation,
      sent(),
    )
  let others = 0
  /** 429s of three other installations, with no other response in between. @returns what the last one means */
  const throttleAll = (retryAfter?: number) => [1, 2, 3].map(() => throttle(`other-${others++}`, retryAfter)).at(-1)
  return { clock, limits, accept, throttle, throttleAll }
}

describe('a shared limit', () => {
  test('is also told by 429s', () => {
    const { clock, limits, accept } = newLimits()
    const reset = String(clock.now().getTime() / 1000 + 30)
    const headers = (remaining: number) => ({ 'x-ratelimit-remaining': String(remaining), 'x-ratelimit-reset': reset })
    for (const remaining of [3, 2, 1]) accept(`icfg_${remaining}`, headers(remaining))
    const sent = { time: clock.now().getTime(), monotonic: clock.monotonic() }
    limits.onThrottled(respond(429, {}, { ...headers(0), 'retry-after': '1' }), 'icfg_0', sent)
    expect(limits.pausedUntil(clock.monotonic(), 0)).toBe(clock.monotonic() + 30_000)
  })

  test('pauses all requests for the time that Vercel asks for', () => {
    const { limits, throttleAll } = newLimits()
    expect(limits.pausedUntil(0, 0)).toBe(0)
    expect(throttleAll(1)).toEqual({ who: 'all', waitMs: 1000, throttledMs: 1000 })
    expect(limits.pausedUntil(0, 0)).toBe(1000)
    expect([limits.isPaused(999), limits.isPaused(1000)]).toEqual([true, false])
  })

  test.each([
    [60, 'all', 60_000],
    [61, 'installation', 0],
  ])('a 429 during its pause that asks for %d s is one of %s', (retryAfter, who, throttledMs) => {
    const { throttle, throttleAll } = newLimits()
    throttleAll(1)
    expect(throttle('icfg_1', retryAfter)).toEqual({ who, waitMs: retryAfter * 1000, throttledMs })
  })

  test('without a named wait pauses for longer each time, and counts from its first 429 on', () => {
    const { clock, accept, throttleAll } = newLimits()
    const results = [1, 2, 3].map(() => {
      clock.advance(2000)
      return throttleAll()
    })
    expect(results).toEqual([
      { who: 'all', waitMs: 500, throttledMs: 500 },
      { who: 'all', waitMs: 500, throttledMs: 2500 },
      { who: 'all', waitMs: 1000, throttledMs: 5000 },
    ])
    clock.advance(2000)
    accept('icfg_1')
    expect(throttleAll()).toEqual({ who: 'all', waitMs: 500, throttledMs: 500 })
  })

  test('gets the turn of a request back that is not sent', () => {
    const { limits, throttleAll } = newLimits()
    throttleAll(1)
    limits.take(1000)
    const next = limits.readyAt(1000, 0)
    limits.take(1000)
    expect(limits.readyAt(1000, 0)).toBeGreaterThan(next)
    limits.putBack()
    expect(limits.readyAt(1000, 0)).toBeCloseTo(next)
  })
})

describe('the limit of one installation', () => {
  test('without a named wait holds it back for longer each time', () => {
    const { throttle } = newLimits()
    const waits = [1, 2, 3].map(() => throttle('icfg_1'))
    expect(waits).toEqual([500, 1000, 2000].map((waitMs) => ({ who: 'installation', waitMs, throttledMs: 0 })))
  })

  test.each([
    ['is its own if it had four requests in a second', 4, 0, false],
    ['may be shared if it had three', 3, 0, true],
    ['is its own if it had three quarters of the most', 6, 8, false],
    ['may be shared if it had fewer', 5, 8, true],
  ])('%s', (_, own, others, isInDoubt) => {
    const { limits, accept, throttle } = newLimits()
    for (let count = 0; count < own; count++) accept('icfg_1')
    for (let count = 0; count < others; count++) accept('icfg_2')
    throttle('icfg_1', 1)
    // The requests in flight tell whose limit it is.
    expect(limits.readyAt(0, 1) === Number.POSITIVE_INFINITY).toBe(isInDoubt)
  })
})

describe('the limit that the headers tell', () => {
  /** The server's clock is ten seconds ahead. */
  const headers = (remaining: number, resetAfterSeconds: number) => ({
    date: new Date(start + 10_000).toUTCString(),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(start / 1000 + 10 + resetAfterSeconds),
  })

  test.each([
    ['waits until it is reset', 0, 60, 60_000],
    ['does not wait for longer than a minute', 0, 61, 100],
    ['does not wait if requests are left', 1, 60, 100],
  ])('an installation that has used it up %s', (_, remaining, seconds, readyAt) => {
    const { limits, accept } = newLimits()
    accept('icfg_1', headers(remaining, seconds))
    expect([limits.installationReadyAt('icfg_1', 100), limits.installationReadyAt('icfg_2', 100)]).toEqual([
      readyAt,
      100,
    ])
  })

  test.each([
    [60, 60_000],
    [61, 0],
  ])('all installations that share it wait for its reset in %d s, a minute at most', (seconds, readyAt) => {
    const { limits, accept } = newLimits()
    for (const remaining of [3, 2, 1, 0]) accept(`icfg_${remaining}`, headers(remaining, seconds))
    expect([limits.readyAt(0, 0), limits.pausedUntil(0, 0)]).toEqual([readyAt, readyAt])
  })
})
