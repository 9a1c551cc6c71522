// Checks a value against a schema and converts it to the form that the SDK takes. Collects every problem; does not
// throw.

import type { CutProblem } from '../cut-variables.ts'
import type { Diagnostic, Path } from '../failure.ts'
import { quote, quotePath } from '../format.ts'
import { readReferencedFile } from './file.ts'
import { checkAdditionalFields, checkJson, reportExpressions } from './free-form.ts'
import { kindOf, listOf, missingMessage } from './kinds.ts'
import { isReference, type ReferenceSources, resolve } from './references.ts'
import {
  type Choice,
  type Field,
  isObject,
  type List,
  type ObjectSchema,
  type OneOf,
  type Schema,
  type Text,
} from './schema.ts'
import { reportUnknown, suggestion } from './suggest.ts'
import {
  decimalProblem,
  expressionProblem,
  isDecimal,
  payloadExpressionProblem,
  secretProblem,
  segmentProblem,
  textProblem,
  timeProblem,
} from './text-problems.ts'

/** A check of one payload stops after this many errors: more are never shown, and each takes memory. */
export const maxErrors = 200_000

/** What a check reads from and reports to. */
export interface Check extends ReferenceSources {
  /** The time for defaults that are the current time. */
  readonly now: Date
  readonly errors: Diagnostic[]
  readonly warnings: Diagnostic[]
  /** The values of secret fields, valid or not, to be masked before anything is printed. */
  readonly secrets: string[]
}

/**
 * Starts a check.
 *
 * @param workspace   the folder that relative paths of `$file` start from
 * @param cutProblem  for `$env`, on systems that can pass on a variable in part
 * @returns a check without any problems yet
 */
export const startCheck = (env: Check['env'], workspace: string, now: Date, cutProblem?: CutProblem): Check => ({
  env,
  cutProblem,
  readFile: (path) => readReferencedFile(workspace, path),
  now,
  errors: [],
  warnings: [],
  secrets: [],
})

/**
 * Checks a value.
 *
 * @returns the value as the SDK takes it: times as `Date`, references resolved, defaults filled in, the extra fields
 *          of open objects under `additionalProperties`. Meaningless if errors were reported.
 */
export function check(schema: Schema, value: unknown, path: Path, context: Check): unknown {
  if (context.errors.length >= maxErrors) return undefined
  const refuse = (message: string) => {
    context.errors.push({ path, message })
    return undefined
  }
  const refuseKind = (expected: string) => reportKind(expected, value, path, context)
  switch (schema.kind) {
    case 'text':
      return checkText(schema, value, path, context)
    case 'segment':
      return checkTextual(value, path, context, segmentProblem)
    case 'decimal':
      if (typeof value === 'number') {
        return refuse(`must be a decimal as text: quote it, "${isDecimal(String(value)) ? value : '12.50'}"`)
      }
      return checkTextual(value, path, context, decimalProblem)
    case 'time': {
      const text = checkTextual(value, path, context, timeProblem, ', such as "2026-11-20T00:00:00Z"')
      return text === undefined ? undefined : new Date(text)
    }
    case 'number':
      if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))) {
        return refuse('must be a number: remove the quotes')
      }
      if (typeof value !== 'number') return refuseKind('a number')
      return Number.isFinite(value) ? value : refuse('must be a finite number')
    case 'flag':
      if (value === 'true' || value === 'false') return refuse(`must be ${value} without quotes`)
      return typeof value === 'boolean' ? value : refuseKind('true or false')
    case 'choice':
      return checkTextual(value, path, context, (text) => choiceProblem(text, schema))
    case 'nothing':
      return value === null ? null : refuseKind('null')
    case 'json':
      checkJson(value, path, context)
      return value
    case 'record':
      if (!isObject(value)) return refuseKind('an object')
      checkJson(value, path, context)
      return value
    case 'list':
      return checkList(schema, value, path, context)
    case 'object':
      return checkFields(schema, value, path, context)
    case 'oneOf':
      return check(variantOf(schema, value), value, path, context)
  }
}

/** Reports a value of the wrong kind, and the GitHub expressions in it. */
function reportKind(expected: string, value: unknown, path: Path, { errors }: Check, example = ''): undefined {
  const isExpression = typeof value === 'string' && expressionProblem(value) !== undefined
  if (!isExpression) errors.push({ path, message: `must be ${expected}, not ${kindOf(value)}${example}` })
  reportExpressions(value, path, errors)
}

