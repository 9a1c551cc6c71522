// Reads responses: their body, their error, Vercel's id of the request.

import type { HttpResponse } from '../http/transport.ts'
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
  // Stryker disable next-line all: a shortcut, because a short text cannot nest deeply
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

/** What an HTML page means, instead of JSON. */
export const htmlPage = 'an HTML page instead of JSON, probably from a proxy between the runner and Vercel'

/** Whether a response is an HTML page, which the API never sends. */
export const isHtml = ({ headers, text }: HttpResponse): boolean =>
  (/text\/html|application\/xhtml/i.test(headers['content-type'] ?? '') && !/^\s*(?:[[{"]|$)/.test(text)) ||
  /^\s*<(?:!doctype|!--|html|head|body|title|meta|script|\?xml)/i.test(text)

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
