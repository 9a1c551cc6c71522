import { expect, test } from 'vitest'
import { isCertainlyAtLeast, isCertainlyNear } from '../../src/operations/estimates.ts'

test.each<[price: string, quantity: number, total: string, isNear: boolean]>([
  ['1.50', 2, '3.00', true],
  ['1.50', 2, '3.009', true],
  ['1.50', 2, '2.991', true],
  ['1.50', 2, '3.01', false],
  ['1.50', 2, '2.98', false],
  ['1.50', 4, '0.375', false],
  ['0', 0, '0', true],
  // The error of a float is larger than the limit.
  ['9007199254740993', 1, '9007199254740993', false],
])('%s × %d is certainly near %s: %j', (price, quantity, total, isNear) => {
  expect(isCertainlyNear(price, quantity, total, 0.01)).toBe(isNear)
})

test.each<[totals: string[], isAtLeast: boolean]>([
  [['0.6', '0.5'], true],
  [['1.01'], true],
  [['0.6', '0.3'], false],
  // Only exact decimals can tell.
  [['0.5', '0.5'], false],
  [['1'], false],
  [[], false],
])('%j are certainly 1 or more: %j', (totals, isAtLeast) => {
  expect(
    isCertainlyAtLeast(
      totals.map((total) => ({ total })),
      1,
    ),
  ).toBe(isAtLeast)
})
