// Which state each record is in, event by event.

import { describe, expect, test } from 'vitest'
import type { JournalEvent } from '../../../src/batch/journal/journal-format.ts'
import { Ledger } from '../../../src/batch/journal/ledger.ts'
import { begun, outcome, sent, succeeded } from '../journals.ts'

function ledgerOf(...events: JournalEvent[]): Ledger {
  const ledger = new Ledger()
  for (const event of events) ledger.apply(event)
  return ledger
}

const countsOf = ({ sent, alreadyThere, gone, rejected, unknown, inFlight, succeeded, failed, known }: Ledger) => ({
  sent,
  alreadyThere,
  gone,
  rejected,
  unknown,
  inFlight,
  succeeded,
  failed,
  known,
})
const none = {
  sent: 0,
  alreadyThere: 0,
  gone: 0,
  rejected: 0,
  unknown: 0,
  inFlight: 0,
  succeeded: 0,
  failed: 0,
  known: 0,
}
const notSent = (id: string) => ({ ...outcome(id, 'failed'), event: 'not_sent' }) as JournalEvent
const priced = (id: string, change = {}) => sent(id, { amount: '1.50', ...change })

test('records of each state are counted apart, and all of them are known', () => {
  const ledger = ledgerOf(
    begun(9),
    ...['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((id) => sent(id)),
    succeeded('a'),
    succeeded('b'),
    succeeded('c', { status: 'duplicate' }),
    outcome('d', 'gone'),
    outcome('e', 'failed'),
    outcome('f', 'unknown'),
    outcome('g', 'unknown'),
  )
  expect(countsOf(ledger)).toEqual({
    sent: 2,
    alreadyThere: 1,
    gone: 1,
    rejected: 1,
    unknown: 2,
    inFlight: 1,
    succeeded: 3,
    failed: 3,
    known: 8,
  })
})

test.each<[what: string, end: (ledger: Ledger) => void]>([
  ['ends', (ledger) => ledger.end()],
  ['is followed by another', (ledger) => ledger.apply(begun(1))],
])('a record in flight is unknown once its run %s', (_, end) => {
  const ledger = ledgerOf(begun(1), sent('a', { line: 7 }))
  expect(countsOf(ledger)).toEqual({ ...none, inFlight: 1, known: 1 })
  end(ledger)
  expect(countsOf(ledger)).toEqual({ ...none, unknown: 1, failed: 1, known: 1 })
  expect(ledger.failures()).toEqual([
    {
      event: 'unknown',
      code: 'outcome_unknown',
      httpStatus: undefined,
      message: 'It was sent, and the journal ends before its outcome',
      hint: 'Run the step again with this journal',
      count: 1,
      lines: [7],
      installation: 'icfg_1',
    },
  ])
})

describe('a request that was certainly not processed', () => {
  test('leaves its record as if it had not been started', () => {
    expect(countsOf(ledgerOf(begun(1), sent('a'), notSent('a')))).toEqual(none)
    expect(countsOf(ledgerOf(begun(1), notSent('a')))).toEqual(none)
  })

  test('counts for its own record only, if another one has the same key', () => {
    const ledger = ledgerOf(
      begun(2),
      priced('a'),
      outcome('a', 'failed'),
      begun(2),
      priced('a'),
      notSent('a'),
      priced('a'),
      succeeded('a'),
      priced('a'),
    )
    expect(ledger.attempted.toFixed(2)).toBe('3.00')
  })

  test('is counted once with its amount, however often it is sent', () => {
    const ledger = ledgerOf(
      begun(1),
      priced('a'),
      notSent('a'),
      priced('a'),
      notSent('a'),
      priced('a'),
      succeeded('a', { amount: '1.50' }),
    )
    expect({ ...countsOf(ledger), attempted: ledger.attempted.toFixed(2), billed: ledger.billed.toFixed(2) }).toEqual({
      ...none,
      sent: 1,
      succeeded: 1,
      known: 1,
      attempted: '1.50',
      billed: '1.50',
    })
  })

  test('is another one than an equal record that was sent', () => {
    const ledger = ledgerOf(begun(2), priced('a'), succeeded('a'), priced('a'))
    expect(ledger.attempted.toFixed(2)).toBe('3.00')
    const withdrawn = ledgerOf(begun(2), notSent('a'), priced('a'))
    expect(withdrawn.attempted.toFixed(2)).toBe('1.50')
  })
})

describe('a record that is sent again', () => {
  test('in a later run counts as failed until its outcome, which replaces the failed one', () => {
    const events = [begun(1), priced('a'), outcome('a', 'failed'), begun(1), priced('a')]
    const statesOf = (ledger: Ledger) => ({ ...countsOf(ledger), attempted: ledger.attempted.toFixed(2) })
    const once = { known: 1, attempted: '1.50' }
    expect(statesOf(ledgerOf(...events))).toEqual({ ...none, ...once, rejected: 1, failed: 1, inFlight: 1 })
    expect(statesOf(ledgerOf(...events, succeeded('a')))).toEqual({ ...none, ...once, sent: 1, succeeded: 1 })
  })

  test('in the same run is a second one with the same key', () => {
    const ledger = ledgerOf(begun(2), priced('a'), outcome('a', 'failed'), priced('a'), succeeded('a'))
    expect({ ...countsOf(ledger), attempted: ledger.attempted.toFixed(2) }).toEqual({
      ...none,
      sent: 1,
      rejected: 1,
      succeeded: 1,
      failed: 1,
      known: 2,
      attempted: '3.00',
    })
  })

  test('as resumed is another try for the unknown one, and otherwise another record', () => {
    const before = [begun(2), sent('a'), outcome('a', 'unknown'), begun(2)]
    const unknown = { ...none, unknown: 1, failed: 1 }
    const resumed = [...before, sent('a', { resumed: true })]
    expect(countsOf(ledgerOf(...resumed))).toEqual({ ...unknown, inFlight: 1, known: 1 })
    expect(countsOf(ledgerOf(...resumed, succeeded('a')))).toEqual({ ...none, sent: 1, succeeded: 1, known: 1 })
    expect(countsOf(ledgerOf(...before, sent('a')))).toEqual({ ...unknown, inFlight: 1, known: 2 })
  })

  test('while it is in flight leaves the first one unknown', () => {
    const ledger = ledgerOf(begun(2), sent('a', { line: 3 }), sent('a', { line: 4 }))
    expect(countsOf(ledger)).toEqual({ ...none, unknown: 1, failed: 1, inFlight: 1, known: 2 })
    expect(ledger.failures()).toMatchObject([{ lines: [3], installation: 'icfg_1' }])
  })
})

describe('an outcome without a request in flight', () => {
  test('is that of a look-up, for a record whose outcome was unknown', () => {
    const before = [begun(1), sent('a'), outcome('a', 'unknown'), begun(1)]
    expect(countsOf(ledgerOf(...before, succeeded('a')))).toEqual({ ...none, sent: 1, succeeded: 1, known: 1 })
    expect(countsOf(ledgerOf(...before, outcome('a', 'failed')))).toEqual({ ...none, rejected: 1, failed: 1, known: 1 })
  })

  test('of another record counts as none', () => {
    expect(countsOf(ledgerOf(begun(1), succeeded('a')))).toEqual(none)
    const ledger = ledgerOf(begun(1), sent('a'), outcome('a', 'failed'), succeeded('a'))
    expect(countsOf(ledger)).toEqual({ ...none, rejected: 1, failed: 1, known: 1 })
  })
})

describe('the money', () => {
  test('of a test is counted apart, also if only its sent line says so', () => {
    const events = [begun(3), priced('a', { test: true }), succeeded('a', { amount: '1.50', test: true })]
    const earlier = [priced('b', { test: true }), succeeded('b')]
    const ledger = ledgerOf(...events, ...earlier, priced('c'), succeeded('c'))
    expect([ledger.tests.count, ledger.tests.amount.toFixed(2)]).toEqual([2, '3.00'])
    expect([ledger.billed.toFixed(2), ledger.attempted.toFixed(2)]).toEqual(['1.50', '1.50'])
  })

  test('of an invoice that was there before is not of this batch, unless an attempt of it had arrived', () => {
    const duplicate = (change = {}) => succeeded('a', { status: 'duplicate', amount: '1.50', ...change })
    expect(ledgerOf(begun(1), priced('a'), duplicate()).billed.toFixed(2)).toBe('0.00')
    const ledger = ledgerOf(begun(1), priced('a'), duplicate({ arrivedEarlier: true }))
    expect([ledger.billed.toFixed(2), ledger.sent]).toEqual(['1.50', 1])
  })

  test.each(['1', '-1.5', '1'.repeat(60), `0.${'1'.repeat(60)}`])('can be %s', (amount) => {
    expect(ledgerOf(begun(1), sent('a', { amount })).attempted.eq(amount)).toBe(true)
  })

  test.each(['1'.repeat(61), `0.${'1'.repeat(61)}`, 'x1', '1x', '1.', ''])(
    'cannot be %j, and the line is named',
    (amount) => {
      expect(() => ledgerOf(begun(1), sent('a', { amount, line: 7 }))).toThrow(
        /^has an amount that is not a decimal, of the record of line 7: /,
      )
    },
  )
})

test('the first ten lines of records that are gone are kept, in ascending order', () => {
  const lines = [12, 3, 9, 1, 11, 5, 7, 2, 10, 4, 8, 6, 13]
  const events = lines.flatMap((line) => [sent(`r${line}`, { line }), outcome(`r${line}`, 'gone', { line })])
  const ledger = ledgerOf(begun(13), ...events)
  expect(ledger.goneLines).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(ledger.gone).toBe(13)
  expect(ledgerOf(begun(1)).goneLines).toEqual([])
})

test('what is done is told once, and what is open can be listed', () => {
  const done: string[] = []
  const ledger = new Ledger((key, { event }) => done.push(`${key.split('\n')[0]} ${event}`))
  const events = [
    begun(4),
    ...['a', 'b', 'c', 'd'].map((id, index) => sent(id, { line: index + 1 })),
    succeeded('a'),
    outcome('b', 'gone', { line: 2 }),
    outcome('c', 'failed', { line: 3 }),
  ]
  for (const event of events) ledger.apply(event)
  ledger.end()
  expect(done).toEqual(['a succeeded', 'b gone'])
  const open = [...ledger.openRecords()].map(({ event, line, count }) => ({ event, line, count }))
  expect(open.sort((one, other) => one.line - other.line)).toEqual([
    { event: 'failed', line: 3, count: 1 },
    { event: 'unknown', line: 4, count: 1 },
  ])
})
