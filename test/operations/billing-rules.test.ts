// The rules at their limits; billing.test.ts has whole payloads.

import { expect, test } from 'vitest'
import { checkBillingData, checkInvoice, checkRefund } from '../../src/operations/billing-rules.ts'
import type { RuleReporter } from '../../src/operations/definition.ts'

const now = new Date('2025-03-15T00:00:00Z')

function reportsOf(check: (reporter: RuleReporter) => void) {
  const reports: string[] = []
  const add = (kind: string) => (path: readonly (string | number)[], message: string) =>
    void reports.push(`${kind} ${path.join('.')} ${message}`)
  check({ error: add('error'), warn: add('warning'), now })
  return reports
}

const item = { billingPlanId: 'pro', name: 'x', price: '1.00', quantity: 1, units: 'GB', total: '1.00' }
const later = new Date('2025-03-16T00:00:00Z')

test.each([
  ['0', ['warning total is 0, so nothing is refunded']],
  ['0.00', ['warning total is 0.00, so nothing is refunded']],
  ['0.01', []],
])('a refund of %s', (total, reports) => {
  expect(reportsOf((reporter) => checkRefund({ total }, reporter))).toEqual(reports)
})

test('a period may be a moment, and a time outside it is refused', () => {
  const period = { start: now, end: now }
  const check = (invoiceDate: Date) =>
    reportsOf((reporter) => checkInvoice({ invoiceDate, period, items: [item] }, reporter))
  expect(check(now)).toEqual([])
  expect(check(later)).toEqual([
    'error invoiceDate 2025-03-16T00:00:00.000Z is outside the period, 2025-03-15T00:00:00.000Z to 2025-03-15T00:00:00.000Z',
  ])
})

test.each([
  ['', ['error externalId is empty; set it, or remove the field: then it is derived from the invoice']],
  [' \n', ['error externalId is empty; set it, or remove the field: then it is derived from the invoice']],
  ['0', []],
  [undefined, []],
])('an invoice with the externalId %j', (externalId, reports) => {
  const invoice = { externalId, invoiceDate: now, period: { start: now, end: now }, items: [item] }
  expect(reportsOf((reporter) => checkInvoice(invoice, reporter))).toEqual(reports)
})

test('billing data with a period that ends before it starts is refused once', () => {
  const data = { eod: now, period: { start: later, end: now }, billing: [item] }
  expect(reportsOf((reporter) => checkBillingData(data, reporter))).toEqual([
    "error period.end is before the period's start: 2025-03-15T00:00:00.000Z < 2025-03-16T00:00:00.000Z",
  ])
})

test.each<[span: { start?: string; end?: string }, reports: string[]]>([
  [{ start: '2025-03-15', end: '2025-03-15' }, []],
  [{ start: '2025-03-15' }, []],
  [{ end: '2025-03-15' }, []],
  [{ start: '2025-03-15', end: '2025-03-14' }, ['warning items.0.end is before its start']],
])('an item of the span %j', (span, reports) => {
  const items = [
    {
      ...item,
      ...(span.start && { start: new Date(span.start) }),
      ...(span.end && { end: new Date(span.end) }),
    },
  ]
  const invoice = { invoiceDate: now, period: { start: now, end: now }, items }
  expect(reportsOf((reporter) => checkInvoice(invoice as never, reporter))).toEqual(reports)
})
