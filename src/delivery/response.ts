// Reads responses: their body, and Vercel's id of the request. Their errors are in error-response.ts.

import type { HttpResponse } from '../http/transport.ts'

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
