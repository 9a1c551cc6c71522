// Removes secrets from payloads, so that they can be shown.

import { variantOf } from '../payload/check.ts'
import { isReference } from '../payload/references.ts'
import { isObject, type Schema } from '../payload/schema.ts'

/** Replaces a secret. */
export const redactedMark = '***'

/**
 * Replaces the values of secret fields. References are kept: they show the source of a value, not the value.
 *
 * @param value  a value that its schema accepted, with references that are not resolved
 */
export function redact(schema: Schema, value: unknown): unknown {
  if (value === undefined || isReference(value)) return value
  switch (schema.kind) {
    case 'text':
      return schema.secret ? redactedMark : value
    case 'list':
      return Array.isArray(value) ? value.map((entry) => redact(schema.of, entry)) : value
    case 'object': {
      if (!isObject(value)) return value
      const entries = Object.entries(value).map(([name, entry]) => {
        const field = Object.hasOwn(schema.fields, name) ? schema.fields[name] : undefined
        return [name, field ? redact(field.schema, entry) : entry]
      })
      return Object.fromEntries(entries)
    }
    case 'oneOf':
      return redact(variantOf(schema, value), value)
    default:
      return value
  }
}
