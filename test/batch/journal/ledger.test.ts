// What a journal says about its batch. Every case is also what mergeJournals and a resumed run report, which share it.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JournalEvent } from '../../../src/batch/journal/journal-format.ts'
import { Ledger } from '../../../src/batch/journal/ledger.ts'
import { begun, notSent, outcome, sent, succeeded } from '../journals.ts'

function ledgerOf(...events: JournalEvent[]): Ledger {
  const ledger = new Ledger()
  for (const event of events) ledger.apply(event)
  ledger.end()
  return ledger
}

const moneyOf = ({ billed, attempted, tests }: Ledger) => ({
  billed: billed.toFixed(),
  attempted: attempted.toFixed(),
  tests: `${tests.count}: ${tests.amount.toFixed()}`,
})
const amount = '10.10'
const ours = { status: 'duplicate', arrivedEarlier: true } as const

describe('money counts once, where it was billed', () => {
  test.each<[what: string, events: JournalEvent[], expected: object]>([
    ['an accepted invoice', [sent('a', { amount }), succeeded('a', { amount })], { billed: '10.1', sent: 1 }],
    [
      'an invoice that a lost response had submitted, and a repeat found',
      [sent('a', { amount }), succeeded('a', { amount, ...ours })],
      { billed: '10.1', sent: 1, alreadyThere: 0 },
    ],
    [
      'such an invoice of an earlier run',
      [
        begun(1),
        sent('a', { amount }),
        outcome('a', 'unknown'),
        begun(1),
        sent('a', { amount, resumed: true }),
        succeeded('a', { amount, ...ours }),
      ],
      { billed: '10.1', attempted: '10.1', sent: 1, unknown: 0 },
    ],
    [
      'not an invoice that was there before the batch',
      [sent('a', { amount }), succeeded('a', { amount, status: 'duplicate' })],
      { billed: '0', attempted: '10.1', sent: 0, alreadyThere: 1 },
    ],
    [
      'not a test invoice, which is counted apart',
      [sent('a', { amount, test: true }), succeeded('a', { amount, test: true })],
      { billed: '0', attempted: '0', tests: '1: 10.1', sent: 1 },
    ],
    [
      'not a record that failed or is unknown',
      [
        sent('a', { amount }),
        outcome('a', 'failed'),
        sent('b', { amount }),
        outcome('b', 'unknown'),
        sent('c', { amount }),
      ],
      { billed: '0', attempted: '30.3', rejected: 1, unknown: 2 },
    ],
    [
      'a record that failed first, once',
      [
        begun(1),
        sent('a', { amount }),
        outcome('a', 'failed'),
        begun(1),
        sent('a', { amount }),
        succeeded('a', { amount }),
      ],
      { billed: '10.1', attempted: '10.1', rejected: 0, sent: 1 },
    ],
    [
      'a record that failed first, and was not sent again',
      [
        begun(1),
        sent('a', { amount }),
        outcome('a', 'failed'),
        begun(1),
        sent('a', { amount }),
        notSent('a'),
        sent('a', { amount }),
        notSent('a'),
      ],
      { attempted: '10.1', rejected: 1 },
    ],
    [
      'a refund that a look-up of a later run found',
      [begun(1), sent('a', { amount }), begun(1), succeeded('a', { amount })],
      { billed: '10.1', attempted: '10.1', sent: 1, unknown: 0 },
    ],
    [
      'a journal of an earlier version, which has the amount in the sent line only',
      [sent('a', { amount }), succeeded('a'), sent('b'), succeeded('b')],
      { billed: '10.1', sent: 2 },
    ],
    [
      'discounts larger than the items',
      [sent('a', { amount: '-1.5' }), succeeded('a', { amount: '-1.5' })],
      { billed: '-1.5' },
    ],
    [
      'exact decimals, not floating point',
      [sent('a'), succeeded('a', { amount: '0.1' }), sent('b'), succeeded('b', { amount: '0.2' })],
      { billed: '0.3' },
    ],
  ])('%s', (_, events, expected) => {
    const ledger = ledgerOf(...events)
    const { sent, alreadyThere, gone, rejected, unknown } = ledger
    expect({ sent, alreadyThere, gone, rejected, unknown, ...moneyOf(ledger) }).toMatchObject(expected)
  })

  test.each(['1e999999999', '1e9', 'NaN', '', '0x10', '1'.repeat(200), '-', '1.', 5, {}, null])(
    'an amount that is not a decimal (%s) is refused, and not added up',
    (hostile) => {
      const ledger = new Ledger()
      expect(() => ledger.apply(sent('a', { amount: hostile as string }))).toThrow('an amount that is not a decimal')
      expect(() => ledgerOf(sent('b'), succeeded('b', { amount: hostile as string }))).toThrow('not a decimal')
    },
  )
})

