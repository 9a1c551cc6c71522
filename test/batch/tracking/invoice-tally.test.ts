import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InvoiceTally, trackingStatus } from '../../../src/batch/tracking/invoice-tally.ts'
import { invoiceStates } from '../../../src/operations/invoice-state.ts'
import { rowOf } from './rows.ts'

const statuses = [...invoiceStates, 'unknown', 'unreadable', 'not started', 'new_state']
/** In hundredths, exact as a bigint. */
const cents = fc.bigInt({ min: 0n, max: 10n ** 30n })
const decimal = (amount: bigint) => `${amount / 100n}.${String(amount % 100n).padStart(2, '0')}`
const entries = fc.array(fc.record({ status: fc.constantFrom(...statuses), cents, isTest: fc.boolean() }))

const rowFor = ({ status, cents, isTest }: { status: string; cents: bigint; isTest: boolean }) =>
  rowOf({ status, amount: decimal(cents), ...(isTest && { test: true as const }) })

test('the sums are exact, whatever was added and taken back', () => {
  const property = fc.property(entries, entries, (kept, removed) => {
    const tally = new InvoiceTally()
    for (const entry of [...removed, ...kept]) tally.add(rowFor(entry))
    for (const entry of removed) tally.remove(rowFor(entry))
    for (const status of statuses) {
      const own = kept.filter((entry) => entry.status === status)
      const sum = (isTest: boolean) =>
        decimal(own.filter((entry) => entry.isTest === isTest).reduce((total, { cents }) => total + cents, 0n))
      const { count, amount, tests, testAmount } = tally.get(status)
      expect([count, tests]).toEqual([own.length, own.filter(({ isTest }) => isTest).length])
      expect([amount.toFixed(2), testAmount.toFixed(2)]).toEqual([sum(false), sum(true)])
    }
    expect(tally.total.count).toBe(kept.length)
    expect([...tally.statuses].sort()).toEqual([...new Set(kept.map(({ status }) => status))].sort())
  })
  fc.assert(property)
})

test('the statuses are paid, then in the order of the life of an invoice', () => {
  const tally = new InvoiceTally()
  for (const status of ['not started', 'unknown', 'new_state', 'paid', 'pending', 'unreadable'])
    tally.add(rowOf({ status }))
  expect(tally.statuses).toEqual(['paid', 'pending', 'new_state', 'not started', 'unreadable', 'unknown'])
})

test('the status follows from the worst invoice', () => {
  const property = fc.property(fc.array(fc.constantFrom(...statuses)), (all) => {
    const tally = new InvoiceTally()
    for (const status of all) tally.add(rowOf({ status }))
    const needsAttention = all.some((status) => ['notpaid', 'overdue', 'unknown', 'unreadable'].includes(status))
    const isSettled = all.every((status) => ['paid', 'refunded'].includes(status))
    expect(trackingStatus(tally)).toBe(needsAttention ? 'attention' : isSettled ? 'settled' : 'open')
  })
  fc.assert(property)
})
