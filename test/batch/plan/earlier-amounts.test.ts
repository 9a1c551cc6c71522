// What is read from the journals of an earlier batch.

import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { JournalEvent } from '../../../src/batch/journal/journal-format.ts'
import { findEarlierBatch, findInstallations, readEarlierAmounts } from '../../../src/batch/plan/earlier-amounts.ts'
import { Failure } from '../../../src/failure.ts'
import { findOperation, type Operation } from '../../../src/operations/catalogue.ts'
import { newFolder } from '../files.ts'
import { begun, notSent, outcome, sent, succeeded } from '../journals.ts'
import { largestCollection } from '../largest-collection.ts'
import { earlierBatch, paid } from './plans.ts'

const hint =
  'Give the journals of an earlier batch of the same operation. In the first month use a glob, which may match nothing'

/** The amounts of journals, each with its installation. */
function amountsOf(...journals: Parameters<typeof earlierBatch>[1][]): string[] {
  const amounts: string[] = []
  readEarlierAmounts(earlierBatch(newFolder(), ...journals), (...entry) => void amounts.push(entry.join(' ')))
  return amounts
}

const failureOf = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    if (error instanceof Failure) return { code: error.code, message: error.message, hint: error.hint }
    throw error
  }
  throw new Error('nothing was refused')
}

test('only records that succeeded count, with the amount that was sent', () => {
  const events: JournalEvent[] = [
    ...paid('a', 'icfg_1', '1.00'),
    sent('b', { installation: 'icfg_2', amount: '2.00' }),
    outcome('b', 'failed', { installation: 'icfg_2' }),
    sent('c', { amount: '3.00' }),
    notSent('c'),
    sent('d', { amount: '4.00' }),
    outcome('d', 'gone'),
    ...paid('e', 'icfg_3'),
    sent('f', { amount: '-6.5' }),
    outcome('f', 'unknown'),
    sent('g', { amount: '7.00' }),
  ]
  expect(amountsOf({ events })).toEqual(['icfg_1 1.00'])
})

test('a record whose unknown outcome a later run has found out counts', () => {
  const events = [sent('a', { amount: '-6.5' }), outcome('a', 'unknown'), begun(1), succeeded('a')]
  expect(amountsOf({ events })).toEqual(['icfg_1 -6.5'])
})

test('a record counts once in the journals of a shard, and records of several shards count all', () => {
  const one = paid('a', 'icfg_1', '1.00')
  const other = paid('a', 'icfg_2', '2.00')
  const next = paid('b', 'icfg_3', '3.00')
  expect(amountsOf({ shard: '1/2', events: one }, { shard: '1/2', events: [...other, ...next] })).toEqual([
    'icfg_1 1.00',
    'icfg_3 3.00',
  ])
  expect(amountsOf({ shard: '1/2', events: one }, { shard: '2/2', events: other })).toEqual([
    'icfg_1 1.00',
    'icfg_2 2.00',
  ])
})

test('of journals that share no shard, nothing is kept for each record', () => {
  const events = (shard: number) =>
    Array.from({ length: 10 }, (_, index) => paid(`${shard}-${index}`, 'icfg_1', '1.00')).flat()
  const batch = earlierBatch(
    newFolder(),
    { shard: '1/2', events: events(1) },
    { shard: '2/2', events: [...events(2), sent('f'), outcome('f', 'failed')] },
  )
  let amounts = 0
  expect(largestCollection(() => readEarlierAmounts(batch, () => void amounts++))).toBe(0)
  expect(amounts).toBe(20)
})

test('an amount that is longer than any of the action is refused', () => {
  const folder = newFolder()
  const digits = '9'.repeat(60)
  const batch = earlierBatch(folder, { events: paid('a', 'icfg_1', `${digits}.${digits}`) })
  const amounts: string[] = []
  readEarlierAmounts(batch, (_, amount) => void amounts.push(amount))
  expect(amounts).toEqual([`${digits}.${digits}`])

  const longer = earlierBatch(folder, {
    events: [sent('a', { amount: `9${digits}` }), succeeded('a', { line: 12 })],
  })
  expect(failureOf(() => readEarlierAmounts(longer, () => {}))).toEqual({
    code: 'comparison_unusable',
    message: `\`compare-with\`: the journal "${longer.paths[0]}" has an amount that is not a decimal: line 12 of its batch; nothing was sent`,
    hint,
  })
})

test('the installations of all outcomes are found', () => {
  const events = [
    ...paid('a', 'icfg_1', '1.00'),
    sent('b', { installation: 'icfg_2' }),
    outcome('b', 'failed', { installation: 'icfg_2' }),
    sent('c', { installation: 'icfg_3' }),
  ]
  const found: string[] = []
  findInstallations(earlierBatch(newFolder(), { events }), (installation) => void found.push(installation))
  expect(found).toEqual(['icfg_1', 'icfg_2'])
})

test('what was found of an earlier batch, and what is missing', () => {
  const folder = newFolder()
  const { paths } = earlierBatch(folder, { shard: '1/3', events: [] }, { shard: '1/3', events: [] })
  const invoices = findOperation('submitInvoice') as Operation
  expect(findEarlierBatch(['earlier-*.ndjson', 'other/*'], folder, invoices)).toEqual({
    paths,
    warnings: [
      {
        message:
          '`compare-with` "other/*" matches no journal, so its installations count as new. This is normal for the first batch',
      },
      {
        message: '`compare-with` has no journal of shard 2/3, 3/3, so its installations count as new: add it',
      },
    ],
  })
  const usage = findOperation('submitBillingData') as Operation
  expect(failureOf(() => findEarlierBatch(['earlier-2.ndjson'], folder, usage))).toEqual({
    code: 'comparison_unusable',
    message: `\`compare-with\`: the journal "${join(folder, 'earlier-2.ndjson')}" is of "submitInvoice", not of submitBillingData; nothing was sent`,
    hint,
  })
})