test('a record that is gone is counted apart, and is neither a success nor a failure', () => {
  const ledger = ledgerOf(sent('a', { amount }), outcome('a', 'gone'))
  expect(ledger).toMatchObject({ gone: 1, sent: 0, failed: 0, known: 1 })
  expect(moneyOf(ledger).billed).toBe('0')
})

describe('failures are grouped by their cause', () => {
  const forbidden = {
    code: 'forbidden',
    httpStatus: 403,
    message: 'Refused (request iad1::1)',
    hint: 'Store the token',
  }

  test('with their number and first lines; one that succeeds later leaves its group', () => {
    const failed = (line: number) => [
      sent(`r${line}`, { line }),
      outcome(`r${line}`, 'failed', { ...forbidden, line, message: `Refused (request iad1::${line})` }),
    ]
    const ledger = ledgerOf(
      begun(20),
      ...Array.from({ length: 9 }, (_, index) => failed(90 - index * 10)).flat(),
      sent('x', { line: 5 }),
      outcome('x', 'unknown', { line: 5, code: 'timeout', message: 'No response' }),
      begun(20),
      sent('r10', { line: 10 }),
      succeeded('r10', { line: 10 }),
    )
    expect(ledger.failures()).toEqual([
      {
        event: 'failed',
        code: 'forbidden',
        httpStatus: 403,
        message: 'Refused',
        hint: 'Store the token',
        count: 8,
        lines: [20, 30, 40],
        installation: undefined,
      },
      {
        event: 'unknown',
        code: 'timeout',
        httpStatus: undefined,
        message: 'No response',
        hint: '',
        count: 1,
        lines: [5],
        installation: 'icfg_1',
      },
    ])
    expect(ledger).toMatchObject({ sent: 1, rejected: 8, unknown: 1 })
  })

  test('and many different messages share a group, so that memory is limited', () => {
    const ledger = new Ledger()
    for (let line = 1; line <= 3000; line++) {
      const name = String.fromCharCode(
        ...String(line)
          .split('')
          .map((digit) => 97 + Number(digit)),
      )
      ledger.apply(sent(name, { line }))
      ledger.apply(outcome(name, 'failed', { line, httpStatus: 422, code: `code-${name}`, message: `Bad ${name}` }))
    }
    const groups = ledger.failures()
    expect(groups.length).toBeLessThan(800)
    expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(3000)
    expect(groups[0]).toMatchObject({
      code: '',
      lines: [701, 702, 703],
      message: expect.stringContaining('Various'),
    })
  })

  test.each([1, {}, null, ['x']])('a journal with a message or code of another type (%j) does no harm', (value) => {
    const hostile = { message: value, hint: value, code: value } as unknown as { message: string }
    expect(ledgerOf(sent('a'), outcome('a', 'failed', hostile)).failures()).toMatchObject([
      { code: '', message: 'It failed, and the journal does not say why' },
    ])
  })
})

/** A batch in which each record goes through attempts until one succeeds; every run but the last may be cut off. */
const history = fc.array(
  fc.array(fc.constantFrom('failed', 'unknown', 'none', 'gone', 'succeeded'), { minLength: 1, maxLength: 4 }),
  { minLength: 1, maxLength: 12 },
)

test('the counts are those of the last event of each record, for any course of runs', () => {
  fc.assert(
    fc.property(history, (records) => {
      const runs = Math.max(...records.map((attempts) => attempts.length))
      const last = new Map<number, string>()
      const events: JournalEvent[] = []
      for (let run = 0; run < runs; run++) {
        events.push(begun(records.length))
        for (const [index, attempts] of records.entries()) {
          const before = last.get(index)
          const end = attempts[run]
          if (end === undefined || before === 'succeeded' || before === 'gone') continue
          const isResumed = before === 'unknown' || before === 'none'
          events.push(sent(`r${index}`, { amount: '1', ...(isResumed && { resumed: true }) }))
          if (end !== 'none') events.push(outcome(`r${index}`, end as 'failed', { amount: '1' }))
          last.set(index, end)
        }
      }
      const ledger = ledgerOf(...events)
      const count = (...ends: string[]) => [...last.values()].filter((end) => ends.includes(end)).length
      expect({ ...ledger, billed: ledger.billed.toFixed(), attempted: ledger.attempted.toFixed() }).toMatchObject({
        sent: count('succeeded'),
        gone: count('gone'),
        rejected: count('failed'),
        unknown: count('unknown', 'none'),
        billed: String(count('succeeded')),
        attempted: String(last.size),
      })
      expect(ledger.failures().reduce((sum, group) => sum + group.count, 0)).toBe(ledger.failed)
    }),
  )
})
