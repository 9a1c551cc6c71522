// A payload as it may be shown.

import { variantOf } from '../payload/check.ts'
import { isReference } from '../payload/references.ts'
import { isObject, type Schema } from '../payload/schema.ts'

export const redactedMark = '***'

/**
 * Replaces the values of secret fields. References stay as they are written: they show where a value comes from and
 * not the value.
 *
 * @param value  one that its schema has let through, before references were resolved
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
