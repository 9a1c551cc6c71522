// Refunds: the invoice is read before one is sent, and again if its response is lost.

import { type DeliveryOptions, deliver, type Reconciled } from './deliver.ts'
import {
  describeReading,
  findRefund,
  type InvoiceReading,
  type OnDuplicate,
  readInvoice,
  refundProblem,
  showsSameRefund,
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
  const { request, log } = options
  const read = await readInvoice(options)
  if ('failure' in read) {
    const message = `The invoice ${request.params.invoiceId} could not be read before the refund, so nothing was sent: ${read.failure.message}`
    return { settled: { attempts: 0, failure: read.failure.with({ message }) } }
  }
  const { reading } = read
  log.info(`invoice ${request.params.invoiceId}: ${describeReading(reading)}`)
  if (onDuplicate === 'succeed' && showsSameRefund(reading, request)) {
    log.info('the invoice already shows this refund: nothing is sent')
    return { settled: { attempts: 0, duplicate: true } }
  }
  const failure = refundProblem(reading, request, onDuplicate)
  return failure ? { settled: { attempts: 0, failure } } : { reading }
}

/** What an invoice shows if its refunds cannot be told apart. */
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
  if (!failure || !outcomeUnknown || options.signal.aborted) return delivery
  const found = await findRefund(options, before)
  if (found.arrived && !isAmbiguous()) {
    options.log.info('the refund has arrived: the invoice shows it')
    return rest
  }
  const evidence = found.arrived ? ambiguousRefund : found.evidence
  const hint = [failure.hint, `Looked up just now: ${evidence}`].filter(Boolean).join('. ')
  return { ...delivery, failure: failure.with({ hint }) }
}
