// The rate of requests by itself: what it is after a 429, and how it grows again.

import { describe, expect, test } from 'vitest'
import { PacedRate } from '../../../src/batch/sending/paced-rate.ts'

const newRate = (growthStage = 0) => new PacedRate({ growthStage, firstCount: 10 })
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

  test('and grows by the same amount per second: 5 % of what it was, not of what it is', () => {
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
      const expected = after + after * 0.05 * (second + 1)
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
    expect(grown).toBeGreaterThan(after * 0.09)
    expect(grown).toBeLessThan(after * 0.11)
  })
})

test('if Vercel names the wait, the rate grows by a factor', () => {
  const { rate, after, readyAt } = reduced(named)
  const heldUntil = readyAt + 46_000
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
