// Resolves what a delivery leaves open: an invoice that exists already, a refund whose response was lost.

import { type Delivery, type DeliveryOptions, deliver } from './deliver.ts'

/** What to do if the first response says that the invoice exists already. */
export type OnDuplicate = 'fail' | 'succeed'

export interface Reconciled extends Delivery {
  /** The invoice was submitted before: by an attempt whose response was lost, or by an earlier run. */
  readonly duplicate?: true
}

/** Delivers a request and resolves ambiguous results: reports an existing invoice, looks up a lost refund. */
export async function deliverAndReconcile(options: DeliveryOptions, onDuplicate: OnDuplicate): Promise<Reconciled> {
  const delivery = await deliver(options)
  const { operation } = options.request
  if (operation.retry === 'idempotency-key') return reconcileInvoice(delivery, onDuplicate, options)
  if (operation.retry === 'unsafe' && operation.lookUp === 'refund') return reconcileRefund(delivery, options)
  return delivery
}

function reconcileInvoice(delivery: Delivery, onDuplicate: OnDuplicate, { request, log }: DeliveryOptions): Reconciled {
  if (delivery.arrivedEarlier) {
    log.info('the invoice exists: an earlier attempt, whose response was lost, had arrived')
    return { ...delivery, duplicate: true }
  }
  const { failure, ...rest } = delivery
  if (!failure || delivery.outcomeUnknown || delivery.response?.status !== 409) return delivery
  if (onDuplicate === 'succeed') return { ...rest, duplicate: true }
  const key = request.body?.externalId
  const invoice = key === undefined ? 'The invoice' : `An invoice with the externalId ${key}`
  const hint = `${invoice} was submitted before, and nothing was billed now. If that is expected, as in a re-run, set \`on-duplicate: succeed\``
  return { ...delivery, failure: failure.with({ hint }) }
}

async function reconcileRefund(delivery: Delivery, options: DeliveryOptions): Promise<Reconciled> {
  const { failure, outcomeUnknown, ...rest } = delivery
  if (!failure || !outcomeUnknown || options.signal.aborted) return delivery
  const { findRefund } = await import('./refund.ts')
  const found = await findRefund(options, delivery.sentAt)
  if (found.arrived) {
    options.log.info('the refund has arrived: the invoice shows it')
    return rest
  }
  const hint = [failure.hint, `Looked up just now, ${found.evidence}`].filter(Boolean).join('. ')
  return { ...delivery, failure: failure.with({ hint }) }
}
