// Adds the texts of field-meanings.ts to the schemas of payloads, which have no descriptions in the bundle.

import type { Operation } from '../../src/operations/catalogue.ts'
import type { ObjectSchema, Schema } from '../../src/payload/schema.ts'
import { fieldMeanings, parameterMeanings } from './field-meanings.ts'
import type { FieldMeaning, FieldMeanings } from './meanings.ts'

/** The meanings of the fields of an operation's body; empty if it has no body. */
export const bodyMeanings = ({ name }: Operation): FieldMeanings =>
  (fieldMeanings as Readonly<Record<string, FieldMeanings>>)[name] ?? {}

/** What a field means, without the texts of its fields. */
export const textOf = (meaning: FieldMeaning): string => (typeof meaning === 'string' ? meaning : meaning[0])

/** The meanings of the fields of an object; empty if it has no fields of its own. */
export const fieldsOf = (meaning: FieldMeaning): FieldMeanings => (typeof meaning === 'string' ? {} : meaning[1])

/**
 * Adds descriptions to the schema of an operation's payloads.
 *
 * @param schema  flat, or with the body under `requestBody`
 */
export function describedSchema(schema: Schema, operation: Operation): Schema {
  const body = bodyMeanings(operation)
  return withFields(schema, { ...parameterMeanings, ...body, requestBody: ['The body of the request', body] })
}

/** Adds descriptions to the fields of a schema: those of an object, of a list's elements, or of a union's variants. */
function withFields(schema: Schema, meanings: FieldMeanings): Schema {
  if (schema.kind === 'list') return { ...schema, of: withFields(schema.of, meanings) }
  if (schema.kind === 'oneOf') return { ...schema, variants: schema.variants.map((one) => withFields(one, meanings)) }
  return schema.kind === 'object' ? withDescribedFields(schema, meanings) : schema
}

function withDescribedFields(schema: ObjectSchema, meanings: FieldMeanings): ObjectSchema {
  const fields = Object.entries(schema.fields).map(([name, field]) => {
    const meaning = meanings[name]
    if (meaning === undefined) throw new Error(`${name} has no text in scripts/reference/field-meanings.ts`)
    const described = { ...withFields(field.schema, fieldsOf(meaning)), description: textOf(meaning) }
    return [name, { ...field, schema: described }]
  })
  return { ...schema, fields: Object.fromEntries(fields) }
}
