// Converts schemas to JSON Schema (draft-07, which most editors support), for completion and hints in payload files. Not
// part of the bundle: scripts/schemas.ts writes the files. See https://json-schema.org/draft-07

import type { Schema } from './schema.ts'
import { maxDecimalChars } from './text-problems.ts'

type JsonSchema = Record<string, unknown>

/** Text, or a reference to text. */
const textual = (schema: JsonSchema, description: JsonSchema): JsonSchema => ({
  ...description,
  anyOf: [schema, { $ref: '#/definitions/reference' }],
})

/** The definitions that the schemas refer to. */
export const definitions = {
  reference: {
    description: 'Reads a value from an environment variable of the step, or from a file of the workspace',
    oneOf: [
      reference('$env', 'The name of an environment variable of the step'),
      reference('$file', 'A path in the workspace; one newline at the end of the file is dropped'),
    ],
  },
}

function reference(name: string, description: string): JsonSchema {
  return {
    type: 'object',
    properties: { [name]: { type: 'string', minLength: 1, description } },
    required: [name],
    additionalProperties: false,
  }
}

/** The field of an open object that holds further fields, as in the SDK's types. */
const furtherFields: JsonSchema = {
  type: 'object',
  description: 'Further fields. They may also stand beside the known ones',
}

/** Converts a schema. It accepts more than `check`, which also verifies dates, sums and periods. */
export function jsonSchema(schema: Schema): JsonSchema {
  const description = schema.description === undefined ? {} : { description: schema.description }
  switch (schema.kind) {
    case 'text': {
      const { max, format, secret } = schema
      return textual(
        {
          type: 'string',
          ...(secret && { minLength: 1, not: { const: '***' } }),
          ...(max !== undefined && { maxLength: max }),
          ...(format && { format }),
        },
        description,
      )
    }
    case 'segment':
      return textual(
        { type: 'string', minLength: 1, pattern: '^[^/\\\\?#\\s]([^/\\\\?#]*[^/\\\\?#\\s])?$' },
        description,
      )
    case 'decimal':
      return textual({ type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?$', maxLength: maxDecimalChars }, description)
    case 'time':
      return textual({ type: 'string', format: 'date-time' }, description)
    case 'choice':
      return textual({ type: 'string', enum: [...schema.values] }, description)
    case 'number':
      return { ...description, type: 'number' }
    case 'flag':
      return { ...description, type: 'boolean' }
    case 'nothing':
      return { ...description, type: 'null' }
    case 'json':
      return description
    case 'record':
      return { ...description, type: 'object' }
    case 'list':
      return {
        ...description,
        type: 'array',
        items: jsonSchema(schema.of),
        ...(schema.max !== undefined && { maxItems: schema.max }),
      }
    case 'object': {
      const fields = Object.entries(schema.fields)
      const required = fields.filter(([, { optional }]) => !optional).map(([name]) => name)
      return {
        ...description,
        type: 'object',
        properties: {
          ...Object.fromEntries(fields.map(([name, field]) => [name, jsonSchema(field.schema)])),
          ...(schema.open && { additionalProperties: furtherFields }),
        },
        ...(required.length > 0 && { required }),
        additionalProperties: schema.open ?? false,
      }
    }
    case 'oneOf':
      return { ...description, anyOf: schema.variants.map(jsonSchema) }
  }
}
