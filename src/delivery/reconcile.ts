// A delivery whose outcome is found out as far as it can be.

import { Failure } from '../failure.ts'
import { type Delivery, type DeliveryOptions, deliver } from './deliver.ts'

export type OnDuplicate = 'fail' | 'succeed'

export interface Reconciled extends Delivery {
  /** The invoice had been submitted before: by an attempt whose response was lost, or by an earlier run. */
  readonly duplicate?: true
}

/** Delivers a request; a refund whose response was lost is looked up, an invoice that was there already is recognised. */
export async function deliverAndReconcile(options: DeliveryOptions, onDuplicate: OnDuplicate): Promise<Reconciled> {
  const delivery = await deliver(options)
  const { name } = options.request.operation
  if (name === 'submitInvoice') return reconcileInvoice(delivery, onDuplicate, options)
  if (name === 'updateInvoice' && delivery.failure && delivery.outcomeUnknown && !options.signal.aborted) {
    return reconcileRefund(delivery, options)
  }
  return delivery
}

function reconcileInvoice(delivery: Delivery, onDuplicate: OnDuplicate, { request, log }: DeliveryOptions): Reconciled {
  if (delivery.repeated) {
    log.info('the invoice is there: an earlier attempt, whose response was lost, had arrived')
    return { ...delivery, duplicate: true }
  }
  const { failure, ...rest } = delivery
  if (!failure || delivery.outcomeUnknown || delivery.response?.status !== 409) return delivery
  if (onDuplicate === 'succeed') return { ...rest, duplicate: true }
  const key = request.body?.externalId
  const hint = `${key === undefined ? 'The invoice' : `An invoice with the externalId ${key}`} was submitted before, and nothing was billed now. If that is as it should be, as in a re-run, set \`on-duplicate: succeed\``
  return { ...delivery, failure: new Failure(failure.code, failure.message, { hint }) }
}

async function reconcileRefund(delivery: Delivery, options: DeliveryOptions): Promise<Reconciled> {
  const { failure, outcomeUnknown, ...rest } = delivery
  const { findRefund } = await import('./refund.ts')
  const found = await findRefund(options, delivery.sentAt)
  if (found.arrived) {
    options.log.info('the refund has arrived: the invoice shows it')
    return rest
  }
  const hint = [failure?.hint, `Looked up just now, ${found.evidence}`].filter(Boolean).join('. ')
  return {
    ...delivery,
    failure: new Failure(failure?.code ?? 'outcome_unknown', failure?.message ?? '', { hint, cause: failure?.cause }),
  }
}
