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

/** The refunds of an invoice that the same batch has made. */
export interface OwnRefunds {
  /** What the invoice showed before the first of them. */
  readonly before: InvoiceReading
  /** The sum of the refunds: a decimal. */
  readonly total: string
}

/**
 * What an invoice shows of the refunds of others. If it shows nothing but the refunds of this batch since the reading before
 * them, that reading still counts.
 */
export function withoutOwnRefunds(reading: InvoiceReading, own: OwnRefunds | undefined): InvoiceReading {
  if (!own) return reading
  const before = refundedTotal(own.before)
  if (reading.refundTotal === undefined) return own.before
  if (before === undefined) return reading
  return new Big(reading.refundTotal).minus(own.total).lte(before) ? own.before : reading
}

/** Reads the invoice that a request is about. */
export async function readInvoice(
  options: DeliveryOptions,
): Promise<{ readonly reading: InvoiceReading } | { readonly failure: Failure }> {
  const request = await invoiceRequest(options.request)
  const { failure, response } = await deliver({ ...options, request, resumed: false })
  if (failure) return { failure }
  const invoice = response && parseBody(response)
  const problem = readingProblem(invoice)
  if (problem || !isObject(invoice)) {
    return { failure: new Failure(`http_${response?.status ?? 200}`, `the response to getInvoice ${problem}`) }
  }
  const state = String(invoice.state)
  const text = (name: string) => (typeof invoice[name] === 'string' && invoice[name] !== '' ? invoice[name] : undefined)
  const fields = { total: decimalText(invoice.total), refundTotal: decimalText(invoice.refundTotal) }
  const texts = { refundReason: text('refundReason'), updated: text('updated') }
  const known = Object.entries({ ...fields, ...texts }).filter(([, value]) => value !== undefined)
  return { reading: { state, ...Object.fromEntries(known) } }
}

/** Why a response cannot be used as an invoice: a clause. An amount that cannot be read must not count as 0. */
function readingProblem(invoice: unknown): string | undefined {
  if (!isObject(invoice) || typeof invoice.state !== 'string') return 'is not an invoice'
  const wrong = ['total', 'refundTotal'].find(
    (name) => isGiven(invoice[name]) && decimalText(invoice[name]) === undefined,
  )
  return wrong && `has a ${wrong} that is not a decimal`
}

const isGiven = (value: unknown) => value !== undefined && value !== null && value !== ''

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
export const describeReading = (reading: InvoiceReading): string => {
  const refunded = refundedTotal(reading)
  return [
    reading.state,
    reading.total && `total ${money(reading.total)}`,
    `refunded ${refunded ? money(refunded) : 'an unknown amount'}`,
  ]
    .filter(Boolean)
    .join(', ')
}

/** What was refunded: nothing if the invoice shows no sum and is in no refund's state; undefined if that is unknown. */
const refundedTotal = ({ refundTotal, state }: InvoiceReading): string | undefined =>
  refundTotal ?? (refundStates.includes(state) ? undefined : '0')

const money = (amount: string) => formatMoney(new Big(amount))

/** States that a refund leads to. */
const refundStates = ['refund_requested', 'refunded']

/** Whether the invoice shows a refund with the same reason. */
const showsReason = (reading: InvoiceReading, { body }: MarketplaceRequest): boolean =>
  reading.refundReason !== undefined && isSameText(reading.refundReason, body?.reason) && showsRefund(reading)

/** Whether two reasons are equal. Vercel may trim the one that it keeps. */
const isSameText = (text: string, other: unknown) => typeof other === 'string' && text.trim() === other.trim()

const showsRefund = ({ state, refundTotal = '0' }: InvoiceReading) =>
  refundStates.includes(state) || new Big(refundTotal).gt(0)

/** Whether less was refunded in all than the request refunds, so that the invoice cannot include this refund. */
const cannotInclude = ({ state, refundTotal }: InvoiceReading, wanted: Big): boolean =>
  state !== 'refund_requested' && refundTotal !== undefined && new Big(refundTotal).lt(wanted)

const wantedTotal = ({ body }: MarketplaceRequest) => new Big(String(body?.total))

/**
 * Whether the invoice shows the refund already. It shows its latest reason only, and the sum of its refunds: a sum that
 * differs gives a warning, and one that is too small shows that this refund was not made.
 *
 * @param found  the sum of the other refunds of the batch that the invoice showed already: they are part of its sum
 */
export function findMadeRefund(
  reading: InvoiceReading,
  request: MarketplaceRequest,
  found = '0',
): { readonly warning?: string } | undefined {
  const wanted = wantedTotal(request).plus(found)
  const { refundTotal } = reading
  if (!showsReason(reading, request) || cannotInclude(reading, wanted)) return undefined
  if (refundTotal === undefined || reading.state === 'refund_requested' || wanted.eq(refundTotal)) return {}
  const invoice = `The invoice ${request.params.invoiceId}`
  return {
    warning: `${invoice} shows the reason of this refund, but ${money(refundTotal)} was refunded in all, not ${formatMoney(wanted)}. Nothing was sent. If this is another refund, give it its own reason, or set \`on-duplicate: send\``,
  }
}

