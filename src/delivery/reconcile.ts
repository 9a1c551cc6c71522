// A delivery whose outcome is found out as far as it can be.

import { Failure } from '../failure.ts'
import { type Delivery, type DeliveryOptions, deliver } from './deliver.ts'

export type OnDuplicate = 'fail' | 'succeed'

export interface Settlement extends Delivery {
  /** The invoice had been submitted before: by an attempt whose answer was lost, or by an earlier run. */
  readonly duplicate?: true
}

/** Delivers a request; a refund whose answer was lost is looked up, an invoice that was there already is recognised. */
export async function settle(options: DeliveryOptions, onDuplicate: OnDuplicate): Promise<Settlement> {
  const delivery = await deliver(options)
  const { name } = options.request.operation
  if (name === 'submitInvoice') return recognise(delivery, onDuplicate, options)
  if (name === 'updateInvoice' && delivery.failure && delivery.unclear && !options.signal.aborted) {
    return lookUp(delivery, options)
  }
  return delivery
}

function recognise(delivery: Delivery, onDuplicate: OnDuplicate, { request, log }: DeliveryOptions): Settlement {
  if (delivery.repeated) {
    log.info('the invoice is there: an earlier attempt, whose answer was lost, had arrived')
    return { ...delivery, duplicate: true }
  }
  const { failure, ...rest } = delivery
  if (!failure || delivery.unclear || delivery.answer?.status !== 409) return delivery
  if (onDuplicate === 'succeed') return { ...rest, duplicate: true }
  const key = request.body?.externalId
  const hint = `${key === undefined ? 'The invoice' : `An invoice with the externalId ${key}`} was submitted before, and nothing was billed now. If that is as it should be, as in a re-run, set \`on-duplicate: succeed\``
  return { ...delivery, failure: new Failure(failure.code, failure.message, { hint }) }
}

async function lookUp(delivery: Delivery, options: DeliveryOptions): Promise<Settlement> {
  const { failure, unclear, ...rest } = delivery
  const { findRefund } = await import('./refund.ts')
  const found = await findRefund(options, delivery.sentAt)
  if (found.arrived) {
    options.log.info('the refund has arrived: the invoice shows it')
    return rest
  }
  const hint = [failure?.hint, `Looked up just now, ${found.shows}`].filter(Boolean).join('. ')
  return {
    ...delivery,
    failure: new Failure(failure?.code ?? 'outcome_unknown', failure?.message ?? '', { hint, cause: failure?.cause }),
  }
}
