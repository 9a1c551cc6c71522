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
  expect({ isLimited: rate.isLimited, readyAt: rate.readyAt(5), perSecond: rate.perSecond }).toEqual({
    isLimited: false,
    readyAt: Number.NEGATIVE_INFINITY,
    perSecond: Number.POSITIVE_INFINITY,
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

describe('a rate that limits nothing does not grow', () => {
  /** A rate of 98.5 per second, from 500 ms on. */
  function newLimited() {
    const rate = newRate()
    rate.onThrottled(0, 0, unnamed, sample)
    return rate
  }

  test('while fewer requests are sent', () => {
    const rate = newLimited()
    const before = rate.perSecond
    for (let now = 1000; now < 9000; now += 500) {
      expect(rate.readyAt(now)).toBeLessThan(now)
      rate.take(now)
    }
    expect(rate.perSecond).toBe(before)
  })

  test('while each one is sent at its turn', () => {
    const rate = newLimited()
    const before = rate.perSecond
    rate.take(500)
    for (let count = 0; count < 300; count++) {
      const now = rate.readyAt(Number.POSITIVE_INFINITY)
      expect(rate.readyAt(now)).toBe(now)
      rate.take(now)
    }
    expect(rate.perSecond).toBe(before)
  })

  test('after one that had to wait, until the next one has to', () => {
    const rate = newLimited()
    const before = rate.perSecond
    rate.readyAt(400)
    rate.take(1600)
    const grown = rate.perSecond
    expect(grown).toBeCloseTo(before * 2 ** 0.1)
    rate.take(1700)
    expect(rate.perSecond).toBe(grown)
  })
})

describe('a timer that is late is made up for', () => {
  test.each([
    ['by 20 ms at 20 requests per second', { count: 20, spanMs: 0 }, 985, 1030],
    ['not at fewer', { count: 20, spanMs: 0 }, 986, 1050],
  ])('%s', (_, accepted, waitMs, readyAt) => {
    const rate = newRate()
    rate.onThrottled(0, 0, { waitMs, isRequested: true }, accepted)
    rate.take(986)
    rate.take(1100)
    expect(rate.readyAt(1100)).toBeCloseTo(readyAt + 100, 0)
  })

  test('not after a pause', () => {
    const rate = newRate()
    rate.onThrottled(0, 0, unnamed, sample)
    rate.take(500)
    rate.onThrottled(600, 550, unnamed, sample)
    rate.take(1100)
    expect(rate.readyAt(1100)).toBeCloseTo(1100 + 1000 / 98.5)
  })
})

test('a pause that is shorter than the time to the next request does not bring it forward', () => {
  const rate = newRate(2)
  rate.onThrottled(0, 0, unnamed, { count: 0, spanMs: 0 })
  rate.take(500)
  rate.onThrottled(600, 550, { waitMs: 100, isRequested: false }, sample)
  expect(rate.readyAt(700)).toBeCloseTo(500 + 1020)
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

test.each([
  ['unnamed', unnamed, 1400],
  ['named', named, 1650],
])('a 429 of a request that was sent once the rate was reduced counts: %s wait', (_, wait, sentAt) => {
  const { rate, after } = reduced(wait)
  const isReduced = (sent: number) => {
    rate.onAccepted(2000, 1990)
    rate.slowDown(2000, sent, wait, sample)
    return rate.perSecond < after
  }
  expect([isReduced(sentAt - 1), isReduced(sentAt)]).toEqual([false, true])
})

describe('a wait that Vercel names once', () => {
  const none = { count: 0, spanMs: 0 }

  test('is reckoned with from then on', () => {
    const { rate, after } = reduced(unnamed)
    rate.onAccepted(2000, 1990)
    rate.onThrottled(2000, 1990, named, none)
    // As a rate that was wrong: it has not grown.
    expect(rate.perSecond).toBeCloseTo(after * 0.98 ** 8)
    rate.onAccepted(3000, 2990)
    rate.onThrottled(3000, 2990, unnamed, none)
    expect(rate.perSecond).toBeCloseTo(after * 0.98 ** 24)
  })
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

  test('is tried with one request more once it has lasted for two seconds', () => {
    const rate = few()
    rate.readyAt(1400)
    rate.take(3500)
    expect(rate.perSecond).toBeCloseTo(5 / 1.02)
    rate.take(3501)
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
    expect(rate.perSecond).toBeCloseTo(11.62, 1)
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
