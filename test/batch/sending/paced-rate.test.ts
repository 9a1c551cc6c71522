// The rate of requests by itself: what it is after a 429, and how it grows again.

import { describe, expect, test } from 'vitest'
import { PacedRate } from '../../../src/batch/sending/paced-rate.ts'

const newRate = (maxInFlight = 20) => new PacedRate(maxInFlight)
const sample = { count: 100, spanMs: 1000 }
const unnamed = { waitMs: 500, isRequested: false }
const named = { waitMs: 500, isRequested: true }

/** Sends requests whenever the rate allows, all of which get through. @returns how many were sent per second */
function flow(rate: PacedRate, from: number, to: number): number {
  let sent = 0
  for (let now = from; now < to; now += 1) {
    while (rate.readyAt(now) <= now) {
      rate.take(now)
      rate.onAccepted(now, now)
      sent++
    }
  }
  return (sent * 1000) / (to - from)
}

/** A rate after its limit was exceeded twice, so that it is near the limit. */
function reduced(wait: { waitMs: number; isRequested: boolean }) {
  const rate = newRate()
  rate.onThrottled(0, 0, wait, sample)
  flow(rate, 600, 1400)
  const before = rate.perSecond
  rate.onThrottled(1400, 1300, wait, sample)
  return { rate, before, after: rate.perSecond, readyAt: 1400 + wait.waitMs }
}

test('without a limit nothing waits', () => {
  const rate = newRate()
  expect({ isLimited: rate.isLimited, readyAt: rate.readyAt(5) }).toEqual({
    isLimited: false,
    readyAt: Number.NEGATIVE_INFINITY,
  })
})

test('the first 429 takes what got through in the window for the limit, a little less', () => {
  const rate = newRate()
  rate.onThrottled(0, 0, { waitMs: 2000, isRequested: true }, sample)
  expect(rate.perSecond).toBeCloseTo((100 / 2) * 0.985)
  expect(rate.readyAt(0)).toBe(2000)
  const unmeasured = newRate()
  unmeasured.onThrottled(0, 0, unnamed, { count: 0, spanMs: 0 })
  // Between few requests jitter matters more.
  expect(unmeasured.perSecond).toBeCloseTo(10 / 1.02)
})

describe('if Vercel names no wait, several processes may share the limit', () => {
  test('the rate is reduced by 12 %, whatever it was', () => {
    const { before, after } = reduced(unnamed)
    expect(after).toBeCloseTo(before * 0.88)
  })

  test('and grows by the same amount per second: 8 % of what it was, not of what it is', () => {
    const { rate, after, readyAt } = reduced(unnamed)
    // Held for two seconds after the pause, then grown.
    const heldUntil = readyAt + 2000
    flow(rate, readyAt, heldUntil)
    expect(rate.perSecond).toBeCloseTo(after)
    const rates = [0, 1, 2, 3].map((second) => {
      flow(rate, heldUntil + second * 1000, heldUntil + (second + 1) * 1000)
      return rate.perSecond
    })
    for (const [second, perSecond] of rates.entries()) {
      const expected = after + after * 0.08 * (second + 1)
      expect(Math.abs(perSecond - expected)).toBeLessThan(after * 0.005)
    }
  })

  test('the amount stays that of the first rate that was exceeded', () => {
    const { rate, after, readyAt } = reduced(unnamed)
    flow(rate, readyAt, readyAt + 2500)
    const throttledAt = readyAt + 2500
    rate.onThrottled(throttledAt, throttledAt - 1, unnamed, sample)
    const lower = rate.perSecond
    const from = throttledAt + 2500
    flow(rate, from - 2000, from + 2000)
    const grown = rate.perSecond - lower
    expect(grown).toBeGreaterThan(after * 0.15)
    expect(grown).toBeLessThan(after * 0.17)
  })
})

test('the growth of a rate that Vercel names no wait for starts over with each 429', () => {
  const { rate, readyAt } = reduced(unnamed)
  let at = readyAt
  const grown = Array.from({ length: 12 }, () => {
    const from = rate.perSecond
    flow(rate, at, at + 4500)
    const increase = rate.perSecond - from
    rate.onThrottled(at + 4500, at + 4499, unnamed, sample)
    at += 5000
    return increase
  })
  expect(Math.max(...grown) - Math.min(...grown)).toBeLessThan(0.3)
})

test('if Vercel names the wait, the rate grows by a factor', () => {
  const { rate, after, readyAt } = reduced(named)
  const heldUntil = readyAt + 60_000
  flow(rate, readyAt, heldUntil)
  const before = rate.perSecond
  expect(before).toBeLessThan(after * 1.1)
  flow(rate, heldUntil, heldUntil + 20_000)
  expect(rate.perSecond).toBeGreaterThan(before * 1.2)
})

test('a pause gets longer, and never shorter', () => {
  const rate = newRate()
  rate.pause(0, 1000)
  rate.pause(100, 100)
  expect(rate.pausedUntil).toBe(1000)
  expect([rate.isPaused(999), rate.isPaused(1000)]).toEqual([true, false])
  rate.pause(500, 600)
  expect(rate.pausedUntil).toBe(1100)
})

