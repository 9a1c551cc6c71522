// The table of the amounts of each installation.

import Big from 'big.js'
import { expect, test } from 'vitest'
import { InstallationAmounts } from '../../../src/batch/plan/installation-amounts.ts'

const idsOf = (count: number) => Array.from({ length: count }, (_, index) => `icfg_${index}`)

test('an installation has the sums of both batches, and its first line', () => {
  const amounts = new InstallationAmounts(7)
  amounts.addPlanned('icfg_1', '1.50', 3)
  amounts.addPlanned('icfg_1', '2.25', 9)
  amounts.addEarlier('icfg_1', '-4.00')
  amounts.addEarlier('icfg_2', '5.00')
  amounts.addPlanned('icfg_2', undefined, 12)
  expect(amounts.size).toBe(2)
  const slot = expect.any(Number)
  expect(amounts.get('icfg_1')).toEqual({ slot, planned: 37_500, earlier: -40_000, isExact: true, line: 3 })
  expect(amounts.get('icfg_2')).toEqual({ slot, planned: 0, earlier: 50_000, isExact: true, line: 12 })
  expect(amounts.get('icfg_3')).toBeUndefined()
})

test('amounts stay with their installations when the table grows', () => {
  const amounts = new InstallationAmounts(7)
  const large = '90071992547409930000.12345'
  const ids = idsOf(700)
  const expected = ids.map((_, index) => (index % 9 === 0 ? large : `${index}.01`))
  for (const [index, id] of ids.entries()) amounts.addPlanned(id, expected[index], index + 1)
  const found = ids.map((id) => {
    const { slot = -1, isExact, line } = amounts.get(id) ?? {}
    return { line, isExact, amount: amounts.exact('planned', slot).toFixed(), earlier: amounts.exact('earlier', slot) }
  })
  expect(found).toEqual(
    expected.map((amount, index) => ({
      line: index + 1,
      isExact: amount !== large,
      amount: new Big(amount).toFixed(),
      earlier: new Big(0),
    })),
  )
  expect([...amounts]).toHaveLength(700)
})

test('a sum that a number cannot hold is a number too, which is not exact', () => {
  const amounts = new InstallationAmounts(7)
  amounts.addPlanned('icfg_1', '1.50', 1)
  amounts.addPlanned('icfg_1', '0.12345', 2)
  amounts.addEarlier('icfg_1', '2.00')
  expect(amounts.get('icfg_1')).toMatchObject({ planned: 16_234.5, earlier: 20_000, isExact: false })
})

test.each([
  ['first', 'icfg_797773', 'icfg_3069371'],
  ['second', 'icfg_6340', 'icfg_17848'],
])('installations whose %s hashes of 32 bits are equal are told apart', (_, one, other) => {
  const amounts = new InstallationAmounts(7)
  amounts.addPlanned(one, '1.00', 1)
  amounts.addPlanned(other, '2.00', 2)
  expect([amounts.get(one)?.planned, amounts.get(other)?.planned]).toEqual([10_000, 20_000])
})

const slotsOf = (amounts: InstallationAmounts, ids: readonly string[]) => ids.map((id) => amounts.get(id)?.slot)

test('the table grows with the installations, not with their records, and only once two thirds are used', () => {
  const amounts = new InstallationAmounts(7)
  const ids = idsOf(682)
  for (const id of ids) amounts.addPlanned(id, '1.00', 1)
  const slots = slotsOf(amounts, ids)
  expect(Math.max(...slots.map(Number))).toBeLessThan(1024)
  for (const id of ids) amounts.addPlanned(id, '1.00', 1)
  expect(slotsOf(amounts, ids)).toEqual(slots)
  for (const id of ['icfg_a', 'icfg_b']) amounts.addPlanned(id, '1.00', 1)
  expect(Math.max(...slotsOf(amounts, ids).map(Number))).toBeGreaterThanOrEqual(1024)
})

test('the seed decides where installations are', () => {
  const slots = [1, 2, 3].map((seed) => {
    const amounts = new InstallationAmounts(seed)
    for (const id of idsOf(10)) amounts.addPlanned(id, '1.00', 1)
    return slotsOf(amounts, idsOf(10)).join()
  })
  expect(new Set(slots).size).toBe(3)
})
