// The rate of a limit that names no waits, after a long time without a 429.

import { expect, test } from 'vitest'
import { UnhintedRate } from '../../../src/batch/sending/unhinted-rate.ts'

test('a rate grows by the same amount for ten seconds, then faster and faster, until it is reduced', () => {
  const rate = new UnhintedRate(0.1)
  const amount = 0.08 * 0.088
  const growthOf = (ms: number) => {
    const before = rate.perMs
    expect(rate.grow(ms)).toBe(false)
    return (rate.perMs - before) / amount
  }
  const growths = [10_000, 5000, 5000, 5000].map(growthOf)
  for (const [index, expected] of [10, 5, 10, 15].entries()) expect(growths[index]).toBeCloseTo(expected, 10)
  rate.reduce()
  expect(growthOf(1000)).toBeCloseTo(1, 10)
})
