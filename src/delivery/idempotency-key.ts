// The key of an invoice: an `externalId` made from what the invoice says, so that a re-run, a retry and a second
// workflow with the same invoice meet at Vercel instead of billing twice.

import { hash } from 'node:crypto'
import type { MarketplaceRequest } from '../operations/request.ts'
import { canonicalText, sortedNames } from '../payload/canonical-json.ts'

/**
 * Derives the key from the installation and the invoice's content. The order of fields, blanks, the spelling of times
 * and closing zeros of amounts do not matter. It must never change: an invoice that was sent with the key of an earlier
 * version would be billed again.
 *
 * @returns `auto-` and 128 bits of SHA-256 in hexadecimal
 */
export function deriveExternalId({ params, body }: MarketplaceRequest): string {
  const { externalId: _, ...content } = body ?? {}
  const text = canonicalContent([params.integrationConfigurationId, content])
  return `auto-${hash('sha256', text).slice(0, 32)}`
}

/**
 * What is wrong with the key that is wanted for an invoice: a clause that continues "externalId … ".
 *
 * @param wanted  `auto`, `none`, or the key itself; a payload's own key stands and has to agree
 */
export function keyProblem({ body }: MarketplaceRequest, wanted: string): string | undefined {
  const own = body?.externalId
  if (own === undefined || wanted === 'auto' || wanted === own) return undefined
  const rule =
    wanted === 'none' ? 'is set, but the input `external-id` is `none`' : 'differs from the input `external-id`'
  return `${rule}: remove one of them`
}

/** The key that an invoice is sent with, where nothing is wrong with the wanted one; undefined if it is sent without. */
export function keyOf(request: MarketplaceRequest, wanted: string): string | undefined {
  const own = request.body?.externalId
  if (own !== undefined) return own as string
  if (wanted === 'none') return undefined
  return wanted === 'auto' ? deriveExternalId(request) : wanted
}

/** An invoice with the key that is wanted for it, where nothing is wrong with that. */
export function withKey(
  request: MarketplaceRequest,
  wanted: string,
): { readonly request: MarketplaceRequest; readonly derived: boolean } {
  if (request.body?.externalId !== undefined || wanted === 'none') return { request, derived: false }
  const externalId = keyOf(request, wanted)
  const shown = () => ({ ...(request.redacted() as object), externalId })
  return {
    request: { ...request, body: { ...request.body, externalId }, redacted: shown },
    derived: wanted === 'auto',
  }
}

const amounts = new Set(['price', 'total', 'amount'])

/** JSON with sorted keys, instants in UTC, and decimals without zeros that say nothing. */
function canonicalContent(value: unknown, name?: string): string {
  if (typeof value === 'string') return canonicalText(amounts.has(String(name)) ? plain(value) : value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (value instanceof Date) return canonicalInstant(value.getTime())
  let text = ''
  if (Array.isArray(value)) {
    for (const entry of value) text += `${text && ','}${canonicalContent(entry)}`
    return `[${text}]`
  }
  for (const key of sortedNames(value)) {
    const entry = (value as Record<string, unknown>)[key]
    if (entry !== undefined) text += `${text && ','}${canonicalText(key)}:${canonicalContent(entry, key)}`
  }
  return `{${text}}`
}

/** Many invoices of a batch have the same times. */
const maxKnownInstants = 1000
const knownInstants = new Map<number, string>()

/** @param ms  since 1970 */
function canonicalInstant(ms: number): string {
  const known = knownInstants.get(ms)
  if (known !== undefined) return known
  const text = `"${new Date(ms).toISOString()}"`
  // Stryker disable next-line all: limits the memory, and changes no key
  if (knownInstants.size >= maxKnownInstants) knownInstants.clear()
  knownInstants.set(ms, text)
  return text
}

/** `007.50` → `7.5`. */
function plain(amount: string): string {
  // Stryker disable next-line all: a shortcut for amounts that are plain already; without it the result is the same
  if (/^(?:0|[1-9]\d*)(?:\.\d*[1-9])?$/.test(amount)) return amount
  const [whole = '', fraction = ''] = amount.split('.')
  const kept = fraction.replace(/0+$/, '')
  return `${whole.replace(/^0+(?=\d)/, '')}${kept && `.${kept}`}`
}
