// What an response means, and what to do about one that is no success.

import { Failure } from '../failure.ts'
import type { HttpResponse } from '../http/transport.ts'
import { isObject } from '../payload/schema.ts'

/** Vercel's id of the request, for its support. */
export const requestId = ({ headers }: HttpResponse): string => headers['x-vercel-id'] ?? ''

/**
 * The body of an response as a value: parsed where it is JSON, the text where it is not, undefined where there is none.
 */
export function parseBody({ text }: HttpResponse): unknown {
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** An response that is no success, as the failure that it means for the step. */
export function failureFromResponse(operation: string, response: HttpResponse): Failure {
  const { code } = errorOf(response)
  const id = requestId(response)
  const { status } = response
  const did = status >= 300 && status < 400 ? 'redirected' : status >= 500 ? 'failed' : 'refused'
  const sentence = `Vercel ${did} ${operation} with ${describeError(response)}${id ? ` (request ${id})` : ''}`
  return new Failure(code || `http_${status}`, sentence, { hint: hintFor(response, operation) })
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

/** The end is marked: a secret that was cut there is found by it. */
const truncate = (text: string, most: number) => (text.length > most ? `${text.slice(0, most)}…` : text)

function hintFor({ status, headers }: HttpResponse, operation: string): string | undefined {
  if (status >= 300 && status < 400) {
    const to = headers.location ? ` (it points to ${originOf(headers.location)})` : ''
    return `Redirects are not followed, since the token would travel along${to}: set \`api-url\` to the API itself`
  }
  switch (status) {
    case 401:
    case 403:
      return operation === 'exchangeSsoToken'
        ? 'Check clientId and clientSecret: they are those of the integration'
        : "The token must be this installation's credentials.access_token, as Vercel handed it over when the integration was installed, not a personal token, and not revoked"
    case 404:
      return 'Check the ids: they must be of this installation, and the token is good for its own installation alone'
    case 409:
      return 'It conflicts with what Vercel has: read the present state before you send it again'
    case 410:
      return 'The installation or resource has been deleted'
    case 413:
      return 'The request is too large: split it'
    case 429:
      return 'Too many requests: try again later, or send fewer at once'
    default:
      return status >= 500 ? 'The fault is with Vercel: see https://www.vercel-status.com' : undefined
  }
}

const originOf = (location: string) => (URL.canParse(location) ? new URL(location).origin : 'another path')
