// Resolves what a delivery leaves open: an invoice that exists already, a refund whose response was lost.

import { quote } from '../format.ts'
import { isRefund } from '../operations/operation.ts'
import { type Delivery, type DeliveryOptions, deliver, type Reconciled } from './deliver.ts'
import type { OnDuplicate } from './refund.ts'

/** Delivers a request and resolves ambiguous results: reports an existing invoice, looks up a lost refund. */
export async function deliverAndReconcile(options: DeliveryOptions, onDuplicate: OnDuplicate): Promise<Reconciled> {
  const { operation } = options.request
  if (isRefund(operation)) {
    const { deliverRefund, prepareRefund } = await import('./deliver-refund.ts')
    const prepared = await prepareRefund(options, onDuplicate)
    return 'reading' in prepared ? deliverRefund(options, prepared) : prepared.settled
  }
  const delivery = await deliver(options)
  return operation.retry === 'idempotency-key' ? reconcileInvoice(delivery, onDuplicate, options) : delivery
}

async function reconcileInvoice(
  delivery: Delivery,
  onDuplicate: OnDuplicate,
  { request, log }: DeliveryOptions,
): Promise<Reconciled> {
  if (delivery.arrivedEarlier) {
    log.info('the invoice exists: an earlier attempt, whose response was lost, had arrived')
    return { ...delivery, duplicate: true }
  }
  const { failure, response, ...rest } = delivery
  if (!failure || delivery.outcomeUnknown || !response) return delivery
  const { provesArrival } = await import('./error-response.ts')
  if (!provesArrival(request, response)) return delivery
  if (onDuplicate === 'succeed') return { ...rest, response, duplicate: true }
  const key = request.body?.externalId
  const invoice = key === undefined ? 'The invoice' : `An invoice with the externalId ${quote(String(key), 200)}`
  const hint = `${invoice} was submitted before, and nothing was billed now. If that is expected, as in a re-run, set \`on-duplicate: succeed\``
  return { ...delivery, failure: failure.with({ hint }) }
}
