// The digest of a payload's content, by which runs and approvals recognise it.

import { hash } from 'node:crypto'
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

/** Most texts have no character that JSON writes as an escape, and `JSON.stringify` takes a while for each. */
const canonicalText = (text: string): string => (/^[ !#-[\]-~]*$/.test(text) ? `"${text}"` : JSON.stringify(text))

/** The names of an object's fields, in the order of UTF-16 code units. For a few names, `sort` is slower. */
function sortedNames(value: object): string[] {
  const names = Object.keys(value)
  if (names.length > 16) return names.sort()
  for (let end = 1; end < names.length; end++) {
    const name = names[end] as string
    let at = end
    for (; at > 0 && (names[at - 1] as string) > name; at--) names[at] = names[at - 1] as string
    names[at] = name
  }
  return names
}
