// What the first 429 tells: the rate of a window, or only where to begin with a bucket.

import { describe, expect, test } from 'vitest'
import { FirstEstimate, rateWithin } from '../../../src/batch/sending/first-estimate.ts'

const named = { waitMs: 1000, isRequested: true }
/** When the request was sent that was throttled. */
const at = 5000
const estimate = (wait = named, count = 100) => new FirstEstimate(at, wait, { count, spanMs: 150 }, 32)

test.each([
  [100, 100 / (1000 / 0.985)],
  [20, 20 / (1000 / 0.985)],
  [19, 19 / 1020],
])('the rate of %i requests in a second leaves room for jitter', (count, expected) => {
  expect(rateWithin(count, 1000)).toBeCloseTo(expected, 10)
})

test('the rate is what got through in the window, a little less for jitter', () => {
  expect(estimate().perMs).toBeCloseTo(0.1 * 0.985)
  expect(estimate(named, 5).perMs).toBeCloseTo(5 / 1020)
})

test('a request that was in flight and got through belongs to the window', () => {
  const first = estimate()
  first.onAccepted(at - 10)
  expect(first.perMs).toBeCloseTo(0.101 * 0.985)
  expect(first.isWindow).toBeUndefined()
})

describe('the limit is', () => {
  test('a window if requests that arrived later are throttled, although a bucket would have let three through', () => {
    const first = estimate()
    first.onThrottled(at + 20)
    first.onThrottled(at + 30)
    expect(first.isWindow).toBeUndefined()
    first.onThrottled(at + 31)
    expect(first.isWindow).toBe(true)
    const exact = estimate({ waitMs: 985, isRequested: true })
    exact.onThrottled(at + 29)
    expect(exact.isWindow).toBeUndefined()
    exact.onThrottled(at + 30)
    expect(exact.isWindow).toBe(true)
  })

  test('a bucket if one that arrived later got through, whatever else is throttled', () => {
    const first = estimate()
    first.onAccepted(at + 20)
    expect(first.isWindow).toBeUndefined()
    first.onAccepted(at + 21)
    first.onThrottled(at + 100)
    expect(first.isWindow).toBe(false)
    const corrected = estimate()
    corrected.onThrottled(at + 100)
    corrected.onAccepted(at + 50)
    expect(corrected.isWindow).toBe(false)
  })

  test('not taken for a window if nothing got through before, or if no wait is named', () => {
    for (const first of [estimate(named, 0), estimate({ waitMs: 1000, isRequested: false })]) {
      first.onThrottled(at + 500)
      expect(first.isWindow).toBe(false)
    }
  })
})
