// Compiles a schema to a function that converts valid values several times faster than `check`, for the records of a batch.
// It reports nothing: where something may be wrong, `check` finds out what.

import { checkJson } from './free-form.ts'
import { isReference } from './references.ts'
import { type Field, isObject, type ObjectSchema, type Schema, type Text } from './schema.ts'
import { isDecimal, maxDecimalChars, secretProblem, segmentProblem, textProblem, timeProblem } from './text-problems.ts'

/** Returned instead of a value that `check` may report something about. */
export const inDoubt: unique symbol = Symbol('in doubt')

/** What a conversion uses. */
export interface ConversionContext {
  /** The time for defaults that are the current time. */
  readonly now: Date
  /** Receives the values of secret fields, those of a value in doubt too. */
  readonly secrets: string[]
}

/** Converts a value as `check` does; returns `inDoubt` unless `check` would report nothing. */
export type Conversion = (value: unknown, context: ConversionContext) => unknown

/** Compiles a schema. */
export function compileCheck(schema: Schema): Conversion {
  switch (schema.kind) {
    case 'text':
      return schema.secret ? convertSecret : compileText(schema)
    case 'segment':
      return (value) => (typeof value === 'string' && isSegment(value) ? value : inDoubt)
    case 'decimal':
      return (value) =>
        typeof value === 'string' && value.length <= maxDecimalChars && isDecimal(value) ? value : inDoubt
    case 'time':
      return convertTime
    case 'number':
      return (value) => (Number.isFinite(value) ? value : inDoubt)
    case 'flag':
      return (value) => (typeof value === 'boolean' ? value : inDoubt)
    case 'choice':
      return (value) => (schema.values.includes(value as string) ? value : inDoubt)
    case 'nothing':
      return (value) => (value === null ? value : inDoubt)
    case 'json':
      return (value) => (isCleanJson(value) ? value : inDoubt)
    case 'record':
      return (value) => (isObject(value) && isCleanJson(value) ? value : inDoubt)
    case 'list':
      return compileList(compileCheck(schema.of), schema.max)
    case 'object':
      return compileObject(schema)
    case 'oneOf': {
      const variants = schema.variants.map(compileCheck)
      return (value, context) => (variants[schema.pick(value)] ?? (variants[0] as Conversion))(value, context)
    }
  }
}

/** A text with `${{` may be an expression. */
const mayHaveExpression = (text: string) => text.includes('${{')

const compileText =
  (schema: Text): Conversion =>
  (value) =>
    typeof value === 'string' && !mayHaveExpression(value) && textProblem(value, schema) === undefined ? value : inDoubt

const convertSecret: Conversion = (value, { secrets }) => {
  if (typeof value !== 'string') return inDoubt
  secrets.push(value)
  return secretProblem(value) === undefined && !value.includes('***') ? value : inDoubt
}

const isSegment = (text: string) =>
  /^[A-Za-z0-9_-]+$/.test(text) || (!mayHaveExpression(text) && segmentProblem(text) === undefined)

/** Many records have the same times. */
const maxKnownTimes = 1000

/** Valid times, in milliseconds since 1970. */
const knownTimes = new Map<string, number>()

const convertTime: Conversion = (value) => {
  if (typeof value !== 'string') return inDoubt
  let ms = knownTimes.get(value)
  if (ms === undefined) {
    if (timeProblem(value) !== undefined) return inDoubt
    ms = new Date(value).getTime()
    if (knownTimes.size >= maxKnownTimes) knownTimes.clear()
    knownTimes.set(value, ms)
  }
  return new Date(ms)
}

function isCleanJson(value: unknown): boolean {
  const problems = { errors: [], warnings: [] }
  checkJson(value, [], problems)
  return problems.errors.length === 0 && problems.warnings.length === 0
}

const compileList =
  (convert: Conversion, max = Number.POSITIVE_INFINITY): Conversion =>
  (value, context) => {
    if (!Array.isArray(value) || value.length > max) return inDoubt
    const result: unknown[] = []
    for (const entry of value) {
      const converted = convert(entry, context)
      if (converted === inDoubt) return inDoubt
      result.push(converted)
    }
    return result
  }

/**
 * Compiles the schema of an object.
 *
 * @param others  names of fields that the object may have besides, and that are not part of the result
 */
export function compileObject({ fields }: ObjectSchema, others: ReadonlySet<string> = new Set()): Conversion {
  const compiled = Object.entries(fields)
    .filter(([name]) => !others.has(name))
    .map(([name, field]: [string, Field]) => ({ ...field, name, convert: compileCheck(field.schema) }))
  return (value, context) => {
    if (!isObject(value) || isReference(value)) return inDoubt
    const result: Record<string, unknown> = {}
    let known = 0
    for (const { name, convert, fallback, optional } of compiled) {
      const given = Object.hasOwn(value, name) ? value[name] : undefined
      if (given !== undefined) {
        const converted = convert(given, context)
        if (converted === inDoubt) return inDoubt
        result[name] = converted
        known++
      } else if (fallback) result[name] = fallback(context.now)
      else if (!optional) return inDoubt
    }
    for (const name of others) if (Object.hasOwn(value, name)) known++
    // An open object with more fields is left to `check`.
    return known === fieldCount(value) ? result : inDoubt
  }
}

/** Counts the fields of an object that `JSON.parse` returned, without the list that `Object.keys` makes. */
function fieldCount(value: object): number {
  let count = 0
  for (const _ in value) count++
  return count
}
