// The digest of a payload's content, by which runs and approvals recognise it.

import { hash } from 'node:crypto'
import { canonicalText, sortedNames } from './canonical-json.ts'
import { isReference, type ReferenceSources, resolve } from './references.ts'
import { isObject } from './schema.ts'

export interface Content {
  /** As written: references unresolved, no defaults filled in. */
  readonly payload: unknown
  /** The values of its secret fields. */
  readonly secrets: readonly string[]
  /** The key that hides the secrets: whoever reads a digest cannot try values. */
  readonly token: string
  readonly sources: ReferenceSources
}

/**
 * The SHA-256 of a payload, in hexadecimal. The order of fields does not matter. If the payload has secrets or
 * references, their values count too, under the token. It must never change: journals identify records by it.
 */
export function contentDigest({ payload, secrets, token, sources }: Content): string {
  const hidden = [...secrets]
  const text = canonicalPayload(payload, (reference) => {
    const resolved = resolve(reference, sources)
    hidden.push('text' in resolved ? resolved.text : '')
  })
  return hash('sha256', hidden.length === 0 ? text : hash('sha256', JSON.stringify([token, text, hidden])))
}

/** JSON with its keys in order. */
function canonicalPayload(value: unknown, refer: (reference: Record<string, unknown>) => void): string {
  if (typeof value === 'string') return canonicalText(value)
  if (Array.isArray(value)) return `[${value.map((entry) => canonicalPayload(entry, refer)).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  if (isReference(value)) refer(value)
  let text = ''
  for (const name of sortedNames(value)) {
    text += `${text && ','}${canonicalText(name)}:${canonicalPayload(value[name], refer)}`
  }
  return `{${text}}`
}
