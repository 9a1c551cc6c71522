// The fields of an operation's payload as a table: path, type with its limits, whether it is required, and meaning.

import type { Operation } from '../../src/operations/catalogue.ts'
import { requestShape } from '../../src/operations/request.ts'
import type { Field, ObjectSchema, Schema } from '../../src/payload/schema.ts'
import { maxDecimalChars } from '../../src/payload/text-problems.ts'
import { bodyMeanings, fieldsOf, textOf } from './described-schema.ts'
import { parameterMeanings } from './field-meanings.ts'
import { code, listed, sentence, table } from './markdown.ts'
import type { FieldMeanings } from './meanings.ts'

interface FieldRow {
  readonly path: string
  readonly schemas: readonly Schema[]
  readonly required: 'yes' | 'no' | 'depends'
  readonly meaning: string
}

/** The table of the fields of a flat payload. */
export function fieldTable(operation: Operation): string {
  const { flat } = requestShape(operation)
  const meanings = { ...parameterMeanings, ...bodyMeanings(operation) }
  const isParameter = (path: string) => (operation.pathParameters as readonly string[]).includes(path)
  const rows = fieldRows([flat], meanings, '', new Map()).map(({ path, schemas, required, meaning }) => [
    code(path),
    [...new Set(schemas.map(typeText))].join(', or '),
    isParameter(path) ? 'yes' : required,
    sentence(meaning),
  ])
  return table(['field', 'type', 'required', 'meaning'], rows)
}

/** The objects of a schema that have fields, with the suffix of their path: `[]` for the elements of a list. */
function objectsIn(schema: Schema, suffix = ''): { readonly object: ObjectSchema; readonly suffix: string }[] {
  if (schema.kind === 'list') return objectsIn(schema.of, `${suffix}[]`)
  if (schema.kind === 'oneOf') return schema.variants.flatMap((variant) => objectsIn(variant, suffix))
  return schema.kind === 'object' ? [{ object: schema, suffix }] : []
}

/**
 * The rows of the fields of some schemas.
 *
 * @param seen  the path at which each object was described, which is described once
 */
function fieldRows(
  schemas: readonly Schema[],
  meanings: FieldMeanings,
  prefix: string,
  seen: Map<ObjectSchema, string>,
): FieldRow[] {
  const objects = schemas.flatMap((schema) => objectsIn(schema))
  return [...new Set(objects.map(({ suffix }) => suffix))].flatMap((suffix) => {
    const variants = objects.filter((one) => one.suffix === suffix).map(({ object }) => object)
    const path = prefix + suffix
    const [first] = variants
    const known = first && seen.get(first)
    if (first && known !== undefined) {
      return [{ path, schemas: [first], required: 'no', meaning: `The same fields as \`${known}\`` }]
    }
    for (const variant of variants) seen.set(variant, path)
    return variantRows(variants, meanings, path === '' ? '' : `${path}.`, seen)
  })
}

/** The rows of the fields of an object, or of the variants of a union. */
function variantRows(
  variants: readonly ObjectSchema[],
  meanings: FieldMeanings,
  prefix: string,
  seen: Map<ObjectSchema, string>,
): FieldRow[] {
  const names = [...new Set(variants.flatMap(({ fields }) => Object.keys(fields)))]
  return names.flatMap((name) => {
    const meaning = meanings[name] ?? ''
    const fields = variants.map((variant) => variant.fields[name])
    const schemas = fields.flatMap((field) => field?.schema ?? [])
    const row = { path: prefix + name, schemas, required: requirement(fields), meaning: textOf(meaning) }
    return [row, ...fieldRows(schemas, fieldsOf(meaning), row.path, seen)]
  })
}

function requirement(fields: readonly (Field | undefined)[]): FieldRow['required'] {
  if (fields.every((field) => field && !field.optional)) return 'yes'
  return fields.some((field) => field && !field.optional) ? 'depends' : 'no'
}

/** A type with its limits, in words. */
function typeText(schema: Schema): string {
  switch (schema.kind) {
    case 'text': {
      const limits = [
        ...(schema.format === 'uri' ? ['an absolute URI'] : []),
        ...(schema.max === undefined ? [] : [`at most ${schema.max.toLocaleString('en')} characters`]),
      ]
      return [schema.secret ? 'secret text' : 'text', ...limits].join(', ')
    }
    case 'segment':
      return 'id'
    case 'decimal':
      return `decimal in quotes, at most ${maxDecimalChars} characters`
    case 'time':
      return 'time'
    case 'number':
      return 'number'
    case 'flag':
      return '`true` or `false`'
    case 'nothing':
      return '`null`'
    case 'json':
      return 'any JSON value'
    case 'record':
      return 'object with any fields'
    case 'object':
      return schema.open ? 'object, also with other fields' : 'object'
    case 'choice':
      return listed(schema.values, 'or')
    case 'list':
      return `list of ${pluralOf(schema.of)}${schema.max === undefined ? '' : `, at most ${schema.max}`}`
    case 'oneOf':
      return [...new Set(schema.variants.map(typeText))].join(', or ')
  }
}

const pluralOf = (schema: Schema) => (schema.kind === 'object' ? 'objects' : `${typeText(schema)}s`)
