import { expect, test } from 'vitest'
import { growthFactor } from '../../../src/batch/sending/growth.ts'

test.each([
  ['first doubles the rate', { stage: 0, ms: 1000, grownMs: 5000 }, 2],
  ['second is slower', { stage: 1, ms: 1000, grownMs: 5000 }, 1.08],
  ['last stays close to the limit', { stage: 2, ms: 1000, grownMs: 0 }, 1.01],
  ['last is twice as fast after five seconds', { stage: 2, ms: 1000, grownMs: 5000 }, 1.01 ** 2],
])('the %s', (_, growth, factor) => {
  expect(growthFactor(growth)).toBeCloseTo(factor, 10)
})
