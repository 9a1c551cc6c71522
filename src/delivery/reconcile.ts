// Resolves what a delivery leaves open: an invoice that exists already, a refund whose response was lost.

import { existsAlready } from '../operations/definition.ts'
import { type Delivery, type DeliveryOptions, deliver } from './deliver.ts'
import {
  describeReading,
  findRefund,
  type InvoiceReading,
  type OnDuplicate,
  readInvoice,
  refundProblem,
  showsSameRefund,
} from './refund.ts'
import { errorOf } from './response.ts'

export interface Reconciled extends Delivery {
  /** The invoice was submitted before, or the refund made before: by an attempt whose response was lost, or earlier. */
  readonly duplicate?: true
}

/** Delivers a request and resolves ambiguous results: reports an existing invoice, looks up a lost refund. */
export async function deliverAndReconcile(options: DeliveryOptions, onDuplicate: OnDuplicate): Promise<Reconciled> {
  const { operation } = options.request
  if (operation.retry === 'unsafe' && operation.lookUp === 'refund') {
    const prepared = await prepareRefund(options, onDuplicate)
    return 'reading' in prepared ? deliverRefund(options, prepared.reading) : prepared.settled
  }
  const delivery = await deliver(options)
  return operation.retry === 'idempotency-key' ? reconcileInvoice(delivery, onDuplicate, options) : delivery
}

function reconcileInvoice(delivery: Delivery, onDuplicate: OnDuplicate, { request, log }: DeliveryOptions): Reconciled {
  if (delivery.arrivedEarlier) {
    log.info('the invoice exists: an earlier attempt, whose response was lost, had arrived')
    return { ...delivery, duplicate: true }
  }
  const { failure, response, ...rest } = delivery
  if (!failure || delivery.outcomeUnknown || response?.status !== 409) return delivery
  const { code, message } = errorOf(response)
  if (!existsAlready.says?.test(`${code.replaceAll('_', ' ')} ${message}`)) return delivery
  if (onDuplicate === 'succeed') return { ...rest, response, duplicate: true }
  const key = request.body?.externalId
  const invoice = key === undefined ? 'The invoice' : `An invoice with the externalId ${key}`
  const hint = `${invoice} was submitted before, and nothing was billed now. If that is expected, as in a re-run, set \`on-duplicate: succeed\``
  return { ...delivery, failure: failure.with({ hint }) }
}

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

/**
 * Sends a refund once. If its response is lost, the invoice is read again.
 *
 * @param before  what the invoice showed before
 */
export async function deliverRefund(options: DeliveryOptions, before: InvoiceReading): Promise<Reconciled> {
  const delivery = await deliver(options)
  const { failure, outcomeUnknown, ...rest } = delivery
  if (!failure || !outcomeUnknown || options.signal.aborted) return delivery
  const found = await findRefund(options, before)
  if (found.arrived) {
    options.log.info('the refund has arrived: the invoice shows it')
    return rest
  }
  const hint = [failure.hint, `Looked up just now: ${found.evidence}`].filter(Boolean).join('. ')
  return { ...delivery, failure: failure.with({ hint }) }
}
