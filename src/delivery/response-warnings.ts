// What to check about a request that Vercel accepted, or that was found to be made already.

import { issuedTokens, type RequestOutcome } from '../operations/outcome.ts'
import type { MarketplaceRequest } from '../operations/request.ts'
import { isObject } from '../payload/schema.ts'
import type { Reconciled } from './deliver.ts'
import { parseBody } from './response.ts'

export interface ResponseSubject {
  readonly request: MarketplaceRequest
  readonly outcome: RequestOutcome
  /** Whether the `externalId` was chosen, and not derived from the content. */
  readonly hasChosenKey: boolean
  /** Whether the response is the output `result` of the step. */
  readonly hasResult: boolean
}

/** The warnings about the response to a request: sentences without their full stops. */
export function responseWarnings(
  { unreadable, response, warning, duplicate }: Reconciled,
  { request, outcome, hasChosenKey, hasResult }: ResponseSubject,
): string[] {
  const messages: string[] = warning === undefined ? [] : [warning]
  const result = (content: string) => (hasResult ? content : '')
  if (unreadable) {
    const content = response?.text.trim() === '' ? 'is null' : 'contains the response body as received'
    messages.push(
      `Vercel accepted the request, but @vercel/sdk cannot read the response: ${unreadable}${result(`. \`result\` ${content}`)}`,
    )
  }
  if (response?.tooLong) {
    messages.push(
      `Vercel accepted the request, but the response is longer than 10 MiB and was not read${result(': `result` is null')}`,
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
  // The invoice of a chosen key may be another one than this.
  if (hasChosenKey && duplicate && response) {
    messages.push(
      'An invoice with this externalId exists, and Vercel does not return its content: if this payload has changed since it was submitted, compare the two',
    )
  }
  return messages
}
