// How well batches use rate limits, in simulations on a virtual clock.

import { describe, expect, test } from 'vitest'
import { rateLimitRows, type ServerLimit, simulate } from '../../../bench/rate-limits.ts'

describe('a batch uses what a rate limit allows, with few 429s', () => {
  test.each(rateLimitRows.map((row, index) => ({ ...row, hints: row.plan.limit.hints, seed: 1 + (index % 2) })))(
    '$name, which tells $hints',
    async ({ plan, minGoodput, maxThrottledShare, seed }) => {
      const { goodput, throttledShare } = await simulate({ ...plan, seed })
      expect(goodput).toBeGreaterThanOrEqual(minGoodput)
      expect(throttledShare).toBeLessThanOrEqual(maxThrottledShare)
    },
  )
})

describe('a short batch spends little of its time to learn a limit', () => {
  const perSecond = { kind: 'window', requests: 100, periodMs: 1000, hints: 'Retry-After' } as const
  test.each([
    ['100 per second', { records: 2000, installations: 200, limit: perSecond }, 0.95],
    [
      '100 per second, if the batch starts at the end of a window',
      { records: 2000, installations: 200, phaseMs: 900, limit: perSecond },
      0.92,
    ],
    [
      'bucket of 20, 100 per second',
      { records: 2000, installations: 200, limit: { ...perSecond, kind: 'bucket', burst: 20 } },
      0.85,
    ],
    ...[0, 270, 500, 730].map(
      (phaseMs) =>
        [
          `5 per second for each of 40 installations, from ${phaseMs} ms of a window on`,
          { records: 10_000, installations: 40, phaseMs, limit: { ...perSecond, requests: 5, perInstallation: true } },
          0.95,
        ] as const,
    ),
  ] as const)('%s', async (_, plan, minGoodput) => {
    const { goodput, throttledShare } = await simulate({ ...plan, jitterMs: 10 })
    expect(goodput).toBeGreaterThanOrEqual(minGoodput)
    expect(throttledShare).toBeLessThanOrEqual(0.05)
  })
})

test('without a rate limit, as many requests as allowed are in flight all the time', async () => {
  const { ms } = await simulate({ records: 6400, installations: 2000, concurrency: 64, responseMs: 100 })
  expect(ms).toBe(10_000)
})

test('the limit of a response time that concurrency cannot exceed throttles nothing', async () => {
  const limit: ServerLimit = { kind: 'window', requests: 1000, periodMs: 1000, hints: 'X-RateLimit-Remaining' }
  const { ms, throttled } = await simulate({ limit, records: 6400, installations: 2000, concurrency: 64 })
  expect(throttled).toBe(0)
  expect(ms).toBe(10_000)
})

test('a batch that is throttled altogether at its start does not stay slow', async () => {
  const limit: ServerLimit = { kind: 'window', requests: 1000, periodMs: 1000, hints: 'Retry-After' }
  const { ms } = await simulate({ limit, records: 2000, installations: 2000, closedUntilMs: 3000 })
  expect(ms).toBeLessThan(15_000)
})

test('a batch that meets a limit after a long time without one finds it', async () => {
  const limit: ServerLimit = { kind: 'window', requests: 100, periodMs: 1000, hints: 'Retry-After' }
  const { goodput } = await simulate({ limit, records: 3000, installations: 3000 })
  expect(goodput).toBeGreaterThan(0.9)
})
