import Big from 'big.js'
import { expect, test } from 'vitest'
import { AttentionList } from '../../../src/batch/tracking/attention-list.ts'
import { InvoiceTally } from '../../../src/batch/tracking/invoice-tally.ts'
import type { TrackedInvoice } from '../../../src/batch/tracking/tracked-invoice.ts'
import { describeTally, groupedAmount, trackingReport } from '../../../src/batch/tracking/tracking-report.ts'
import { Failure } from '../../../src/failure.ts'
import { rowOf } from './rows.ts'

const now = new Date('2025-03-31T12:00:00Z')

function tallyOf(...rows: readonly Partial<TrackedInvoice>[]): InvoiceTally {
  const tally = new InvoiceTally()
  for (const row of rows) tally.add(rowOf(row))
  return tally
}

function reportOf(tally: InvoiceTally, change: { hasAnswers?: boolean; failure?: Failure } = {}) {
  const attention = new AttentionList()
  const found = { tally, attention, now, hasAnswers: true, failure: undefined, ...change }
  return trackingReport({ ...found, journals: 2, withoutInvoice: 3, warnings: [] })
}

test('a report has what was read in the journals and found at Vercel', () => {
  const tally = tallyOf(
    { status: 'paid', amount: '10.00' },
    { status: 'paid', amount: '20.50' },
    { status: 'overdue', amount: '5.00' },
    { status: 'notpaid', amount: '6.00' },
    { status: 'unreadable', amount: '7.00' },
    { status: 'unknown', amount: '0.25' },
    { status: 'not started', amount: '100.00' },
  )
  expect(reportOf(tally)).toEqual({
    journals: 2,
    withoutInvoice: 3,
    tally,
    attention: expect.any(AttentionList),
    now,
    status: 'attention',
    headline: '2 of 7 invoices paid',
    outputs: {
      total: '7',
      amount: '48.75',
      paid: '2',
      unpaid: '2',
      result:
        '{"paid":{"count":2,"amount":"30.50"},"notpaid":{"count":1,"amount":"6.00"},"overdue":{"count":1,"amount":"5.00"},"unknown":{"count":2,"amount":"7.25"}}',
    },
  })
})

test('a result without unknown invoices does not have them', () => {
  expect(reportOf(tallyOf({ status: 'paid', amount: '1' })).outputs.result).toBe('{"paid":{"count":1,"amount":"1.00"}}')
})

test.each([
  ['settled', { hasAnswers: true }],
  ['settled', { hasAnswers: false }],
  ['settled', { hasAnswers: true, failure: new Failure('state_found', 'found') }],
  ['failed', { hasAnswers: false, failure: new Failure('cancelled', 'cancelled') }],
])('the status is %s with %j', (status, change) => {
  expect(reportOf(tallyOf({ status: 'paid' }), change).status).toBe(status)
})

test.each([
  ['12345.5', '12,345.50'],
  ['0', '0.00'],
  ['-1234567.891', '-1,234,567.891'],
  ['-0.5', '-0.50'],
])('the amount %s is shown as %s', (amount, text) => {
  expect(groupedAmount(new Big(amount))).toBe(text)
})

test('a line for the log has the invoices by status, and says which are tests', () => {
  const tally = tallyOf(
    { status: 'paid', amount: '1000.00' },
    { status: 'paid', amount: '500.00', test: true },
    { status: 'overdue', amount: '5.00', test: true },
    { status: 'not started', amount: '1.00' },
  )
  expect(describeTally(tally)).toBe('2 paid (1,000.00), 1 overdue (test), 1 not asked (1.00)')
})

test('a line for the log says that there are no invoices', () => {
  expect(describeTally(new InvoiceTally())).toBe('no invoices')
})
