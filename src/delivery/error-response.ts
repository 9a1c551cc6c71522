// What an error response says: Vercel's code and message, and whether they prove that an earlier attempt arrived. A chunk
// of its own, because most responses are not errors.

import type { HttpResponse } from '../http/transport.ts'
import type { ArrivalProof } from '../operations/definition.ts'
import type { MarketplaceRequest } from '../operations/request.ts'
import { isObject } from '../payload/schema.ts'
import { parseBody } from './response.ts'

/** An error response in short: status, code, message. */
export function describeError(response: HttpResponse): string {
  const { code, message } = errorOf(response)
  return `${response.status}${code && ` ${code}`}${message && `: ${message}`}`
}

/**
 * Vercel's own code and message: `{"error":{"code","message"}}`, the same without the wrapping, or an `error` that is a
 * text: a code, as in OAuth (RFC 6749 §5.2), or a sentence.
 */
export function errorOf(response: HttpResponse): { code: string; message: string } {
  const body = parseBody(response)
  const error = isObject(body) && isObject(body.error) ? body.error : body
  if (!isObject(error)) return { code: '', message: typeof error === 'string' ? truncate(error, 300) : '' }
  const text = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')
  const said = text(error.error)
  const isCode = /^[a-z][a-z0-9_.-]*$/.test(said)
  const code = text(error.code) || (isCode ? said : '')
  const message = text(error.message) || text(error.error_description) || (isCode ? '' : said)
  return { code: truncate(code, 200), message: truncate(message, 1000) }
}

/**
 * Cuts a text to its first `max` characters and marks the cut with `…`, by which a secret that was cut is found (see
 * src/secrets.ts).
 */
export const truncate = (text: string, max: number): string =>
  text.length > max ? `${text.slice(0, max).replace(/[\ud800-\udbff]$/, '')}…` : text

/** Whether a rejection, after an attempt with an unknown outcome, proves that the attempt arrived. */
export function provesArrival({ operation }: MarketplaceRequest, response: HttpResponse): boolean {
  const { arrivalProofs = [] } = operation
  return arrivalProofs.some((proof) => isProof(proof, response))
}

/** Whether a response has the status of a proof, and says what the proof must say. */
function isProof({ statuses, says, saysNot }: ArrivalProof, response: HttpResponse): boolean {
  if (!statuses.includes(response.status)) return false
  const { code, message } = errorOf(response)
  const said = `${code.replaceAll('_', ' ')} ${message}`
  return (!says || says.test(said)) && !saysNot?.test(said)
}
