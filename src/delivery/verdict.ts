// What an attempt means for the next one: the only place that decides whether a request may have been processed.

import type { HttpResponse } from '../http/transport.ts'
import type { TransportError } from '../http/transport-error.ts'
import type { MarketplaceRequest } from '../operations/request.ts'
import { isObject } from '../payload/schema.ts'
import { htmlPage, isHtml, parseBody } from './response.ts'

/**
 * - `succeeded`: Vercel accepted it: any 2xx, even one that the SDK cannot read
 * - `rejected`: Vercel refused it and changed nothing
 * - `not-processed`: it cannot have been processed. It was throttled (429 comes before any processing), or no connection
 *   opened, so that no byte of it was sent
 * - `unknown`: it may have been processed. A time-out, a broken connection and a truncated response come as often after
 *   the work as before it. So do 5xx: a gateway answers 502 or 504 while the server behind it carries on
 */
export type Verdict = 'succeeded' | 'rejected' | 'not-processed' | 'unknown'

export type AttemptResult = { readonly response: HttpResponse } | { readonly error: TransportError }

/** What the result of one attempt says about the request. See {@link Verdict}. */
export function verdictOf(result: AttemptResult): Verdict {
  if ('error' in result) return result.error.mayHaveArrived ? 'unknown' : 'not-processed'
  const { status } = result.response
  if (status >= 200 && status <= 299) return foreignBody(result.response) ? 'unknown' : 'succeeded'
  if (status === 429) return 'not-processed'
  return status === 408 || status >= 500 ? 'unknown' : 'rejected'
}

/** Why a 2xx response is not an answer of the API, if it is not: a proxy's page, or a JSON object with an `error`. */
export function foreignBody(response: HttpResponse): string | undefined {
  const { text } = response
  if (isHtml(response)) return htmlPage
  // Stryker disable next-line all: a shortcut, because most responses are not parsed here; without it the result is the same
  if (!text.includes('"error"')) return undefined
  const body = parseBody({ text })
  return isObject(body) && body.error !== undefined && body.error !== null ? 'an error in the body' : undefined
}

/** Whether repeating the request does no harm: it is idempotent, or an invoice with a key that Vercel accepts once. */
export function isSafeToRepeat({ operation, body }: MarketplaceRequest): boolean {
  if (operation.retry === 'idempotency-key') return body?.externalId !== undefined
  return operation.retry === 'idempotent'
}

/** The 5xx that pass by themselves. Another 5xx and 408 would come back the same: retrying them does not help. */
const transientStatuses = new Set([500, 502, 503, 504])

/** Whether an attempt's result alone is a reason to send the request again. */
export function shouldRetry(request: MarketplaceRequest, result: AttemptResult): boolean {
  if ('error' in result && ['cancelled', 'throttled'].includes(result.error.failure)) return false
  const verdict = verdictOf(result)
  if (verdict === 'not-processed') return true
  if (verdict !== 'unknown' || !isSafeToRepeat(request)) return false
  if ('error' in result) return true
  const { status } = result.response
  return status < 300 || transientStatuses.has(status)
}
