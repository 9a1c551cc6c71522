// Counts and sums the tracked invoices by status.

import Big from 'big.js'
import { invoiceStates } from '../../operations/invoice-state.ts'
import type { TrackedInvoice } from './tracked-invoice.ts'
import { unpaidStates, untoldStatuses } from './tracked-invoice.ts'

/** The invoices with one status. */
export interface StatusCount {
  readonly count: number
  /** The sum of the invoices that bill somebody. */
  readonly amount: Big
  /** How many of them are test invoices. */
  readonly tests: number
  /** The sum of the test invoices. */
  readonly testAmount: Big
}

const noInvoices: StatusCount = { count: 0, amount: new Big(0), tests: 0, testAmount: new Big(0) }

/** The invoices by status. Money is counted exactly, and test invoices apart, because they bill nobody. */
export class InvoiceTally {
  readonly #statuses = new Map<string, StatusCount>()

  add(row: TrackedInvoice): void {
    this.#change(row, 1)
  }

  /** Takes back what `add` counted for the same row. */
  remove(row: TrackedInvoice): void {
    this.#change(row, -1)
  }

  get(status: string): StatusCount {
    return this.#statuses.get(status) ?? noInvoices
  }

  countOf(statuses: readonly string[]): number {
    return statuses.reduce((sum, status) => sum + this.get(status).count, 0)
  }

  /** The statuses that an invoice has: `paid`, the other states in the order of an invoice's life, then `untoldStatuses`. */
  get statuses(): readonly string[] {
    const present = [...this.#statuses].filter(([, { count }]) => count > 0).map(([status]) => status)
    const order = (status: string) => {
      const untold = (untoldStatuses as readonly string[]).indexOf(status)
      if (untold >= 0) return knownStates.length + 1 + untold
      const known = knownStates.indexOf(status)
      return known < 0 ? knownStates.length : known
    }
    return present.sort((one, other) => order(one) - order(other))
  }

  /** All invoices together. */
  get total(): StatusCount {
    return [...this.#statuses.values()].reduce((sum, status) => plus(sum, status, 1), noInvoices)
  }

  #change(row: TrackedInvoice, sign: 1 | -1): void {
    const amount = new Big(row.amount ?? 0)
    const one = row.test
      ? { count: 1, amount: noInvoices.amount, tests: 1, testAmount: amount }
      : { count: 1, amount, tests: 0, testAmount: noInvoices.amount }
    this.#statuses.set(row.status, plus(this.get(row.status), one, sign))
  }
}

/** Statuses that are not in the list come before `untoldStatuses`. */
const knownStates: readonly string[] = ['paid', ...invoiceStates.filter((state) => state !== 'paid')]

const plus = (sum: StatusCount, other: StatusCount, sign: 1 | -1): StatusCount => ({
  count: sum.count + sign * other.count,
  amount: sum.amount.plus(other.amount.times(sign)),
  tests: sum.tests + sign * other.tests,
  testAmount: sum.testAmount.plus(other.testAmount.times(sign)),
})

/** The states that end an invoice's life. */
const settledStates = ['paid', 'refunded']

/**
 * The output `status` of tracked invoices:
 * - `settled`: all are paid or refunded
 * - `attention`: some are not paid, could not be read, or have no id
 * - `open`: anything else
 */
export function trackingStatus(tally: InvoiceTally): 'settled' | 'attention' | 'open' {
  if (tally.countOf([...unpaidStates, 'unknown', 'unreadable']) > 0) return 'attention'
  return tally.countOf(settledStates) === tally.total.count ? 'settled' : 'open'
}
