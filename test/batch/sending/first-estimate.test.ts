// What the first 429 tells: the rate of a window, or only where to begin with a bucket.

import { describe, expect, test } from 'vitest'
import { FirstEstimate } from '../../../src/batch/sending/first-estimate.ts'

const named = { waitMs: 1000, isRequested: true }
const estimate = (wait = named, count = 100) => new FirstEstimate(0, wait, { count, spanMs: 150 }, 32)

test('the rate is what got through in the window, a little less for jitter', () => {
  expect(estimate().perMs).toBeCloseTo(0.1 * 0.985)
  expect(estimate(named, 5).perMs).toBeCloseTo(5 / 1020)
})

test('a request that was in flight and got through belongs to the window', () => {
  const first = estimate()
  first.onAccepted(-10)
  expect(first.perMs).toBeCloseTo(0.101 * 0.985)
  expect(first.isWindow).toBeUndefined()
})

describe('the limit is', () => {
  test('a window if requests that arrived later are throttled, although a bucket would have let three through', () => {
    const first = estimate()
    first.onThrottled(20)
    first.onThrottled(30)
    expect(first.isWindow).toBeUndefined()
    first.onThrottled(31)
    expect(first.isWindow).toBe(true)
  })

  test('a bucket if one that arrived later got through, whatever else is throttled', () => {
    const first = estimate()
    first.onAccepted(21)
    first.onThrottled(100)
    expect(first.isWindow).toBe(false)
    const corrected = estimate()
    corrected.onThrottled(100)
    corrected.onAccepted(50)
    expect(corrected.isWindow).toBe(false)
  })

  test('not taken for a window if nothing got through before, or if no wait is named', () => {
    for (const first of [estimate(named, 0), estimate({ waitMs: 1000, isRequested: false })]) {
      first.onThrottled(500)
      expect(first.isWindow).toBe(false)
    }
  })
})
