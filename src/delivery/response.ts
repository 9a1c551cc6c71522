// What a response means, and what to do about one that is not a success.

import { Failure, type FailureCode } from '../failure.ts'
import type { ProxyName } from '../http/proxy.ts'
import type { HttpResponse } from '../http/transport.ts'
import type { TransportError, TransportFailure } from '../http/transport-error.ts'
import type { Operation } from '../operations/operation.ts'
import { isObject } from '../payload/schema.ts'

/** Vercel's id of the request, for its support. */
export const requestId = ({ headers }: HttpResponse): string => headers['x-vercel-id'] ?? ''

/** What nests deeper is not a response of the API, and walking through it can overflow the stack. */
const maxBodyDepth = 200

/** The body of a response: parsed if it is JSON, the text if it is not or nests too deeply, undefined if it is empty. */
export function parseBody({ text }: Pick<HttpResponse, 'text'>): unknown {
  if (text.trim() === '') return undefined
  if (isTooDeep(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Counts brackets outside of texts: that neither recurses nor parses. */
function isTooDeep(text: string): boolean {
  if (text.length <= 2 * maxBodyDepth) return false
  let depth = 0
  let inText = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === 0x22) inText = !inText
    else if (char === 0x5c && inText) at++
    else if (inText) continue
    else if (char === 0x5b || char === 0x7b) depth++
    else if (char === 0x5d || char === 0x7d) depth--
    if (depth > maxBodyDepth) return true
  }
  return false
}

/**
 * The failure that an unsuccessful response means.
 *
 * @param foreign  why a 2xx response is not an answer of the API
 */
export async function failureFromResponse(
  operation: Operation,
  response: HttpResponse,
  foreign?: string,
): Promise<Failure> {
  const { status } = response
  const { code, message } = errorOf(response)
  const id = requestId(response)
  const said = `${message && `: ${message}`}${id && ` (request ${id})`}`
  const coded = `${status}${code && ` ${code}`}`
  const proxy = answeringProxy(response)
  const isPage = foreign === undefined && isHtml(response)
  const server = proxy ? `The proxy ${proxy.address}, or Vercel behind it,` : 'Vercel'
  const sentence = isPage
    ? `${operation.sdkName} was answered with ${status} and ${htmlPage}${id && ` (request ${id})`}`
    : foreign
      ? `${operation.sdkName} was answered with ${coded} and ${foreign}${code ? said : id && ` (request ${id})`}`
      : status >= 500
        ? `${server} answered ${coded} to ${operation.sdkName}${said}`
        : `${server} ${status >= 300 && status < 400 ? 'redirected' : 'refused'} ${operation.sdkName} with ${coded}${said}`
  return new Failure(`http_${status}`, sentence, {
    hint: foreign
      ? undefined
      : isPage
        ? 'Check `api-url`, and the proxy or firewall'
        : await hintFor(response, operation),
    vercelCode: code || undefined,
  })
}

/** What an HTML page means, instead of JSON. */
export const htmlPage = 'an HTML page instead of JSON, probably from a proxy between the runner and Vercel'

/** Whether a response is an HTML page, which the API never sends. */
export const isHtml = ({ headers, text }: HttpResponse): boolean =>
  (headers['content-type']?.includes('text/html') && !/^\s*(?:[[{"]|$)/.test(text)) ||
  /^\s*<(?:!doctype|html|head|body|\?xml)/i.test(text)

/** The proxy, if the response may be its own. Over plain http nothing else tells the two from each other. */
const answeringProxy = ({ status, proxy }: HttpResponse): ProxyName | undefined =>
  [407, 502, 503, 504].includes(status) ? proxy : undefined

/** The public code for each way in which an exchange fails. */
const transportCodes: Record<TransportFailure, FailureCode> = {
  connect: 'unopened',
  timeout: 'timeout',
  reset: 'broken',
  protocol: 'garbage',
  cancelled: 'cancelled',
  throttled: 'throttled',
}

/** The failure that an exchange without a complete response means. */
export function failureFromTransport({ sdkName }: Operation, error: TransportError): Failure {
  const isThrottled = error.failure === 'throttled'
  const what = isThrottled ? 'was not accepted' : 'got no answer'
  const hint = isThrottled ? 'Run again after that, or raise retry-timeout' : undefined
  return new Failure(transportCodes[error.failure], `${sdkName} ${what}: ${error.message}`, { hint, cause: error })
}

/** An error response in short: status, code, message. */
export function describeError(response: HttpResponse): string {
  const { code, message } = errorOf(response)
  return `${response.status}${code && ` ${code}`}${message && `: ${message}`}`
}

/** Vercel's own code and message: `{"error":{"code","message"}}`, or the same without the wrapping. */
export function errorOf(response: HttpResponse): { code: string; message: string } {
  const body = parseBody(response)
  const error = isObject(body) && isObject(body.error) ? body.error : body
  if (!isObject(error)) return { code: '', message: typeof error === 'string' ? truncate(error, 300) : '' }
  const text = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')
  return { code: text(error.code), message: truncate(text(error.message), 1000) }
}

/**
 * Cuts a text to its first `max` characters and marks the cut with `…`, by which a secret that was cut is found (see
 * src/secrets.ts).
 */
export const truncate = (text: string, max: number): string =>
  text.length > max ? `${text.slice(0, max).replace(/[\ud800-\udbff]$/, '')}…` : text

async function hintFor(response: HttpResponse, { deniedHint }: Operation): Promise<string | undefined> {
  const { status, headers } = response
  const proxy = answeringProxy(response)
  if (proxy) return `Check ${status === 407 ? 'the user and password in ' : ''}${proxy.variable}`
  if (status >= 300 && status < 400) {
    const to = headers.location ? ` (it points to ${originOf(headers.location)})` : ''
    return `Redirects are not followed, because the token would be sent along${to}: set \`api-url\` to the API itself`
  }
  if (deniedHint && (status === 401 || status === 403)) return deniedHint
  const { failures, httpFailure } = await import('../failure-register.ts')
  const entry = httpFailure(status)
  // What Vercel says of another 4xx is more than we know.
  return entry === failures.http_4xx ? undefined : entry.remedy
}

const originOf = (location: string) => (URL.canParse(location) ? new URL(location).origin : 'another path')
