// The outcomes of two journals, compared record by record.

import { describe, expect, test } from 'vitest'
import type { JournalEvent } from '../../../src/batch/journal/journal-format.ts'
import { findDisagreement, hashOf, hasKey, readOutcomes } from '../../../src/batch/journal/record-outcomes.ts'
import { begun, outcome, sent, succeeded } from '../journals.ts'

const outcomesOf = (...events: JournalEvent[]) => readOutcomes([begun(9), ...events])
const done = (id: string, change = {}) => [sent(id), succeeded(id, change)]
const failed = (id: string) => [sent(id), outcome(id, 'failed')]
const unknown = (id: string) => [sent(id), outcome(id, 'unknown')]
const hash = (id: string) => hashOf(sent(id))

test('each record has one outcome, sorted by its key', () => {
  const ids = Array.from({ length: 3000 }, (_, index) => `r${index}`)
  const { keys, outcomes } = outcomesOf(...ids.flatMap((id) => done(id)), ...failed('x'), sent('y'))
  expect(keys).toHaveLength(3002)
  expect(outcomes).toHaveLength(3002)
  expect([...keys]).toEqual([...ids, 'x', 'y'].map(hash).sort((one, other) => one - other))
})

test('records are found by their keys', () => {
  const ids = ['a', 'b', 'c', 'd', 'e']
  const outcomes = outcomesOf(...ids.flatMap((id) => done(id)))
  for (const id of ids) expect(hasKey(outcomes, hash(id))).toBe(true)
  for (const id of ['f', 'g', 'h', 'i']) expect(hasKey(outcomes, hash(id))).toBe(false)
  expect(hasKey(outcomesOf(), hash('a'))).toBe(false)
})

describe('two journals agree', () => {
  test.each<[what: string, one: JournalEvent[], other: JournalEvent[]]>([
    ['if they have no record in common', done('a'), failed('b')],
    ['if a record ended in the same way', [...done('a'), ...failed('b')], [...failed('b'), ...done('a')]],
    ['if one has no record', [], done('a')],
    [
      'if records of one key ended in the same ways, in any order',
      [...failed('a'), ...done('a')],
      [...done('a'), ...failed('a')],
    ],
    ['if one is missing an outcome that the other calls unknown', [sent('a')], unknown('a')],
    ['if a look-up succeeded like the other one', [...unknown('a'), begun(9), succeeded('a')], done('a')],
  ])('%s', (_, one, other) => {
    expect(findDisagreement(outcomesOf(...one), outcomesOf(...other))).toBeUndefined()
    expect(findDisagreement(outcomesOf(...other), outcomesOf(...one))).toBeUndefined()
  })
})

describe('two journals disagree about a record', () => {
  test.each<[what: string, one: JournalEvent[], other: JournalEvent[]]>([
    ['that failed or succeeded', failed('m'), done('m')],
    ['that is unknown or failed', unknown('m'), failed('m')],
    ['that is gone or succeeded', [sent('m'), outcome('m', 'gone')], done('m')],
    ['with different invoices', done('m', { invoiceId: 'inv_1' }), done('m', { invoiceId: 'inv_2' })],
    ['with another status', done('m'), done('m', { status: 'duplicate' })],
    ['that one has twice', [...done('m'), ...done('m')], done('m')],
    ['of which one of two ended in another way', [...done('m'), ...done('m')], [...done('m'), ...failed('m')]],
  ])('%s', (_, one, other) => {
    const before = ['a', 'b', 'c', 'd'].flatMap((id) => done(id))
    const after = ['x', 'y', 'z'].flatMap((id) => failed(id))
    const first = outcomesOf(...before, ...one, ...done('only-one'))
    const second = outcomesOf(...before, ...other, ...after)
    expect(findDisagreement(first, second)).toBe(hash('m'))
    expect(findDisagreement(second, first)).toBe(hash('m'))
  })
})