test('several 429s of requests that were sent before the rate was reduced count as one', () => {
  const { rate, after } = reduced(unnamed)
  for (const sentAt of [1300, 1390, 1399]) rate.onThrottled(1450, sentAt, unnamed, sample)
  expect(rate.perSecond).toBe(after)
})

test('a 429 without a success since the last one says nothing of the rate', () => {
  const { rate, after, readyAt } = reduced(unnamed)
  rate.onThrottled(readyAt + 100, readyAt + 50, unnamed, sample)
  expect(rate.perSecond).toBe(after)
})

test('a request that is not sent gives its turn back', () => {
  const rate = newRate()
  rate.onThrottled(0, 0, unnamed, sample)
  rate.take(600)
  const next = rate.readyAt(600)
  rate.take(600)
  rate.putBack()
  expect(rate.readyAt(600)).toBeCloseTo(next)
})

describe('the limit of an installation, which sends one request after the other', () => {
  const wait = { waitMs: 1000, isRequested: true }

  /** A rate that met a limit of five per second at 500 ms. */
  function few(): PacedRate {
    const rate = newRate(1)
    rate.onThrottled(500, 400, wait, { count: 5, spanMs: 500 })
    return rate
  }

  test('is learned by whole requests', () => {
    const rate = few()
    expect(rate.perSecond).toBeCloseTo(5 / 1.02)
    flow(rate, 1500, 3499)
    expect(rate.perSecond).toBeCloseTo(5 / 1.02)
    flow(rate, 3499, 3800)
    expect(rate.perSecond).toBeCloseTo(6 / 1.02)
    rate.onThrottled(4200, 4100, wait, { count: 5, spanMs: 800 })
    expect(rate.perSecond).toBeCloseTo(5 / 1.02)
    flow(rate, 5200, 65_199)
    expect(rate.perSecond).toBeCloseTo(5 / 1.02)
    flow(rate, 65_199, 65_500)
    expect(rate.perSecond).toBeCloseTo(6 / 1.02)
  })

  test('the time of a pause is no time in which the rate lasted', () => {
    const rate = few()
    rate.onAccepted(1500, 1500)
    // The pause ended at 1500: 3499 ms ago, and 3500 ms ago.
    rate.onThrottled(4999, 4900, wait, { count: 5, spanMs: 800 })
    expect(rate.perSecond).toBeCloseTo(4 / 1.02)
    const lasting = few()
    lasting.onAccepted(1500, 1500)
    lasting.onThrottled(5000, 4900, wait, { count: 5, spanMs: 800 })
    expect(lasting.perSecond).toBeCloseTo((5 / 1.02) * 0.99)
  })

  test('grows like a rate from ten requests per second on', () => {
    const rate = few()
    flow(rate, 1500, 12_000)
    expect(rate.perSecond).toBeCloseTo(10 / 1.02)
    flow(rate, 12_000, 16_000)
    expect(rate.perSecond).toBeGreaterThan(10.5)
    expect(rate.perSecond).toBeLessThan(13)
  })

  test('is learned like another one if the wait is longer than a second, or is not named', () => {
    for (const other of [
      { waitMs: 1001, isRequested: true },
      { waitMs: 1000, isRequested: false },
    ]) {
      const rate = newRate(1)
      rate.onThrottled(500, 400, other, { count: 8, spanMs: 1000 })
      expect(rate.perSecond).toBeGreaterThan(7.8)
    }
  })
})

test('a limit that all share is counted by whole requests once it is known to be low', () => {
  const rate = newRate()
  const wait = { waitMs: 1000, isRequested: true }
  rate.onThrottled(0, 0, wait, { count: 9, spanMs: 1000 })
  const first = rate.perSecond
  flow(rate, 1000, 1100)
  rate.onThrottled(1400, 1390, wait, { count: 5, spanMs: 1000 })
  expect([first, rate.perSecond].map((perSecond) => perSecond.toFixed(2))).toEqual(['8.82', '7.84'])
})

describe('a rate of many requests that is exceeded without having grown', () => {
  const wait = { waitMs: 1000, isRequested: true }
  const none = { count: 0, spanMs: 0 }

  /** A rate of 98.5 per second, which was kept for `keptMs` after a pause that ended at 1000. */
  function exceededAfter(keptMs: number): number {
    const rate = newRate()
    rate.onThrottled(0, 0, wait, sample)
    // In flight at the first 429: the limit is a window, so that the rate does not grow.
    rate.onThrottled(40, 35, wait, sample)
    rate.onAccepted(1100, 1100)
    const before = rate.perSecond
    rate.onThrottled(1040 + keptMs, 1000 + keptMs, wait, none)
    return rate.perSecond / before
  }

  test('is reduced a little after five windows: that was jitter', () => {
    expect(exceededAfter(5000)).toBeCloseTo(0.98 ** 2)
  })

  test('is reduced a lot before: it was wrong', () => {
    expect(exceededAfter(4999)).toBeCloseTo(0.98 ** 8)
  })
})
