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

test('the lists have the largest differences, with both amounts', () => {
  const amounts = new InstallationAmounts(7)
  const months: readonly [installation: string, earlier: string | undefined, planned: string | undefined][] = [
    ['icfg_same', '10.00', '12.00'],
    ['icfg_up', '100.00', '150.00'],
    ['icfg_down', '1000.00', '750.5'],
    ['icfg_doubled', '10.00', '30.00'],
    ['icfg_small', '1.00', '300.00'],
    ['icfg_new', undefined, '7.00'],
    ['icfg_newest', undefined, '8.00'],
    ['icfg_gone', '3.00', undefined],
    ['icfg_lost', '2000.00', undefined],
  ]
  for (const [index, [installation, earlier, planned]] of months.entries()) {
    if (planned) amounts.addPlanned(installation, planned, index + 1)
    if (earlier) amounts.addEarlier(installation, earlier)
  }
  const change = (name: string, line: number, kind: string, difference: string) => {
    const [installation, earlier, planned] = months.find(([id]) => id === name) ?? []
    const format = (amount: string | undefined) => amount && new Big(amount).toFixed(2)
    const { slot } = amounts.get(installation ?? '') ?? {}
    return { kind, slot, line, planned: format(planned), earlier: format(earlier), difference }
  }
  expect(compareAmounts(amounts, '20')).toEqual({
    percent: '20',
    groups: {
      unchanged: { installations: 1, amount: '12.00' },
      up: { installations: 3, amount: '369.00' },
      down: { installations: 1, amount: '-249.50' },
      new: { installations: 2, amount: '15.00' },
      missing: { installations: 2, amount: '-2003.00' },
    },
    largest: [
      change('icfg_small', 5, 'up', '299.00'),
      change('icfg_down', 3, 'down', '-249.50'),
      change('icfg_up', 2, 'up', '50.00'),
      change('icfg_doubled', 4, 'up', '20.00'),
    ],
    newest: [change('icfg_newest', 7, 'new', '8.00'), change('icfg_new', 6, 'new', '7.00')],
    missing: [change('icfg_lost', 0, 'missing', '-2000.00'), change('icfg_gone', 0, 'missing', '-3.00')],
  })
})

test.each([
  ['33.3', '0.10', '0.1333', 'unchanged'],
  ['33.3', '0.10', '0.1334', 'up'],
  ['33.3', '0.10', '0.0667', 'unchanged'],
  ['33.3', '0.10', '0.0666', 'down'],
  ['0', '90071992547409930000.12344', '90071992547409930000.12345', 'up'],
  ['0', '90071992547409930000.12345', '90071992547409930000.12344', 'down'],
  ['0', '90071992547409930000.12345', '90071992547409930000.12345', 'unchanged'],
] as const)('within %s %%, from %s to %s is %s', (percent, earlier, planned, kind) => {
  const amounts = new InstallationAmounts(7)
  amounts.addPlanned('icfg_1', planned, 1)
  amounts.addEarlier('icfg_1', earlier)
  expect(compareAmounts(amounts, percent).groups[kind].installations).toBe(1)
})
