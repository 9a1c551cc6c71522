// The job summary of tracked invoices: count and amount by state, and the invoices that need attention.

import Big from 'big.js'
import type { InvoiceTally } from '../../batch/tracking/invoice-tally.ts'
import { ageInDays, type TrackedInvoice } from '../../batch/tracking/tracked-invoice.ts'
import { groupedAmount, type TrackingReport } from '../../batch/tracking/tracking-report.ts'
import { countOf, formatCount } from '../../format.ts'
import { daysToPay } from '../../operations/invoice-state.ts'
import { codeTag, type Html, type HtmlContent, html, prose, sandboxBanner, table, warningList } from './html.ts'

export interface TrackingSummary extends TrackingReport {
  readonly sandbox: boolean
  readonly failure: string | undefined
  readonly warnings: readonly string[]
}

/** Symbol and name of each status. Other states are shown as Vercel names them. */
const statusLabels: Readonly<Record<string, readonly [symbol: string, name: string]>> = {
  draft: ['🕓', 'draft'],
  pending: ['🕓', 'pending (open)'],
  scheduled: ['🕓', 'scheduled (open)'],
  invoiced: ['🕓', 'invoiced (open)'],
  paid: ['✅', 'paid'],
  notpaid: ['⚠️', 'not paid'],
  overdue: ['❌', 'overdue'],
  refund_requested: ['↩️', 'refund requested'],
  refunded: ['↩️', 'refunded'],
  'not started': ['⏸️', 'not asked for'],
  unreadable: ['❓', 'could not be read'],
  unknown: ['❓', 'without an invoice id'],
}

/**
 * The job summary of tracked invoices.
 *
 * @returns HTML
 */
export function renderTracking(summary: TrackingSummary): string {
  const { status, failure, sandbox, tally, journals, withoutInvoice, warnings } = summary
  const others =
    withoutInvoice > 0 ? html` ${countOf(withoutInvoice, 'record')} of their batches without an invoice.` : undefined
  const page = html`
    <h3>🔎 trackInvoices: ${status}</h3>
    ${sandbox ? sandboxBanner : undefined}
    ${failure && html`<p>❌ ${prose(failure)}</p>`}
    <p><b>${countOf(tally.total.count, 'invoice')}</b> in ${countOf(journals, 'journal')}.${others}</p>
    ${statesTable(summary)}
    ${testNote(tally)}
    ${unpaidSection(summary)}
    ${refundedSection(summary)}
    ${unreadableSection(summary)}
    ${unknownSection(summary)}
    ${warningList(warnings)}`
  return `${page.markup}\n\n`
}

function statesTable({ tally, attention, now }: TrackingSummary): Html | undefined {
  if (tally.total.count === 0) return undefined
  const isRetried = attention.rows('unpaid').every((row) => row.status !== 'notpaid' || isWithinTerm(row, now))
  const rows = tally.statuses.map((status) => {
    const { count, amount } = tally.get(status)
    const [symbol, name] = statusLabels[status] ?? ['🕓', status]
    const label = status === 'notpaid' && isRetried ? `${name}, will be tried again` : name
    return [html`${symbol} ${label}`, formatCount(count), groupedAmount(amount)]
  })
  return table(['State', 'Invoices>', 'Amount>'], rows)
}

/** Whether Vercel still tries to collect the payment, as far as the invoice's date tells. */
const isWithinTerm = (row: TrackedInvoice, now: Date) => (ageInDays(row, now) ?? 0) < daysToPay

function testNote(tally: InvoiceTally): Html | undefined {
  const { count, tests, testAmount } = tally.total
  if (tests === 0) return undefined
  const which = tests === count ? 'All' : `${formatCount(tests)} of them`
  return html`<p>${which} are test invoices, which bill nobody: their ${groupedAmount(testAmount)} are not part of the amounts.</p>`
}

const idCell = ({ invoiceNumber, invoiceId }: TrackedInvoice): HtmlContent => [
  ...(invoiceNumber === undefined ? [] : [html`${invoiceNumber} `]),
  ...(invoiceId === undefined ? [] : [codeTag(invoiceId)]),
]

const amountCell = (amount: string | undefined): HtmlContent =>
  amount === undefined ? undefined : groupedAmount(new Big(amount))

const moreRows = (count: number, shown: number) =>
  count > shown ? html`<p>and ${formatCount(count - shown)} more</p>` : undefined

function unpaidSection({ tally, attention, now }: TrackingSummary): Html | undefined {
  const unpaid = attention.rows('unpaid')
  if (unpaid.length === 0) return undefined
  const rows = unpaid.map((row) => [
    codeTag(row.installation),
    idCell(row),
    amountCell(row.amount),
    ageCell(row, now),
    row.status,
    adviceOn(row, now),
  ])
  return html`<h4>Not paid, oldest first</h4>
    ${table(['Installation', 'Invoice', 'Amount>', 'Days>', 'State', 'What it means'], rows)}
    ${moreRows(tally.countOf(['notpaid', 'overdue']), unpaid.length)}`
}

function ageCell(row: TrackedInvoice, now: Date): HtmlContent {
  const age = ageInDays(row, now)
  return age === undefined ? undefined : formatCount(age)
}

function adviceOn(row: TrackedInvoice, now: Date): string {
  if (row.status === 'overdue') return `Not paid within ${daysToPay} days: contact the customer`
  return isWithinTerm(row, now)
    ? `A payment failed. Vercel tries again: payment is due ${daysToPay} days after the invoice date`
    : `A payment failed, and the ${daysToPay} days to pay are over: contact the customer`
}

function refundedSection({ tally, attention }: TrackingSummary): Html | undefined {
  const refunded = attention.rows('refunded')
  if (refunded.length === 0) return undefined
  const rows = refunded.map((row) => [
    codeTag(row.installation),
    idCell(row),
    amountCell(row.amount),
    amountCell(row.refunded),
  ])
  return html`<h4>Refunded</h4>
    ${table(['Installation', 'Invoice', 'Amount>', 'Refunded>'], rows)}
    ${moreRows(tally.get('refunded').count, refunded.length)}`
}

const reasonRows = (rows: readonly TrackedInvoice[]) =>
  rows.map((row) => [
    formatCount(row.line),
    codeTag(row.installation),
    row.invoiceId === undefined ? row.externalId && codeTag(row.externalId) : idCell(row),
    amountCell(row.amount),
    row.message === undefined ? undefined : prose(row.message),
  ])

function unreadableSection({ tally, attention }: TrackingSummary): Html | undefined {
  const rows = attention.rows('unreadable')
  if (rows.length === 0) return undefined
  return html`<h4>Could not be read</h4>
    ${table(['Line>', 'Installation', 'Invoice', 'Amount>', 'Why'], reasonRows(rows))}
    ${moreRows(tally.get('unreadable').count, rows.length)}`
}

function unknownSection({ tally, attention }: TrackingSummary): Html | undefined {
  const rows = attention.rows('unknown')
  if (rows.length === 0) return undefined
  return html`<h4>Without an invoice id</h4>
    ${table(['Line>', 'Installation', 'externalId', 'Amount>', 'Why'], reasonRows(rows))}
    ${moreRows(tally.get('unknown').count, rows.length)}`
}
