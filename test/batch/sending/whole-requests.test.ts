// A limit of a few requests per second, learned by whole requests.

import { describe, expect, test } from 'vitest'
import { isFewPerWindow, WholeRequests } from '../../../src/batch/sending/whole-requests.ts'

/** The rate that keeps to `count` requests in a second, with room for jitter. */
const perMs = (count: number) => count / 1020

describe('whole requests are counted', () => {
  const named = { waitMs: 1000, isRequested: true }
  test.each([
    ['for fewer than ten per second', 9.9 / 1000, named, true],
    ['not for ten', 10 / 1000, named, false],
    ['not in a longer window', 5 / 1000, { ...named, waitMs: 1001 }, false],
    ['not if Vercel names no wait', 5 / 1000, { ...named, isRequested: false }, false],
  ] as const)('%s', (_, rate, wait, expected) => {
    expect(isFewPerWindow(rate, wait)).toBe(expected)
  })
})

describe('the first number is', () => {
  test('what got through in part of a second', () => {
    const few = WholeRequests.estimate({ count: 5, spanMs: 600 })
    expect({ perMs: few.perMs, holdMs: few.holdMs }).toEqual({ perMs: perMs(5), holdMs: 2000 })
  })

  test('a little more than half of what got through in a second, which may be two windows', () => {
    for (const [count, expected] of [
      [1, 1],
      [2, 1],
      [5, 3],
      [8, 5],
      [9, 6],
    ] as const) {
      expect(WholeRequests.estimate({ count, spanMs: 601 }).perMs).toBe(perMs(expected))
    }
  })

  test('the next lower one of a rate that was exceeded, which is not tried again soon', () => {
    const few = WholeRequests.below(5.01 / 1000)
    expect({ perMs: few.perMs, holdMs: few.holdMs }).toEqual({ perMs: perMs(5), holdMs: 60_000 })
    expect(WholeRequests.below(1 / 1000).perMs).toBe(perMs(1))
  })
})

test('the number goes up to the one that is exceeded', () => {
  const few = WholeRequests.estimate({ count: 5, spanMs: 1000 })
  few.grow()
  few.grow()
  expect({ perMs: few.perMs, holdMs: few.holdMs }).toEqual({ perMs: perMs(5), holdMs: 60_000 })
})

test('a number that is exceeded soon is too high, and is tried again less and less often', () => {
  const few = new WholeRequests(5)
  const holds = Array.from({ length: 6 }, () => {
    few.grow()
    few.reduce({ keptMs: 3499 })
    return few.holdMs
  })
  expect(few.perMs).toBe(perMs(5))
  expect(holds).toEqual([60_000, 120_000, 240_000, 480_000, 600_000, 600_000])
})

test('another limit that is found is followed at once', () => {
  const few = new WholeRequests(5, 6)
  few.grow()
  expect(few.holdMs).toBe(2000)
  few.grow()
  expect(few.perMs).toBe(perMs(7))
})

test('a number that lasted is exceeded by jitter: it is kept, a little slower, up to a point', () => {
  const few = new WholeRequests(5)
  const rates = Array.from({ length: 9 }, () => {
    few.reduce({ keptMs: 3500 })
    return few.perMs / perMs(5)
  })
  expect(rates.slice(0, 8).map((rate) => rate.toFixed(3))).toEqual(
    [1, 2, 3, 4, 5, 6, 7, 8].map((times) => (0.99 ** times).toFixed(3)),
  )
  expect(few.perMs).toBe(perMs(4))
})

test('another number has no jitter yet', () => {
  const few = new WholeRequests(5)
  few.reduce({ keptMs: 3500 })
  few.grow()
  expect(few.perMs).toBe(perMs(6))
})

test('there is always one request', () => {
  const few = new WholeRequests(1)
  few.reduce({ keptMs: 0 })
  expect(few.perMs).toBe(perMs(1))
})

test('from ten on a rate may grow little by little', () => {
  const few = new WholeRequests(8)
  few.grow()
  expect(few.isMany).toBe(false)
  few.grow()
  expect(few.isMany).toBe(true)
})
