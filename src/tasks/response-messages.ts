// What a step says if it cannot wait for its invoice.

import type { Reconciled } from '../delivery/deliver.ts'
import { Failure } from '../failure.ts'
import type { MarketplaceRequest } from '../operations/request.ts'

/** The failure of a step that is to wait for an invoice whose id is not in the response. */
export function cannotWait({ duplicate, arrivedEarlier }: Reconciled): Failure {
  if (!duplicate) {
    const message = 'Cannot wait: Vercel accepted the invoice, but the response has no invoiceId'
    const hint = 'Do not send the request again. Find the id of the invoice at Vercel, and wait with getInvoice'
    return new Failure('accepted_without_id', message, { hint })
  }
  const happened = arrivedEarlier
    ? 'the first response was lost, and the invoice was submitted all the same'
    : 'the invoice was submitted before'
  const source = arrivedEarlier ? 'that you find at Vercel' : 'of the first submission'
  const message = `Cannot wait: ${happened}, and Vercel does not return the id of an existing invoice`
  const hint = `Nothing was billed twice. Use getInvoice with the invoiceId ${source}`
  return new Failure('duplicate_without_id', message, { hint })
}

/** What is known of a request whose invoice the step waits for: a sentence without its full stop. */
export function knownWhileWaiting({ operation }: MarketplaceRequest, { duplicate }: Reconciled): string {
  if (operation.returnsInvoice) return 'Reading an invoice changes nothing'
  return duplicate
    ? 'Nothing was sent, because the invoice already shows the refund'
    : 'The request was accepted: do not send it again'
}
