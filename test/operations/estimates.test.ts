import { describe, expect, test } from 'vitest'
import { isCertainlyAtLeast, isCertainlyNear } from '../../src/operations/estimates.ts'

describe('a price × quantity is certainly near a total', () => {
  test.each([
    ['0.10', 3, '0.30', 0.01, true],
    ['0.10', 3, '0.31', 0.01, false],
    ['0.10', 3, '0.29', 0.01, false],
    ['2', 4, '8', 0.01, true],
    ['-2', 4, '-8', 0.01, true],
    ['1', 1, '1', 0, false],
    ['0', 0, '0', 0, false],
    // The difference is as large as the limit.
    ['1', 1, '1.5', 0.5, false],
    ['1', 1, '1.25', 0.5, true],
  ])('%s × %d, %s, to %d: %s', (price, quantity, total, limit, isNear) => {
    expect(isCertainlyNear(price, quantity, total, limit)).toBe(isNear)
  })

  test('but not if floats could be wrong by the limit', () => {
    expect(isCertainlyNear('1000000000000', 1000, '1000000000000000', 0.01)).toBe(false)
    expect(isCertainlyNear('1000000000000', 1000, '1000000000000000', 10)).toBe(true)
  })
})

describe('a sum is certainly at least a limit', () => {
  const amounts = (...totals: string[]) => totals.map((total) => ({ total }))

  test.each([
    [amounts('0.60', '0.50'), 1, true],
    [amounts('0.40', '0.50'), 1, false],
    [amounts('3'), 1, true],
    [amounts('0'), 0, true],
    [[], 1, false],
    // Only exact decimals can tell.
    [amounts('1'), 1, false],
    [amounts('1.000001'), 1, true],
  ])('%j, %d: %s', (totals, limit, isAtLeast) => {
    expect(isCertainlyAtLeast(totals, limit)).toBe(isAtLeast)
  })
})