/** A warning if the refund may be among earlier ones, whose reasons the invoice does not show any more. */
export function earlierRefundsWarning(reading: InvoiceReading, request: MarketplaceRequest): string | undefined {
  if (showsReason(reading, request)) return undefined
  const refunded = refundedTotal(reading)
  if (refunded !== undefined && new Big(refunded).lt(wantedTotal(request))) return undefined
  const sum = refunded === undefined ? 'A part' : money(refunded)
  return `${sum} of the invoice ${request.params.invoiceId} was refunded before, and Vercel shows only the latest reason. Check that this refund was not made before`
}

/**
 * Why a refund must not be made again, as far as the invoice shows refunds.
 *
 * @param mayBeOwn  whether the refund that the invoice shows may be another one of the same batch
 * @param found  as for `findMadeRefund`
 */
export function presentRefundProblem(
  reading: InvoiceReading,
  request: MarketplaceRequest,
  {
    onDuplicate,
    mayBeOwn,
    found,
  }: { readonly onDuplicate: OnDuplicate; readonly mayBeOwn: boolean; readonly found: string | undefined },
): Failure | undefined {
  if (onDuplicate === 'send' || !showsReason(reading, request)) return undefined
  const { refundReason, updated, state } = reading
  const refunded = refundedTotal(reading)
  const sum = refunded === undefined ? '' : `, ${money(refunded)} refunded in all`
  const when = updated === undefined ? '' : `, last changed at ${updated}`
  const shown = `The invoice ${request.params.invoiceId} already shows a refund with the reason ${JSON.stringify(refundReason)} (${state}${sum}${when})`
  if (mayBeOwn) {
    return new Failure(
      'refund_present',
      `${shown}. It may be another refund of this batch, whose outcome is unknown, so nothing was sent`,
      { hint: 'Run the batch again with its journal, which looks up the other refund first' },
    )
  }
  return onDuplicate === 'fail'
    ? new Failure('refund_present', `${shown}, so nothing was sent`, {
        hint: 'If it is the same refund, as in a re-run, set `on-duplicate: succeed`; if it is another one, set `on-duplicate: send`',
      })
    : new Failure(
        'refund_present',
        `${shown}, which is less than ${formatMoney(wantedTotal(request).plus(found ?? 0))}${found === undefined ? '' : ' with the refunds of this batch that it showed already'}: this refund was not made, and nothing was sent`,
        { hint: 'It is another refund: give it its own reason, or set `on-duplicate: send`' },
      )
}

/** Why an invoice has not enough left for a refund. */
export function refundSizeProblem(reading: InvoiceReading, request: MarketplaceRequest): Failure | undefined {
  const { total } = reading
  const refunded = refundedTotal(reading)
  if (total === undefined || refunded === undefined) return undefined
  const wanted = wantedTotal(request)
  const left = new Big(total).minus(refunded)
  if (wanted.lte(left)) return undefined
  return new Failure(
    'refund_too_large',
    `The invoice ${request.params.invoiceId} has ${left.lt(0) ? '0.00' : formatMoney(left)} left to refund (total ${money(total)}, refunded ${money(refunded)}), less than ${formatMoney(wanted)}; nothing was sent`,
  )
}

/** What the invoice shows of a refund whose response was lost: that it arrived, or what it shows instead. */
export type RefundLookup = { readonly arrived: true } | { readonly arrived: false; readonly evidence: string }

/**
 * Reads the invoice again. The refund arrived if `refundTotal` has grown by exactly what was sent and the invoice shows
 * no other reason, or, if the response has no `refundTotal`, if the state has moved from one that is not a refund's to `refund_requested` with the same
 * reason. Anything else proves nothing.
 *
 * @param before  what the invoice showed before the refund was sent
 */
export async function findRefund(options: DeliveryOptions, before: InvoiceReading): Promise<RefundLookup> {
  const { request, log } = options
  log.info('the outcome of the refund is unknown: reading the invoice again')
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
    const refundedBefore = refundedTotal(before)
    const isOther = after.refundReason !== undefined && !isSameText(after.refundReason, body?.reason)
    if (refundedBefore === undefined || isOther) return false
    return new Big(after.refundTotal).minus(refundedBefore).eq(String(body?.total))
  }
  return (
    before.refundTotal === undefined &&
    !refundStates.includes(before.state) &&
    after.state === 'refund_requested' &&
    after.refundReason !== undefined &&
    isSameText(after.refundReason, body?.reason)
  )
}
