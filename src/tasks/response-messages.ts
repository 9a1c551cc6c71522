// What a step says about the response to its request: warnings, and why it cannot wait for the invoice.

import type { Reconciled } from '../delivery/deliver.ts'
import { parseBody } from '../delivery/response.ts'
import { type Diagnostic, Failure } from '../failure.ts'
import { issuedTokens, type RequestOutcome } from '../operations/outcome.ts'
import type { MarketplaceRequest } from '../operations/request.ts'
import { isObject } from '../payload/schema.ts'

/** What to check about a request that Vercel accepted, or that was found to be made already. */
function responseWarnings(
  { unreadable, response, warning }: Reconciled,
  { request, outcome }: { readonly request: MarketplaceRequest; readonly outcome: RequestOutcome },
): Diagnostic[] {
  const messages: string[] = warning === undefined ? [] : [warning]
  if (unreadable) {
    const content = response?.text.trim() === '' ? 'is null' : 'contains the response body as received'
    messages.push(
      `Vercel accepted the request, but @vercel/sdk cannot read the response: ${unreadable}. \`result\` ${content}`,
    )
  }
  if (response?.tooLong) {
    messages.push(
      'Vercel accepted the request, but the response is longer than 10 MiB and was not read: `result` is null',
    )
  }
  if (request.operation.hasInvoice && outcome.invoiceId === undefined && outcome.status === 'accepted') {
    const reason = isObject(response && parseBody(response))
      ? 'the response has no `invoiceId`'
      : 'its id could not be read'
    messages.push(
      `Vercel accepted the invoice, but ${reason}. Do not send the request again: look for the invoice at Vercel`,
    )
  }
  if (request.operation.issues && issuedTokens(outcome).length === 0) {
    const advice = request.operation.rotatesCredential ? '. The current token still works: run the step again' : ''
    messages.push(`Vercel accepted the request, but the response contains no token that can be read${advice}`)
  }
  return messages.map((message) => ({ message }))
}

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

/** The warning about a duplicate of a key that was chosen, which may be another invoice than this one. */
const duplicateWarnings = ({ duplicate, response }: Reconciled): Diagnostic[] =>
  duplicate && response
    ? [
        {
          message:
            'An invoice with this externalId exists, and Vercel does not return its content: if this payload has changed since it was submitted, compare the two',
        },
      ]
    : []

/** What is known of a request whose invoice the step waits for: a sentence without its full stop. */
export function knownWhileWaiting({ operation }: MarketplaceRequest, { duplicate }: Reconciled): string {
  if (operation.returnsInvoice) return 'Reading an invoice changes nothing'
  return duplicate
    ? 'Nothing was sent, because the invoice already shows the refund'
    : 'The request was accepted: do not send it again'
}

/** The warnings about the response to a request. */
export const requestWarnings = (
  delivery: Reconciled,
  subject: { readonly request: MarketplaceRequest; readonly outcome: RequestOutcome; readonly hasChosenKey: boolean },
): Diagnostic[] => [
  ...responseWarnings(delivery, subject),
  ...(subject.hasChosenKey ? duplicateWarnings(delivery) : []),
]
