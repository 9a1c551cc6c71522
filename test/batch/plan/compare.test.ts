// The comparison of many installations agrees with a simple one that keeps every amount as a decimal.

import Big from 'big.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareAmounts } from '../../../src/batch/plan/compare.ts'
import { InstallationAmounts } from '../../../src/batch/plan/installation-amounts.ts'
import { runs } from '../../runs.ts'

const amount = fc.oneof(
  fc.integer({ min: -5000, max: 5000 }).map((cents) => new Big(cents).div(100).toFixed(2)),
  fc.bigInt({ min: 0n, max: 10n ** 22n }).map((whole) => `${whole}.1234567`),
)
const record = fc.record({ installation: fc.nat(8).map((index) => `icfg_${index}`), amount, isEarlier: fc.boolean() })

type Sums = Map<string, Big>
const addTo = (sums: Sums, installation: string, amount: string) =>
  sums.set(installation, (sums.get(installation) ?? new Big(0)).plus(amount))

test('every installation is in the right group, with exact sums', () => {
  const percents = fc.constantFrom('0', '20', '33.3', '100')
  fc.assert(
    fc.property(fc.array(record, { maxLength: 40 }), percents, fc.nat(), (records, percent, seed) => {
      const amounts = new InstallationAmounts(seed)
      const [planned, earlier]: [Sums, Sums] = [new Map(), new Map()]
      for (const [index, { installation, amount, isEarlier }] of records.entries()) {
        if (isEarlier) amounts.addEarlier(installation, amount)
        else amounts.addPlanned(installation, amount, index + 1)
        addTo(isEarlier ? earlier : planned, installation, amount)
      }
      const expected = { unchanged: new Big(0), up: new Big(0), down: new Big(0), new: new Big(0), missing: new Big(0) }
      const counts = { unchanged: 0, up: 0, down: 0, new: 0, missing: 0 }
      for (const installation of new Set([...planned.keys(), ...earlier.keys()])) {
        const [now, before] = [planned.get(installation), earlier.get(installation)]
        const difference = (now ?? new Big(0)).minus(before ?? 0)
        const isBeyond = before && difference.abs().times(100).gt(before.abs().times(percent))
        const changed = isBeyond ? (difference.gt(0) ? 'up' : 'down') : 'unchanged'
        const kind = !before ? 'new' : !now ? 'missing' : changed
        counts[kind]++
        expected[kind] = expected[kind].plus(kind === 'unchanged' || kind === 'new' ? (now ?? 0) : difference)
      }
      const { groups } = compareAmounts(amounts, percent)
      for (const kind of ['unchanged', 'up', 'down', 'new', 'missing'] as const) {
        expect([kind, groups[kind].installations]).toEqual([kind, counts[kind]])
        expect(new Big(groups[kind].amount).eq(expected[kind])).toBe(true)
      }
    }),
    runs(100),
  )
})

test('the table grows, and keeps amounts that a number cannot hold', () => {
  const amounts = new InstallationAmounts(7)
  const count = 20_000
  const large = '90071992547409930000.12345'
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < count; index++) {
      amounts.addPlanned(`icfg_${index}`, index % 1000 === 0 ? large : '0.01', round * count + index + 1)
    }
  }
  expect([...amounts]).toHaveLength(count)
  expect(amounts.get('icfg_17')).toMatchObject({ planned: 200, earlier: undefined, line: 18, isExact: true })
  const first = amounts.get('icfg_3000')
  expect(first?.isExact).toBe(false)
  expect(amounts.exact('planned', first?.slot ?? -1).toFixed()).toBe(new Big(large).times(2).toFixed())
  expect(amounts.get('icfg_20000')).toBeUndefined()
})