/** The variant of a union that a value is checked against. */
export const variantOf = ({ variants, pick }: OneOf, value: unknown): Schema =>
  variants[pick(value)] ?? (variants[0] as Schema)

/** A text, or the text that a reference resolves to; undefined after a problem was reported. */
function checkTextual(
  value: unknown,
  path: Path,
  context: Check,
  problemOf: (text: string) => string | undefined,
  example = '',
): string | undefined {
  let text = value
  if (isReference(value)) {
    const resolved = resolve(value, context)
    if ('problem' in resolved) {
      context.errors.push({ path, message: resolved.problem })
      return undefined
    }
    text = resolved.text
  }
  if (typeof text !== 'string') return reportKind('text', text, path, context, example)
  const other = problemOf(text)
  const problem = (isReference(value) ? expressionProblem(text) : payloadExpressionProblem(text)) ?? other
  if (problem === undefined) return text
  // The text of a reference may be a secret in the wrong place.
  const message = isReference(value) ? problem.replaceAll(quote(text), 'its value') : problem
  context.errors.push({ path, message })
  return undefined
}

function checkText(schema: Text, value: unknown, path: Path, context: Check): string | undefined {
  const text = checkTextual(value, path, context, (text) => {
    if (!schema.secret) return textProblem(text, schema)
    context.secrets.push(text)
    return secretProblem(text)
  })
  if (schema.secret && text?.includes('***')) {
    context.warnings.push({ path, message: 'contains ***: was it copied from a log?' })
  }
  if (text !== undefined && isReference(value) && typeof value.$file === 'string') {
    const file = quotePath(value.$file)
    const warn = (problem: string) => context.warnings.push({ path, message: `comes from ${file}, which ${problem}` })
    // A secret, such as a certificate, is sent as its file has it. Another text is content, and the key of an invoice is
    // derived from it.
    if (!schema.secret && text.includes('\r\n')) {
      warn('has CRLF: with LF a derived `externalId` differs, and an invoice can be billed twice. Save it with LF')
    }
    if (text.startsWith('\ufeff')) warn('begins with a byte order mark, which is sent. Save it without one')
  }
  return text
}

function choiceProblem(text: string, { values, all = values }: Choice): string | undefined {
  if (values.includes(text)) return undefined
  const wanted = all.includes(text) ? values : all
  return `must be ${listOf(wanted)}, not ${quote(text)}${suggestion(text, wanted)}`
}

function checkList({ of, max }: List, value: unknown, path: Path, context: Check): unknown[] | undefined {
  if (!Array.isArray(value)) return reportKind('a list', value, path, context)
  if (max !== undefined && value.length > max) {
    context.errors.push({ path, message: `must have at most ${max} entries, not ${value.length}` })
  }
  return value.map((entry, index) => check(of, entry, [...path, index], context))
}

function checkFields({ fields, open }: ObjectSchema, value: unknown, path: Path, context: Check): unknown {
  if (!isObject(value) || isReference(value)) return reportKind('an object', value, path, context)
  const result: Record<string, unknown> = {}
  let known = 0
  for (const name in fields) {
    const field = fields[name] as Field
    const given = Object.hasOwn(value, name) ? value[name] : undefined
    if (Object.hasOwn(value, name)) known++
    if (given !== undefined) result[name] = check(field.schema, given, [...path, name], context)
    else if (field.fallback) result[name] = field.fallback(context.now)
    else if (!field.optional) context.errors.push({ path: [...path, name], message: missingMessage(field.schema) })
  }

  const names = Object.keys(value)
  if (names.length === known) return result
  const extra = names.filter((name) => !Object.hasOwn(fields, name))
  if (!open) {
    for (const name of extra) {
      if (context.errors.length >= maxErrors) break
      reportUnknown(name, fields, path, context)
      reportExpressions(value[name], [...path, name], context.errors)
    }
  } else {
    const given = Object.fromEntries(extra.map((name) => [name, value[name]]))
    result.additionalProperties = checkAdditionalFields(given, Object.keys(fields), path, context)
  }
  return result
}
