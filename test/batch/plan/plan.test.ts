// The plan of a batch, as it is built from its records.

import { describe, expect, test } from 'vitest'
import { PlanBuilder, type PlanOptions } from '../../../src/batch/plan/plan.ts'
import { findOperation, type Operation } from '../../../src/operations/catalogue.ts'
import { RequestDigest } from '../../../src/operations/request-digest.ts'
import { newFolder } from '../files.ts'
import { billOf } from './batch-step.ts'
import { batchFileOf, earlierBatch, paid, recordsOf } from './plans.ts'

const subject = {
  operation: findOperation('submitInvoice') as Operation,
  baseUrl: 'https://api.vercel.com',
  externalId: 'auto',
}

const unshown: PlanOptions = {
  ...subject,
  shard: { index: 1, count: 1 },
  maxAmount: undefined,
  maxChange: undefined,
  earlier: undefined,
  measuresAmounts: false,
  isShown: false,
  random: () => 0.5,
}

const shown = { measuresAmounts: true, isShown: true }

function planned(records: readonly object[], change: Partial<PlanOptions> = {}) {
  const file = batchFileOf(records)
  const builder = new PlanBuilder({ ...unshown, ...change })
  for (const { record, identity } of recordsOf(file)) builder.add(record, identity, [])
  return builder.finish(file)
}

const discounts = [{ billingPlanId: 'pro', name: 'Discount', amount: '6.00' }]
const records = [
  billOf('icfg_1', '10.00', { id: 'own' }),
  billOf('icfg_2', '5.00', { test: {} }),
  billOf('icfg_1', '2.50', { discounts }),
]

describe('a plan has', () => {
  const digest = () => {
    const expected = new RequestDigest(subject)
    for (const { identity } of recordsOf(batchFileOf(records))) {
      expected.add(identity.digest === undefined ? identity.id : `"${identity.id}"${identity.digest}`)
    }
    return expected.finish()
  }
  const common = {
    operation: subject.operation,
    records: 3,
    shardAmount: '6.50',
    aboveMaxAmount: { count: 0, first: [] },
    warnings: [],
    comparison: undefined,
  }

  test('records, digest and the amount of the shard, if nothing else is needed', () => {
    expect(planned(records)).toEqual({
      ...common,
      digest: digest(),
      installations: 0,
      amount: undefined,
      positiveAmount: '0.00',
      tests: 0,
      largest: [],
    })
  })

  test('amounts without installations, if guards need them', () => {
    expect(planned(records, { measuresAmounts: true })).toMatchObject({
      installations: 0,
      amount: '11.50',
      positiveAmount: '15.00',
      tests: 1,
      largest: [],
    })
  })

  test('everything, if people are to read it', () => {
    expect(planned(records, shown)).toEqual({
      ...common,
      digest: digest(),
      installations: 2,
      amount: '11.50',
      positiveAmount: '15.00',
      tests: 1,
      largest: [
        { line: 1, installation: 'icfg_1', amount: '10.00', installationAmount: '6.50' },
        { line: 2, installation: 'icfg_2', amount: '5.00', installationAmount: '5.00' },
        { line: 3, installation: 'icfg_1', amount: '-3.50', installationAmount: '6.50' },
      ],
    })
  })
})

test('the largest records are in the order of their amounts, however many digits these have', () => {
  const amounts = ['2.00', '3.00001', '5.00', '90071992547409930000.00', '90071992547409970000.00']
  const { largest } = planned(
    amounts.map((amount, index) => billOf(`icfg_${index}`, amount)),
    shown,
  )
  expect(largest.map(({ amount }) => amount)).toEqual(amounts.toReversed())
})

test('records above max-amount are counted, and the first ten are listed', () => {
  const many = Array.from({ length: 12 }, (_, index) => billOf(`icfg_${index + 1}`, index === 3 ? '4.00' : '4.01'))
  const { aboveMaxAmount } = planned(many, { measuresAmounts: true, maxAmount: '4' })
  expect(aboveMaxAmount.count).toBe(11)
  expect(aboveMaxAmount.first.map(({ line }) => line)).toEqual([1, 2, 3, 5, 6, 7, 8, 9, 10, 11])
  expect(aboveMaxAmount.first[3]).toEqual({ line: 5, installation: 'icfg_5', amount: '4.01' })
})

test.each<[amount: string, maxAmount: string, isAbove: boolean]>([
  ['4.01', '4', true],
  ['4.00', '4', false],
  // Too many digits for a number of units.
  ['4.00001', '4', true],
  ['90071992547409930000.00', '4', true],
  ['4.0001', '4.00001', true],
  ['4.00', '4.00001', false],
  ['4.00001', '4.00001', false],
  ['4.00002', '4.00001', true],
])('%s is above max-amount %s: %j', (amount, maxAmount, isAbove) => {
  const { aboveMaxAmount } = planned([billOf('icfg_1', amount)], { measuresAmounts: true, maxAmount })
  const record = { line: 1, installation: 'icfg_1', amount }
  expect(aboveMaxAmount).toEqual({ count: isAbove ? 1 : 0, first: isAbove ? [record] : [] })
})

test('a plan compares with an earlier batch, and the largest records have the earlier amounts', () => {
  const events = [...paid('a', 'icfg_1', '3.25'), ...paid('b', 'icfg_3', '1.00')]
  const earlier = earlierBatch(newFolder(), { events })
  const { installations, largest, comparison } = planned(records, { ...shown, earlier })
  expect(installations).toBe(2)
  expect(largest.map((record) => record.earlier)).toEqual(['3.25', undefined, '3.25'])
  expect(comparison).toMatchObject({
    percent: '100',
    groups: { unchanged: { installations: 1 }, new: { installations: 1 }, missing: { installations: 1 } },
    newest: [{ installation: 'icfg_2' }],
    missing: [{ installation: 'icfg_3' }],
  })
  expect(planned(records, { ...shown, earlier, maxChange: '99' }).comparison?.largest).toMatchObject([
    { kind: 'up', line: 1, installation: 'icfg_1', planned: '6.50', earlier: '3.25', difference: '3.25' },
  ])
})

test('each plan hashes installations with a seed of its own', () => {
  const earlier = earlierBatch(newFolder(), { events: [] })
  const slots = [0.1, 0.5, 0.9].map((value) => {
    const { comparison } = planned(records, { measuresAmounts: true, earlier, random: () => value })
    return comparison?.newest.map(({ slot }) => slot).join()
  })
  expect(new Set(slots).size).toBe(3)
})

test('warnings of the file are added, unless those of single records say the same', () => {
  const file = batchFileOf(records)
  const builder = new PlanBuilder(unshown)
  const [first, second] = recordsOf(file)
  const total = (amount: string) => ({ path: ['items', 0, 'total'], message: `is "${amount}"` })
  if (first) builder.add(first.record, first.identity, [total('1.00')])
  if (second) builder.add(second.record, second.identity, [total('2.00')])
  builder.addFileWarnings([
    total('3.00'),
    { message: 'the period ends in the past', position: { line: 2, column: 7 } },
    { message: 'all amounts are equal' },
  ])
  expect(builder.finish(file).warnings).toEqual([
    { example: 'items[0].total is "1.00"', count: 2, lines: [1, 2] },
    { example: 'the period ends in the past', count: 1, lines: [2] },
    { example: 'all amounts are equal', count: 1, lines: [1] },
  ])
})
