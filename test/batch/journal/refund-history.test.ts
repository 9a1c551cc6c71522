// Which refunds of an invoice can be told from each other, and which the batch has made itself.

import { describe, expect, test } from 'vitest'
import type { JournalEvent, OutcomeEvent, SentEvent } from '../../../src/batch/journal/journal-format.ts'
import { RefundHistory } from '../../../src/batch/journal/refund-history.ts'
import { begun, outcome, sent, succeeded } from '../journals.ts'
import { largestCollection } from '../largest-collection.ts'

const before = (refundTotal?: string) => ({ state: 'paid', ...(refundTotal !== undefined && { refundTotal }) })
const refund = (id: string, change: Partial<SentEvent> = {}) =>
  sent(id, { invoiceId: 'inv_1', amount: '5.00', before: before(), ...change })
const keyOf = (id: string) => `${id}\n${id}`

function historyOf(...events: JournalEvent[]): RefundHistory {
  const history = new RefundHistory()
  for (const event of events) history.apply(event)
  return history
}
const ambiguous = (history: RefundHistory, ...ids: string[]) => ids.filter((id) => history.isAmbiguous(keyOf(id)))
const invoice = { integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1' }

describe('an open refund', () => {
  test('alone is not ambiguous', () => {
    expect(ambiguous(historyOf(begun(1), refund('a')), 'a')).toEqual([])
    expect(ambiguous(historyOf(), 'a')).toEqual([])
  })

  test('is ambiguous beside another one of the invoice', () => {
    expect(ambiguous(historyOf(refund('a'), refund('b')), 'a', 'b')).toEqual(['a', 'b'])
  })

  test('is not ambiguous beside one of another invoice or installation', () => {
    const history = historyOf(refund('a'), refund('b', { invoiceId: 'inv_2' }), refund('c', { installation: 'icfg_2' }))
    expect(ambiguous(history, 'a', 'b', 'c')).toEqual([])
  })

  test('is ambiguous beside one whose invoice the journal does not name', () => {
    const history = historyOf(refund('a', { invoiceId: undefined } as object), refund('b'))
    expect(ambiguous(history, 'a', 'b')).toEqual(['a', 'b'])
  })

  test('is ambiguous beside one whose invoice has an empty name', () => {
    expect(ambiguous(historyOf(refund('a', { invoiceId: '' }), refund('b')), 'a', 'b')).toEqual(['a', 'b'])
  })

  test('whose invoice is named only when it is sent again is not ambiguous beside one of another invoice', () => {
    const old = refund('a', { invoiceId: undefined } as object)
    const history = historyOf(old, refund('a'), refund('b', { invoiceId: 'inv_2' }))
    expect(ambiguous(history, 'a', 'b')).toEqual(['a'])
  })

  test('stays as it is when another record ends that is no open refund', () => {
    const history = historyOf(refund('a'), succeeded('x'), outcome('y', 'failed'), refund('b'))
    expect(ambiguous(history, 'a', 'b')).toEqual(['a', 'b'])
  })

  test('that was sent twice under one key cannot be told from itself', () => {
    expect(ambiguous(historyOf(refund('a'), refund('a')), 'a')).toEqual(['a'])
    expect(ambiguous(historyOf(refund('a'), refund('a'), refund('b')), 'a', 'b')).toEqual(['a', 'b'])
  })

  test.each<[event: OutcomeEvent['event'] | 'not_sent', change: Partial<OutcomeEvent>, isAmbiguous: boolean]>([
    ['failed', {}, false],
    ['gone', {}, false],
    ['not_sent', {}, false],
    ['succeeded', { status: 'duplicate' }, false],
    ['succeeded', { status: 'accepted' }, true],
    ['unknown', {}, true],
  ])('is told from another one that ended as %s %j', (event, change, isAmbiguous) => {
    const ended = { ...outcome('b', 'failed', change), event } as JournalEvent
    expect(ambiguous(historyOf(refund('a'), refund('b'), ended), 'a')).toEqual(isAmbiguous ? ['a'] : [])
  })

  test('that a reading shows to have arrived is no reason for doubt about the later one', () => {
    const history = historyOf(refund('a', { before: before('2.00') }), refund('b', { before: before('7.00') }))
    expect(ambiguous(history, 'a', 'b')).toEqual(['a'])
    expect(history.readingAfter(keyOf('a'))).toEqual(before('7.00'))
    expect(history.readingAfter(keyOf('b'))).toBeUndefined()
    expect(history.readingAfter(keyOf('c'))).toBeUndefined()
    history.apply(succeeded('a'))
    expect(ambiguous(history, 'b')).toEqual([])
  })

  test.each<[what: string, first: Partial<SentEvent>, second: Partial<SentEvent>]>([
    ['by less', { before: before('2.00') }, { before: before('6.99') }],
    ['by more', { before: before('2.00') }, { before: before('7.01') }],
    [
      'by an amount that is not known',
      { before: before('2.00'), amount: undefined } as object,
      { before: before('7.00') },
    ],
    ['to what is not known', { before: before('2.00') }, { before: before() }],
    ['from what is not a decimal', { before: before('x') }, { before: before('5.00') }],
  ])('is a reason for doubt if the invoice has grown %s', (_, first, second) => {
    expect(ambiguous(historyOf(refund('a', first), refund('b', second)), 'b')).toEqual(['b'])
  })

  test('of an invoice without earlier refunds has arrived if the sum is its amount', () => {
    expect(ambiguous(historyOf(refund('a'), refund('b', { before: before('5.00') })), 'b')).toEqual([])
  })

  test('keeps the first reading after it, because the next one may show another refund', () => {
    const history = historyOf(
      refund('a'),
      refund('b', { before: before('5.00') }),
      refund('c', { before: before('9.00') }),
    )
    expect(history.readingAfter(keyOf('a'))).toEqual(before('5.00'))
    expect(history.readingAfter(keyOf('b'))).toEqual(before('9.00'))
  })

  test('gets the last reading that no other refund can have changed', () => {
    const history = historyOf(
      refund('a'),
      refund('b', { before: before('1.00') }),
      outcome('b', 'failed'),
      refund('c', { before: before('5.00') }),
    )
    expect(history.readingAfter(keyOf('a'))).toEqual(before('5.00'))
  })

  test('is forgotten once its outcome is known', () => {
    const history = historyOf(refund('a'), refund('b'), outcome('b', 'failed'), succeeded('a'), refund('c'))
    expect(ambiguous(history, 'a', 'b', 'c')).toEqual([])
    expect(ambiguous(historyOf(refund('a'), outcome('a', 'unknown'), refund('b')), 'a', 'b')).toEqual(['a', 'b'])
  })

  test('of an earlier version is not ambiguous if its own outcome is unknown', () => {
    const old = refund('a', { before: undefined } as object)
    expect(ambiguous(historyOf(old, outcome('a', 'unknown')), 'a')).toEqual([])
    expect(ambiguous(historyOf(old, refund('b')), 'a', 'b')).toEqual(['a', 'b'])
  })

  test('is ambiguous after one of an earlier version, which says nothing of the invoice before', () => {
    const old = refund('b', { before: undefined } as object)
    expect(ambiguous(historyOf(refund('a'), old), 'a')).toEqual([])
    expect(ambiguous(historyOf(refund('a'), old, succeeded('b')), 'a')).toEqual(['a'])
    expect(ambiguous(historyOf(refund('a'), old, outcome('b', 'failed')), 'a')).toEqual([])
    expect(ambiguous(historyOf(refund('a'), refund('b'), outcome('b', 'failed'), old), 'a')).toEqual([])
  })
})

test('a line that is not about a refund counts as none', () => {
  const history = historyOf(sent('a', { amount: '5.00' }), sent('b', { amount: '5.00' }), succeeded('a'))
  expect(ambiguous(history, 'a', 'b')).toEqual([])
  expect(history.madeBefore({ integrationConfigurationId: 'icfg_1' })).toBeUndefined()
})

describe('the refunds of an invoice that the batch has made', () => {
  test('are added up, with what the invoice showed before the first', () => {
    const history = historyOf(
      refund('a', { before: before('1.00') }),
      succeeded('a'),
      refund('b', { before: before('6.00'), amount: '0.10' }),
      succeeded('b'),
    )
    expect(history.madeBefore(invoice)).toEqual({ before: before('1.00'), total: '5.1' })
    expect(history.madeBefore({ ...invoice, invoiceId: 'inv_2' })).toBeUndefined()
    expect(history.madeBefore({ ...invoice, integrationConfigurationId: 'icfg_2' })).toBeUndefined()
  })

  test.each<[what: string, change: Partial<SentEvent>, end: JournalEvent]>([
    ['that failed', {}, outcome('a', 'failed')],
    ['that is unknown', {}, outcome('a', 'unknown')],
    ['that was there before', {}, succeeded('a', { status: 'duplicate' })],
    ['of an unknown invoice', { invoiceId: undefined } as object, succeeded('a')],
    ['of an invoice that was not read', { before: undefined } as object, succeeded('a')],
    ['of an unknown amount', { amount: undefined } as object, succeeded('a')],
    ['of an amount that is not a decimal', { amount: '1e3' }, succeeded('a')],
    ['of a negative amount', { amount: '-5.00' }, succeeded('a')],
  ])('do not include one %s', (_, change, end) => {
    const history = historyOf(refund('a', change), end)
    expect(history.madeBefore(invoice)).toBeUndefined()
    expect(history.madeBefore({ integrationConfigurationId: 'icfg_1' })).toBeUndefined()
  })

  test('are kept of those invoices only that the batch refunds several times', () => {
    const asked: unknown[] = []
    const history = new RefundHistory((name) => {
      asked.push(name)
      return name.invoiceId === 'inv_2'
    })
    for (const event of [refund('a'), succeeded('a'), refund('b', { invoiceId: 'inv_2' }), succeeded('b')]) {
      history.apply(event)
    }
    expect(asked).toEqual([
      { installation: 'icfg_1', invoiceId: 'inv_1' },
      { installation: 'icfg_1', invoiceId: 'inv_2' },
    ])
    expect(history.madeBefore(invoice)).toBeUndefined()
    expect(history.madeBefore({ ...invoice, invoiceId: 'inv_2' })).toEqual({ before: before(), total: '5' })
  })
})

describe('the refunds of an invoice that it showed already', () => {
  const found = (id: string) => succeeded(id, { status: 'duplicate' })

  test('are added up', () => {
    const history = historyOf(refund('a'), found('a'), refund('b', { amount: '0.10' }), found('b'))
    expect(history.foundBefore(invoice)).toBe('5.1')
    expect(history.foundBefore({ ...invoice, invoiceId: 'inv_2' })).toBeUndefined()
    expect(history.foundBefore({ ...invoice, integrationConfigurationId: 'icfg_2' })).toBeUndefined()
  })

  test.each<[what: string, change: Partial<SentEvent>]>([
    ['of an unknown invoice', { invoiceId: undefined } as object],
    ['of an unknown amount', { amount: undefined } as object],
    ['of an amount that is not a decimal', { amount: '1e3' }],
  ])('do not include one %s', (_, change) => {
    const history = historyOf(refund('a', change), found('a'))
    expect(history.foundBefore(invoice)).toBeUndefined()
    expect(history.foundBefore({ integrationConfigurationId: 'icfg_1' })).toBeUndefined()
  })

  test('are kept of those invoices only that the batch refunds several times', () => {
    const history = new RefundHistory(({ invoiceId }) => invoiceId === 'inv_2')
    for (const event of [refund('a'), found('a'), refund('b', { invoiceId: 'inv_2' }), found('b')]) history.apply(event)
    expect(history.foundBefore(invoice)).toBeUndefined()
    expect(history.foundBefore({ ...invoice, invoiceId: 'inv_2' })).toBe('5')
  })
})

test('nothing is kept of an invoice once its refunds are done', () => {
  const history = new RefundHistory(() => false)
  const refundTenInvoices = () => {
    for (let index = 0; index < 10; index++) {
      history.apply(refund('a', { invoiceId: `inv_${index}` }))
      history.apply(succeeded('a'))
    }
  }
  expect(largestCollection(refundTenInvoices)).toBeLessThan(10)
})
