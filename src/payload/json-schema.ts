// A schema as JSON Schema (draft-07, which every editor knows), for completion and hints in payload files. Not part of
// the bundle: scripts/schemas.ts writes the files.

import type { Schema } from './schema.ts'

type JsonSchema = Record<string, unknown>

/** A text, or a reference to one. */
const textual = (schema: JsonSchema, description: JsonSchema): JsonSchema => ({
  ...description,
  anyOf: [schema, { $ref: '#/definitions/reference' }],
})

export const definitions = {
  reference: {
    description: 'A value from the environment of the step, or from a file of the workspace',
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

/** Translates a schema. What `check` says beyond JSON Schema (real days, sums, periods) is left to it. */
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
      return textual({ type: 'string', minLength: 1, pattern: '^[^/\\\\?#]+$' }, description)
    case 'decimal':
      return textual({ type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?$' }, description)
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
        properties: Object.fromEntries(fields.map(([name, field]) => [name, jsonSchema(field.schema)])),
        ...(required.length > 0 && { required }),
        additionalProperties: schema.open ?? false,
      }
    }
    case 'oneOf':
      return { ...description, anyOf: schema.variants.map(jsonSchema) }
  }
}
