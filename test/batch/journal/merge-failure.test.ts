// What merged journals say of shards that did not finish.

import { describe, expect, test } from 'vitest'
import { Ledger } from '../../../src/batch/journal/ledger.ts'
import { mergeFailure, type ShardEnd } from '../../../src/batch/journal/merge-failure.ts'
import { begun, outcome, sent, succeeded } from '../journals.ts'

const end = (shard: string, change: Partial<ShardEnd> = {}): ShardEnd => ({
  shard,
  failed: 0,
  missing: 0,
  isCut: false,
  ...change,
})
const messageOf = (total: number, ends: readonly ShardEnd[], ledger = new Ledger()) =>
  mergeFailure(ledger, total, ends)?.message

test('nothing failed if every record has a line, also if a journal was cut after its last one', () => {
  const ledger = new Ledger()
  for (const event of [begun(1), sent('a'), succeeded('a')]) ledger.apply(event)
  expect(mergeFailure(ledger, 1, [end('1/1', { isCut: true })])).toBeUndefined()
})

test('one journal that was cut is named, with the records that have no line in it', () => {
  expect(messageOf(3, [end('1/1', { missing: 1, isCut: true })])).toBe(
    'The journal ends before its run ended: 1 record has no line in it, and may have been sent. If there is a longer copy of it, merge that one. Run the batch again with its journal',
  )
})

test('several journals that were cut are named together', () => {
  const cut = { missing: 2, isCut: true }
  expect(messageOf(9, [end('1/3', cut), end('2/3', cut), end('3/3')])).toBe(
    'The journals of shards 1/3, 2/3 end before their runs ended: 4 records have no line in them, and may have been sent. If there is a longer copy of one, merge that one. Run shards 1/3, 2/3 again with their journals',
  )
})

test('what was cut is told apart from what was not started', () => {
  expect(messageOf(5, [end('1/2', { missing: 2, isCut: true }), end('2/2', { missing: 1 })])).toBe(
    '1 of 5 records was not started. The journal of shard 1/2 ends before its run ended: 2 records have no line in it, and may have been sent. If there is a longer copy of it, merge that one. Run shards 1/2, 2/2 again with their journals',
  )
})

test('a journal that was cut, of which all records have a line, is not called cut', () => {
  const ledger = new Ledger()
  for (const event of [begun(1), sent('a'), outcome('a', 'failed')]) ledger.apply(event)
  expect(messageOf(1, [end('1/1', { failed: 1, isCut: true })], ledger)).toBe(
    '1 of 1 record failed. Run the batch again with its journal',
  )
})

describe('records that have to be changed', () => {
  const rejected = outcome('a', 'failed', { httpStatus: 400, code: 'bad_request' })
  const correct =
    'correct it, and send it in a batch file of its own, because a journal does not accept changed records'

  test('are not to be sent again as they are', () => {
    const ledger = new Ledger()
    for (const event of [begun(1), sent('a'), rejected]) ledger.apply(event)
    expect(messageOf(1, [end('1/1', { failed: 1 })], ledger)).toBe(
      `1 of 1 record failed. Vercel rejects it as it is: ${correct}`,
    )
  })

  test.each([
    [
      'another record failed for another reason',
      [sent('b'), outcome('b', 'failed')],
      '2 of 2 records failed',
      '1 of them',
    ],
    ['another record was not started', [], '1 of 2 records failed and 1 was not started', 'it'],
  ])('are mentioned after the shards to run again if %s', (_, others, what, subject) => {
    const ledger = new Ledger()
    for (const event of [begun(2), sent('a'), rejected, ...others]) ledger.apply(event)
    const missing = 2 - ledger.known
    expect(messageOf(2, [end('1/1', { failed: ledger.failed, missing })], ledger)).toBe(
      `${what}. Run the batch again with its journal. Vercel rejects ${subject} as it is: ${correct}`,
    )
  })
})

test('ten shards are named, and a word stands for the others', () => {
  const shards = (count: number) => Array.from({ length: count }, (_, index) => end(`${index + 1}/12`, { missing: 1 }))
  const names = '1/12, 2/12, 3/12, 4/12, 5/12, 6/12, 7/12, 8/12, 9/12, 10/12'
  expect(messageOf(12, shards(10))).toBe(
    `10 of 12 records were not started. Run shards ${names} again with their journals`,
  )
  expect(messageOf(12, shards(11))).toBe(
    `11 of 12 records were not started. Run shards ${names} and others again with their journals`,
  )
})
