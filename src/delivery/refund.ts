// A refund whose response was lost. It is not sent again: the invoice says whether it arrived.

import Big from 'big.js'
import { operationNamed } from '../operations/catalogue.ts'
import type { MarketplaceRequest } from '../operations/request.ts'
import { isObject } from '../payload/schema.ts'
import { type Delivery, type DeliveryOptions, deliver } from './deliver.ts'
import { parseBody } from './response.ts'

/** What the invoice says of a refund: that it arrived, or a sentence about what it shows instead. */
export type RefundLookup = { readonly arrived: true } | { readonly arrived: false; readonly evidence: string }

/**
 * Reads the invoice and looks for proof that the refund arrived: its state, an `updated` after the sending, and the
 * refund's reason and total where the response has them. Less than that is no proof: an earlier refund looks the same.
 *
 * @param sentAt  when the refund was sent, by our clock
 */
export async function findRefund(options: DeliveryOptions, sentAt: Date): Promise<RefundLookup> {
  const { request, clock, log } = options
  log.info('looking the invoice up, because the response to the refund was lost')
  const before = clock.now()
  const lookup = await deliver({ ...options, request: invoiceRequest(request), resumed: false })
  if (lookup.failure) return { arrived: false, evidence: 'the invoice could not be read' }

  const invoice = lookup.response && parseBody(lookup.response)
  if (!isObject(invoice)) return { arrived: false, evidence: 'the invoice could not be read' }
  const state = String(invoice.state)
  if (state !== 'refund_requested' && state !== 'refunded')
    return { arrived: false, evidence: `the invoice is ${state}` }

  const sent = sentAt.getTime() + clockSkew(lookup, before, clock.now())
  // Both are cut to milliseconds, and what follows within one shows the same.
  const isLater = Date.parse(String(invoice.updated)) >= sent
  if (isLater && isThisRefund(request, invoice)) return { arrived: true }
  return { arrived: false, evidence: `the invoice is ${state}, but apparently by another refund` }
}

/** The request that reads the invoice of a request. */
export const invoiceRequest = ({ params }: MarketplaceRequest): MarketplaceRequest => ({
  operation: operationNamed('getInvoice'),
  params,
  body: undefined,
  redacted: () => undefined,
})

function isThisRefund({ body }: MarketplaceRequest, { refundReason, refundTotal }: Record<string, unknown>): boolean {
  if (refundReason !== undefined && refundReason !== null && refundReason !== body?.reason) return false
  if (typeof refundTotal !== 'string' && typeof refundTotal !== 'number') return true
  try {
    // Refunds of one invoice add up.
    return new Big(refundTotal).gte(new Big(String(body?.total)))
  } catch {
    return true
  }
}

/**
 * How far the server's clock is ahead of ours, in milliseconds. Its `Date` leaves a second and the time on the way open;
 * within them the clocks are taken to agree as well as they can.
 */
function clockSkew({ response }: Delivery, before: Date, after: Date): number {
  const date = Date.parse(response?.headers.date ?? '')
  if (Number.isNaN(date)) return 0
  const least = date - after.getTime()
  const most = date + 1000 - before.getTime()
  return Math.min(Math.max(0, least), most)
}
