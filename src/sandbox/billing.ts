// Usage, balances, invoices and refunds.

import Big from 'big.js'
import { quote } from '../format.ts'
import { dayMs, minInvoiceAmount } from '../operations/billing-rules.ts'
import { daysToPay } from '../operations/invoice-state.ts'
import { balanceOf, formatMoney } from '../operations/money.ts'
import { created, noContent, ok, Refusal } from './answer.ts'
import type { Call, Handler } from './handler.ts'

interface Invoice {
  readonly invoiceId: string
  readonly state: string
  /** The next states. The invoice enters one each time it is read, and one for each day that has passed. */
  readonly ahead: readonly string[]
  readonly total: string
  readonly invoiceDate: string
  readonly created: string
  readonly updated: string
  readonly refundTotal?: string
  readonly [field: string]: unknown
}

function find({ records, now, params: { invoiceId = '' } }: Call): Invoice {
  const invoice = records.get<Invoice>('invoice', invoiceId)
  if (!invoice) throw new Refusal(404, `Invoice ${invoiceId} not found`)
  return caughtUp(invoice, now)
}

const saveInvoice = ({ records }: Call, invoice: Invoice) => records.put(invoice, 'invoice', invoice.invoiceId)

/** The states that a new invoice will enter. A test invoice ends as `test.result` says. */
function statesAhead(total: string, result: string | undefined): string[] {
  // Vercel never sends a smaller invoice to the customer.
  if (result === undefined && new Big(total).lt(minInvoiceAmount)) return []
  return ['invoiced', result ?? 'paid']
}

/** The invoice as it is at this time: it has entered one state per day, and an unpaid one is overdue in the end. */
function caughtUp(invoice: Invoice, now: Date): Invoice {
  let current = invoice
  const days = Math.floor((now.getTime() - Date.parse(invoice.updated)) / dayMs)
  for (let day = 0; day < days && current.ahead.length > 0; day++) current = advance(current, now)
  return current.state === 'notpaid' && isTermOver(current, now)
    ? advance({ ...current, ahead: ['overdue'] }, now)
    : current
}

/** An invoice that is submitted late has its whole term, so that `test.result: notpaid` holds for it too. */
function isTermOver({ invoiceDate, created }: Invoice, now: Date): boolean {
  const start = Math.max(Date.parse(invoiceDate), Date.parse(created))
  return now.getTime() - start >= daysToPay * dayMs
}

function advance(invoice: Invoice, now: Date): Invoice {
  const [state, ...ahead] = invoice.ahead
  if (state === undefined) return invoice
  const updated = now.toISOString()
  return {
    ...invoice,
    state,
    ahead,
    updated,
    ...(state === 'paid' && { paidAt: updated }),
    ...(state === 'refunded' && { refundedAt: updated }),
  }
}

export const billing = {
  submitBillingData: () => created,
  submitPrepaymentBalances: () => created,
  // Vercel takes a final invoice only of an installation that is being deleted, and nothing more once it is finalized.
  finalizeInstallation: ({ records }) => {
    if (records.get('deletion', 'announced')) records.put(true, 'deletion', 'done')
    return noContent
  },

  submitInvoice: (call) => {
    const { records, now, id } = call
    const { test, final, ...body } = call.body
    if (test?.validate) return ok({ test: true, validationErrors: [] })
    const { externalId } = body
    if (externalId !== undefined && records.get('externalId', externalId)) {
      throw new Refusal(409, `An invoice with the externalId ${quote(String(externalId), 200)} exists already`)
    }
    if (final) records.put(now.toISOString(), 'deletion', 'announced')
    const invoiceId = id('inv')
    const total = formatMoney(new Big(balanceOf(body)))
    const number = records.list('invoice').size + 1
    if (externalId !== undefined) records.put(invoiceId, 'externalId', externalId)
    saveInvoice(call, {
      ...body,
      ...(test && { test: true }),
      invoiceId,
      invoiceNumber: `SANDBOX-${String(number).padStart(4, '0')}`,
      state: 'pending',
      ahead: statesAhead(total, test && (test.result ?? 'paid')),
      total,
      created: now.toISOString(),
      updated: now.toISOString(),
    })
    return ok(test ? { invoiceId, test: true } : { invoiceId })
  },

  // The response has the current state, and the invoice then enters the next one: a client that polls sees each state.
  getInvoice: (call) => {
    const invoice = find(call)
    const { ahead, ...answer } = invoice
    if (ahead.length > 0) saveInvoice(call, advance(invoice, call.now))
    return ok(answer)
  },

  updateInvoice: (call) => {
    const invoice = find(call)
    const { reason, total } = call.body
    if (invoice.state === 'refund_requested') throw new Refusal(409, 'A refund of this invoice is in progress')
    const refunded = new Big(invoice.refundTotal ?? 0).plus(total)
    if (refunded.gt(invoice.total)) {
      throw new Refusal(
        400,
        `Refunds of ${formatMoney(refunded)} are more than the invoice's total of ${invoice.total}`,
      )
    }
    saveInvoice(call, {
      ...invoice,
      state: 'refund_requested',
      ahead: ['refunded'],
      refundReason: reason,
      refundTotal: formatMoney(refunded),
      updated: call.now.toISOString(),
    })
    return noContent
  },
} satisfies Record<string, Handler>
