// Refunds have no idempotency key, so the invoice is read before one is sent. What it shows decides whether the refund
// was made already and, after a lost response, whether it arrived. A refund is never sent again.

import Big from 'big.js'
import { Failure } from '../failure.ts'
import { loadOperation } from '../operations/load.ts'
import { formatMoney } from '../operations/money.ts'
import type { MarketplaceRequest } from '../operations/request.ts'
import { isObject } from '../payload/schema.ts'
import { type DeliveryOptions, deliver } from './deliver.ts'
import { parseBody } from './response.ts'

/** What to do if the first response says that an invoice exists, or an invoice shows the refund already. */
export type OnDuplicate = 'fail' | 'succeed' | 'send'

/** What an invoice says that matters to its refunds. Amounts are decimals; what the response lacks is missing. */
export interface InvoiceReading {
  readonly state: string
  readonly total?: string
  readonly refundTotal?: string
  readonly refundReason?: string
  /** When it was last changed, as Vercel says. */
  readonly updated?: string
}

/** Reads the invoice that a request is about. */
export async function readInvoice(
  options: DeliveryOptions,
): Promise<{ readonly reading: InvoiceReading } | { readonly failure: Failure }> {
  const request = await invoiceRequest(options.request)
  const { failure, response } = await deliver({ ...options, request, resumed: false })
  if (failure) return { failure }
  const invoice = response && parseBody(response)
  if (!isObject(invoice) || typeof invoice.state !== 'string') {
    return { failure: new Failure('internal_error', 'the response to getInvoice is not an invoice') }
  }
  const { state } = invoice
  const text = (name: string) => (typeof invoice[name] === 'string' && invoice[name] !== '' ? invoice[name] : undefined)
  const fields = { total: decimalText(invoice.total), refundTotal: decimalText(invoice.refundTotal) }
  const texts = { refundReason: text('refundReason'), updated: text('updated') }
  const known = Object.entries({ ...fields, ...texts }).filter(([, value]) => value !== undefined)
  return { reading: { state, ...Object.fromEntries(known) } }
}

/** The request that reads the invoice of another request. */
export const invoiceRequest = async ({ params }: MarketplaceRequest): Promise<MarketplaceRequest> => ({
  operation: await loadOperation('getInvoice'),
  params,
  body: undefined,
  redacted: () => undefined,
})

/** A non-negative decimal that the API sent as text or as a number. */
function decimalText(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && /^\d{1,40}(\.\d{1,40})?$/.test(text) ? text : undefined
}

/** `paid, total 30.00, refunded 10.00` */
export const describeReading = ({ state, total, refundTotal }: InvoiceReading): string =>
  [state, total && `total ${money(total)}`, `refunded ${money(refundTotal ?? '0')}`].filter(Boolean).join(', ')

const money = (amount: string) => formatMoney(new Big(amount))

/** States that a refund leads to. */
const refundStates = ['refund_requested', 'refunded']

/** Whether the invoice shows a refund with the same reason. */
export const showsSameRefund = (reading: InvoiceReading, { body }: MarketplaceRequest): boolean =>
  reading.refundReason !== undefined &&
  reading.refundReason === body?.reason &&
  (refundStates.includes(reading.state) || new Big(reading.refundTotal ?? '0').gt(0))

/** Why a refund must not be sent, as far as the invoice shows it. */
export function refundProblem(
  reading: InvoiceReading,
  request: MarketplaceRequest,
  onDuplicate: OnDuplicate,
): Failure | undefined {
  const { refundTotal = '0', refundReason, total, updated } = reading
  const wanted = new Big(String(request.body?.total))
  const invoice = `The invoice ${request.params.invoiceId}`
  if (onDuplicate === 'fail' && showsSameRefund(reading, request)) {
    const when = updated === undefined ? '' : `, last changed at ${updated}`
    return new Failure(
      'refund_present',
      `${invoice} already shows a refund of ${money(refundTotal)} with the reason ${JSON.stringify(refundReason)} (${reading.state}${when}), so nothing was sent`,
      {
        hint: 'If it is the same refund, as in a re-run, set `on-duplicate: succeed`; if it is another one, set `on-duplicate: send`',
      },
    )
  }
  if (total === undefined) return undefined
  const left = new Big(total).minus(refundTotal)
  if (wanted.lte(left)) return undefined
  return new Failure(
    'refund_too_large',
    `${invoice} has ${left.lt(0) ? '0.00' : formatMoney(left)} left to refund (total ${money(total)}, refunded ${money(refundTotal)}), less than ${formatMoney(wanted)}; nothing was sent`,
  )
}

/** What the invoice shows of a refund whose response was lost: that it arrived, or what it shows instead. */
export type RefundLookup = { readonly arrived: true } | { readonly arrived: false; readonly evidence: string }

/**
 * Reads the invoice again. The refund arrived if `refundTotal` has grown by exactly what was sent, or, if the response
 * has no `refundTotal`, if the state has moved from one that is not a refund's to `refund_requested` with the same
 * reason. Anything else proves nothing.
 *
 * @param before  what the invoice showed before the refund was sent
 */
export async function findRefund(options: DeliveryOptions, before: InvoiceReading): Promise<RefundLookup> {
  const { request, log } = options
  log.info('reading the invoice again, because the response to the refund was lost')
  const lookup = await readInvoice(options)
  if ('failure' in lookup) return { arrived: false, evidence: 'the invoice could not be read' }
  const after = lookup.reading
  if (hasArrived(before, after, request)) return { arrived: true }
  return {
    arrived: false,
    evidence: `the invoice is ${describeReading(after)}; before the refund it was ${describeReading(before)}`,
  }
}

/** Whether a later reading of the invoice proves that a refund arrived, if no other refund did in the meantime. */
export function hasArrived(before: InvoiceReading, after: InvoiceReading, { body }: MarketplaceRequest): boolean {
  if (after.refundTotal !== undefined) {
    return new Big(after.refundTotal).minus(before.refundTotal ?? '0').eq(String(body?.total))
  }
  return (
    before.refundTotal === undefined &&
    !refundStates.includes(before.state) &&
    after.state === 'refund_requested' &&
    after.refundReason === body?.reason
  )
}
