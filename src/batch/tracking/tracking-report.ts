// What is known of tracked invoices at the end of a step: for the outputs, the log and the summary.

import type Big from 'big.js'
import { countOf, formatCount, groups } from '../../format.ts'
import { formatMoney } from '../../operations/money.ts'
import type { FoundInvoices } from './ask-invoices.ts'
import type { AttentionList } from './attention-list.ts'
import { type InvoiceTally, type StatusCount, trackingStatus } from './invoice-tally.ts'
import type { JournalsRead } from './read-journals.ts'
import { unpaidStates } from './tracked-invoice.ts'

/** How far the tracking got. */
export interface TrackingReport {
  /** The output `status`. */
  readonly status: string
  /** The other outputs. */
  readonly outputs: Readonly<Record<'total' | 'amount' | 'paid' | 'unpaid' | 'result', string>> & {
    /** The path of the table of `report-file`. */
    readonly reportFile?: string
  }
  /** The result in a line. */
  readonly headline: string
  readonly tally: InvoiceTally
  readonly attention: AttentionList
  /** How many journals were read. */
  readonly journals: number
  /** How many records of the journals have no invoice. */
  readonly withoutInvoice: number
  readonly now: Date
}

/** Builds the report of what was read in journals and found at Vercel. */
export function trackingReport(found: FoundInvoices & JournalsRead): TrackingReport {
  const { journals, withoutInvoice, attention, now, failure, hasAnswers } = found
  const { tally } = found
  const paid = tally.get('paid').count
  const { count } = tally.total
  return {
    journals,
    withoutInvoice,
    tally,
    attention,
    now,
    status: failure && !hasAnswers ? 'failed' : trackingStatus(tally),
    outputs: trackingOutputs(tally),
    headline: `${formatCount(paid)} of ${countOf(count, 'invoice')} paid`,
  }
}

/** Unreadable invoices count as `unknown`, and those that were not asked for are left out of `result`. */
function trackingOutputs(tally: InvoiceTally): TrackingReport['outputs'] {
  const { count, amount } = tally.total
  const told = tally.statuses.filter((status) => !['not started', 'unreadable', 'unknown'].includes(status))
  const [unknown, unreadable] = [tally.get('unknown'), tally.get('unreadable')]
  const result = Object.fromEntries(
    told.map((status) => {
      const { count, amount } = tally.get(status)
      return [status, { count, amount: formatMoney(amount) }]
    }),
  )
  const untold = unknown.count + unreadable.count
  return {
    total: String(count),
    amount: formatMoney(amount.minus(tally.get('not started').amount)),
    paid: String(tally.get('paid').count),
    unpaid: String(tally.countOf(unpaidStates)),
    result: JSON.stringify({
      ...result,
      ...(untold > 0 && {
        unknown: { count: untold, amount: formatMoney(unknown.amount.plus(unreadable.amount)) },
      }),
    }),
  }
}

/** `12,345.50` */
export const groupedAmount = (amount: Big): string => formatMoney(amount).replace(/\d+/, groups)

/** `3 paid (75.00), 1 overdue (25.00)` */
export const describeTally = (tally: InvoiceTally): string =>
  tally.statuses.map((status) => describeStatus(status, tally.get(status))).join(', ') || 'no invoices'

function describeStatus(status: string, { count, amount, tests }: StatusCount): string {
  const name = status === 'not started' ? 'not asked' : status
  return tests === count
    ? `${formatCount(count)} ${name} (test)`
    : `${formatCount(count)} ${name} (${groupedAmount(amount)})`
}
