// Kinds of values in words, for messages.

import { isReference } from './references.ts'
import type { Schema } from './schema.ts'

/** What a value is, in words, without showing it. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (isReference(value)) return 'a reference, which can only replace text'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') return 'text'
  return typeof value === 'number' ? 'a number' : `${value}`
}

/** `` `a` ``, or ``one of `a`, `b` ``. */
export const listOf = (values: readonly string[]): string =>
  values.length === 1 ? `\`${values[0]}\`` : `one of ${values.map((value) => `\`${value}\``).join(', ')}`

const expected: Partial<Record<Schema['kind'], string>> = {
  decimal: 'a decimal such as "12.50"',
  time: 'a time such as "2025-01-31T00:00:00Z"',
  list: 'a list',
  object: 'an object',
  number: 'a number',
  flag: 'true or false',
}

/** What to say about a required field that is missing, with the kind of value that it takes. */
export function missingMessage(schema: Schema): string {
  const kind = schema.kind === 'choice' ? listOf(schema.all ?? schema.values) : expected[schema.kind]
  return kind === undefined ? 'is missing' : `is missing (expected ${kind})`
}
