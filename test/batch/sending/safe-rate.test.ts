// The rate of a limit that names its waits: how it is reduced, and how it grows.

import { describe, expect, test } from 'vitest'
import type { ExceededRate } from '../../../src/batch/sending/learned-rate.ts'
import { SafeRate } from '../../../src/batch/sending/safe-rate.ts'

/** A 429 after which nothing is known of what got through. */
const exceeded = (change: Partial<ExceededRate> = {}): ExceededRate => ({
  wait: { waitMs: 1000, isRequested: true },
  sample: { count: 0, spanMs: 0 },
  keptMs: 0,
  ...change,
})

/** A rate of 100 per second that has grown for a time and is exceeded then. @returns it as a share of what it had grown to */
function reducedAfter(grownMs: number, change: Partial<ExceededRate> = {}, stage = 1) {
  const rate = new SafeRate(0.1, stage)
  if (grownMs > 0) rate.grow(grownMs)
  const before = rate.perMs
  rate.reduce(exceeded(change))
  return { share: rate.perMs / before, perMs: rate.perMs, holdMs: rate.holdMs }
}

describe('a rate that has grown goes back', () => {
  test('to what it was, if it grew for two seconds at most', () => {
    expect(reducedAfter(500, {}, 0).perMs).toBeCloseTo(0.1, 10)
    expect(reducedAfter(2000).perMs).toBeCloseTo(0.1, 10)
  })

  test('to a little less than two seconds before, if it grew for longer', () => {
    expect(reducedAfter(3000).perMs).toBeCloseTo(0.1 * 1.08 * 0.985, 10)
  })

  test('by half at most', () => {
    expect(reducedAfter(1500, {}, 0).share).toBeCloseTo(0.5, 10)
  })

  test.each([0, 5000])('by four steps at least, if it was kept for %d ms', (keptMs) => {
    expect(reducedAfter(500, { keptMs }).share).toBeCloseTo(0.98 ** 4, 10)
  })
})

describe('a rate that has not grown', () => {
  test('is reduced more each time, up to the third', () => {
    const rate = new SafeRate(0.1, 1)
    const shares = [1, 2, 3].map(() => {
      const before = rate.perMs
      rate.reduce(exceeded())
      return rate.perMs / before
    })
    for (const [index, steps] of [8, 16, 16].entries()) expect(shares[index]).toBeCloseTo(0.98 ** steps, 10)
  })

  test('is reduced by two steps after five windows', () => {
    expect(reducedAfter(0, { keptMs: 5000 }).share).toBeCloseTo(0.98 ** 2, 10)
    const wait = { waitMs: 2000, isRequested: true }
    expect(reducedAfter(0, { keptMs: 9999, wait }).share).toBeCloseTo(0.98 ** 8, 10)
    expect(reducedAfter(0, { keptMs: 10_000, wait }).share).toBeCloseTo(0.98 ** 2, 10)
  })
})

describe('what got through', () => {
  test.each([
    ['for a second, less a tenth, is the least', { count: 100, spanMs: 1000 }, 0.9],
    ['is no reason to keep the rate', { count: 1000, spanMs: 1000 }, 0.98],
    ['for less than a second does not count', { count: 1000, spanMs: 999 }, 0.98 ** 8],
  ])('%s', (_, sample, share) => {
    expect(reducedAfter(0, { sample }).share).toBeCloseTo(share, 10)
  })

  test('is at least one request per window', () => {
    const rate = new SafeRate(0.0001, 1)
    rate.reduce(exceeded({ wait: { waitMs: 4000, isRequested: true } }))
    expect(rate.perMs).toBe(1 / 4000)
  })
})

describe('after a 429 the rate is kept for longer', () => {
  test.each([
    ['a minute, if it grew for less than a second', 999, undefined, 60_000],
    ['two seconds, if it grew for a second', 1000, undefined, 2000],
    ['two seconds, if the limit is a bucket', 999, false, 2000],
  ])('%s', (_, grownMs, isWindow, holdMs) => {
    const rate = new SafeRate(0.05, 0)
    rate.follow({ perMs: 0.1, isWindow })
    expect([rate.perMs, rate.holdMs]).toEqual([0.1, 1000])
    rate.grow(grownMs)
    rate.reduce(exceeded())
    expect(rate.holdMs).toBe(holdMs)
  })

  test('a minute at most', () => {
    const rate = new SafeRate(0.1, 1)
    for (const expected of [60_000, 60_000]) {
      rate.reduce(exceeded())
      expect(rate.holdMs).toBe(expected)
    }
  })

  test('a window is known well, so that its rate is kept for a minute at once', () => {
    const rate = new SafeRate(0.05, 0)
    rate.follow({ perMs: 0.1, isWindow: true })
    expect([rate.perMs, rate.holdMs]).toEqual([0.1, 60_000])
  })
})

test('a rate of exactly 1.1 times the last known limit does not grow faster', () => {
  const rate = new SafeRate(0.1, 1)
  rate.reduce(exceeded({ keptMs: 5000 }))
  rate.follow({ perMs: 1.1 * 0.1, isWindow: undefined })
  rate.grow(0)
  rate.grow(1000)
  expect(rate.perMs / (1.1 * 0.1)).toBeCloseTo(1.01, 10)
})

test('a rate far above the last known limit grows faster again, up to twice per second', () => {
  const rate = new SafeRate(0.1, 1)
  rate.reduce(exceeded({ keptMs: 5000 }))
  const factorOf = (ms: number) => {
    const before = rate.perMs
    expect(rate.grow(ms)).toBe(false)
    return rate.perMs / before
  }
  // Above 1.1 times the limit after 14 s, and above 1.1 times of that after two seconds more.
  const factors = [14_000, 1000, 1000, 1000, 1000].map(factorOf)
  for (const [index, factor] of [1.01 ** 14, 1.08, 1.08, 2, 2].entries()) expect(factors[index]).toBeCloseTo(factor, 10)
})
