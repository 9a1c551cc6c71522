// What an attempt means for the next one. The only place that decides whether a request can have done its work.

import type { HttpResponse, TransportError } from '../http/transport.ts'
import type { MarketplaceRequest } from '../operations/request.ts'

/**
 * - `done`: Vercel took it (any 2xx, whatever it says)
 * - `refused`: Vercel said no, and did nothing
 * - `untouched`: nothing can have happened: it was throttled (429 comes before any work), or no connection opened, so
 *   that not a byte of the request had been sent
 * - `unclear`: it may have done its work. A time-out, a broken connection and a cut-off response come as often after the
 *   work as before it. So do 5xx: a gateway answers 502 or 504 while the server behind it goes on
 */
export type Verdict = 'succeeded' | 'rejected' | 'not-processed' | 'unknown'

/** The 5xx that pass by themselves. The others, and 408, come back the same: as unclear, but not worth a repeat. */
const transientStatuses = new Set([500, 502, 503, 504])

export type AttemptResult = { readonly response: HttpResponse } | { readonly error: TransportError }

export function verdictOf(result: AttemptResult): Verdict {
  if ('error' in result) return result.error.mayHaveArrived ? 'unknown' : 'not-processed'
  const { status } = result.response
  if (status >= 200 && status <= 299) return 'succeeded'
  if (status === 429) return 'not-processed'
  return status === 408 || status >= 500 ? 'unknown' : 'rejected'
}

/**
 * Whether a repeat of the request can do no harm: a repeatable operation's, or an invoice's that carries the key by
 * which Vercel knows it again.
 */
export function isSafeToRepeat({ operation, body }: MarketplaceRequest): boolean {
  if (operation.retry === 'idempotency-key') return body?.externalId !== undefined
  return operation.retry === 'idempotent'
}

/** Whether to send a request again after an attempt, as far as the attempt is concerned. */
export function shouldRetry(request: MarketplaceRequest, result: AttemptResult): boolean {
  if ('error' in result && ['cancelled', 'throttled'].includes(result.error.failure)) return false
  const verdict = verdictOf(result)
  if (verdict === 'not-processed') return true
  if (verdict !== 'unknown' || !isSafeToRepeat(request)) return false
  return 'error' in result || transientStatuses.has(result.response.status)
}

/** A refusal that says, after an unclear attempt, that the attempt had done the work. */
export function provesArrival({ operation }: MarketplaceRequest, { status }: HttpResponse): boolean {
  if (operation.method === 'DELETE') return status === 404
  return status === 409 && conflictsWithItself.has(operation.name)
}

const conflictsWithItself = new Set(['submitInvoice', 'finalizeInstallation', 'createExperimentationItems'])
