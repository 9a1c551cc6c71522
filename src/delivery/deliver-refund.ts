// Refunds: the invoice is read before one is sent, and again if its response is lost.

import { Failure } from '../failure.ts'
import type { MarketplaceRequest } from '../operations/request.ts'
import { type DeliveryOptions, deliver, type Reconciled } from './deliver.ts'
import {
  describeReading,
  earlierRefundsWarning,
  findMadeRefund,
  findRefund,
  type InvoiceReading,
  type OnDuplicate,
  readInvoice,
  refundProblem,
} from './refund.ts'

/**
 * Reads the invoice that is to be refunded, and decides whether the refund may be sent.
 *
 * @returns what the invoice shows, or how the request ended without being sent
 */
export async function prepareRefund(
  options: DeliveryOptions,
  onDuplicate: OnDuplicate,
): Promise<{ readonly reading: InvoiceReading } | { readonly settled: Reconciled }> {
  const { request, log, failsOnWarning } = options
  const read = await readInvoice(options)
  if ('failure' in read) {
    const message = `The invoice ${request.params.invoiceId} could not be read before the refund, so nothing was sent: ${read.failure.message}`
    return { settled: { attempts: 0, failure: read.failure.with({ message }) } }
  }
  const { reading } = read
  log.info(`invoice ${request.params.invoiceId}: ${describeReading(reading)}`)
  const made = onDuplicate === 'succeed' ? findMadeRefund(reading, request) : undefined
  if (made) {
    log.info('the invoice already shows a refund with this reason: nothing is sent')
    return { settled: { attempts: 0, duplicate: true, ...made } }
  }
  const failure =
    refundProblem(reading, request, onDuplicate) ?? (failsOnWarning ? warningFailure(reading, request) : undefined)
  return failure ? { settled: { attempts: 0, failure } } : { reading }
}

/** A warning about earlier refunds as a failure, because `fail-on-warning` is set. */
function warningFailure(reading: InvoiceReading, request: MarketplaceRequest): Failure | undefined {
  const warning = earlierRefundsWarning(reading, request)
  return warning === undefined
    ? undefined
    : new Failure('refund_present', `${warning}. Nothing was sent, because of \`fail-on-warning\``)
}

/** What an invoice shows if its refunds cannot be distinguished. */
export const ambiguousRefund = 'the invoice shows such a refund, but it may be another one of this batch'

/**
 * Sends a refund once. If its response is lost, the invoice is read again.
 *
 * @param before  what the invoice showed before
 * @param isAmbiguous  whether other refunds may have changed the invoice since, so that it proves nothing
 */
export async function deliverRefund(
  options: DeliveryOptions,
  before: InvoiceReading,
  isAmbiguous: () => boolean = () => false,
): Promise<Reconciled> {
  const delivery = await deliver(options)
  const { failure, outcomeUnknown, ...rest } = delivery
  if (!failure) {
    const warning = earlierRefundsWarning(before, options.request)
    return { ...delivery, ...(warning && { warning }) }
  }
  if (!outcomeUnknown || options.signal.aborted) return delivery
  const found = await findRefund(options, before)
  if (found.arrived && !isAmbiguous()) {
    options.log.info('the refund has arrived: the invoice shows it')
    return { ...rest, warning: 'The response to the refund was lost; the invoice shows that the refund was made' }
  }
  const evidence = found.arrived ? ambiguousRefund : found.evidence
  const hint = [failure.hint, `Looked up just now: ${evidence}`].filter(Boolean).join('. ')
  return { ...delivery, failure: failure.with({ hint }) }
}
