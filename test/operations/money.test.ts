// Sums of money are exact, whether whole numbers or decimals add them up.

import Big from 'big.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { amountOf, isTestRequest } from '../../src/operations/billed-amount.ts'
import { balanceOf, formatMoney, unitsOf } from '../../src/operations/money.ts'
import { fromUnits, MoneySum, toUnits } from '../../src/operations/money-sum.ts'
import { exampleRequest } from '../example-payloads.ts'

/** Decimals of the API: short and long ones, with up to 12 decimals. */
const amounts = fc
  .tuple(
    fc.oneof(fc.nat(1000).map(String), fc.bigInt({ min: 0n, max: 10n ** 24n }).map(String), fc.constant('007')),
    fc.option(fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 12 })),
  )
  .map(([whole, fraction]) => (fraction === null ? whole : `${whole}.${fraction}`))

const sumAsDecimals = (list: readonly string[]) => list.reduce((sum, amount) => sum.plus(amount), new Big(0))

test('a balance is items less discounts, to the last digit', () => {
  fc.assert(
    fc.property(fc.array(amounts, { maxLength: 5 }), fc.array(amounts, { maxLength: 3 }), (totals, off) => {
      const items = totals.map((total) => ({ total }))
      const discounts = off.map((amount) => ({ amount }))
      expect(balanceOf({ items, discounts })).toBe(formatMoney(sumAsDecimals(totals).minus(sumAsDecimals(off))))
    }),
  )
})

test('a sum of many amounts is exact, also beyond what numbers hold', () => {
  fc.assert(
    fc.property(fc.array(amounts, { maxLength: 20 }), (list) => {
      const sum = new MoneySum()
      for (const amount of list) sum.add(amount)
      expect(sum.format()).toBe(formatMoney(sumAsDecimals(list)))
      expect(sum.value.eq(sumAsDecimals(list))).toBe(true)
    }),
  )
  const large = new MoneySum()
  for (let count = 0; count < 3; count++) large.addUnits(Number.MAX_SAFE_INTEGER)
  expect(large.value.eq(fromUnits(Number.MAX_SAFE_INTEGER).times(3))).toBe(true)
  expect(toUnits(new Big('12.34'))).toBe(123_400)
})

test('a request that moves no money has no amount, and is no test', async () => {
  const request = await exampleRequest('getAccountInfo')
  expect({ amount: amountOf(request), isTest: isTestRequest(request) }).toEqual({ amount: undefined, isTest: false })
})

test.each([
  ['0', '0.00'],
  ['12.5', '12.50'],
  ['0.0001', '0.0001'],
  ['12.3400', '12.34'],
  ['0.120', '0.12'],
  ['0.1203', '0.1203'],
  ['0.123', '0.123'],
])('%s is %s', (amount, formatted) => {
  expect(balanceOf({ items: [{ total: amount }] })).toBe(formatted)
})

test.each([
  ['0', 0],
  ['12', 120_000],
  ['12.5', 125_000],
  ['.5', 5_000],
  ['0.0001', 1],
  ['-1.25', -12_500],
  ['1234567890', 12_345_678_900_000],
  ['123456789.1234', 1_234_567_891_234],
  ['1234567890.1', undefined],
  ['12345678901', undefined],
  ['0.00001', undefined],
  ['1.00000', undefined],
])('%s in units of 1/10,000 is %s', (amount, units) => {
  expect(unitsOf(amount)).toBe(units)
})

test.each([
  ['12', '12.00'],
  ['12.5', '12.50'],
  ['12.55', '12.55'],
  ['-0.125', '-0.125'],
])('the decimal %s is written as %s', (amount, formatted) => {
  expect(formatMoney(new Big(amount))).toBe(formatted)
})
