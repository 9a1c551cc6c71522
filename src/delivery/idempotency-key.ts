// The key of an invoice: an `externalId` made from what the invoice says, so that a re-run, a retry and a second
// workflow with the same invoice meet at Vercel instead of billing twice.

import { createHash } from 'node:crypto'
import type { MarketplaceRequest } from '../operations/request.ts'

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
  return `auto-${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
}

/**
 * What is wrong with the key that is wanted for an invoice.
 *
 * @param wanted  `auto`, `none`, or the key itself; a payload's own key stands and has to agree
 */
export function keyProblem({ body }: MarketplaceRequest, wanted: string): string | undefined {
  const own = body?.externalId
  if (own === undefined || wanted === 'auto' || wanted === own) return undefined
  const rule = wanted === 'none' ? 'is `none`, but the payload has one' : "differs from the payload's"
  return `input \`external-id\` ${rule}: remove one of them`
}

/** An invoice with the key that is wanted for it, where nothing is wrong with that. */
export function withKey(
  request: MarketplaceRequest,
  wanted: string,
): { readonly request: MarketplaceRequest; readonly derived: boolean } {
  if (request.body?.externalId !== undefined || wanted === 'none') return { request, derived: false }
  const derived = wanted === 'auto'
  const externalId = derived ? deriveExternalId(request) : wanted
  const shown = () => ({ ...(request.redacted() as object), externalId })
  return { request: { ...request, body: { ...request.body, externalId }, redacted: shown }, derived }
}

const amounts = new Set(['price', 'total', 'amount'])

/** JSON with sorted keys, instants in UTC, and decimals without zeros that say nothing. */
function canonicalContent(value: unknown, name = ''): string {
  if (value instanceof Date) return JSON.stringify(value.toISOString())
  if (Array.isArray(value)) return `[${value.map((entry) => canonicalContent(entry)).join(',')}]`
  if (typeof value === 'string' && amounts.has(name)) return JSON.stringify(plain(value))
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value)
    .filter(([, entry]) => entry !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, entry]) => `${JSON.stringify(key)}:${canonicalContent(entry, key)}`)
  return `{${fields.join(',')}}`
}

/** `007.50` → `7.5`. */
const plain = (amount: string) => {
  const [whole = '', fraction = ''] = amount.split('.')
  const kept = fraction.replace(/0+$/, '')
  return `${whole.replace(/^0+(?=\d)/, '')}${kept && `.${kept}`}`
}
