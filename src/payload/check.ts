// Holds a value against a schema and turns it into what the SDK takes. Every problem is collected; none is thrown.

import leven from 'leven'
import type { Diagnostic, Path } from '../failure.ts'
import { quote } from '../format.ts'
import { readTextFile } from './file.ts'
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

/** What a check reads from and reports to. */
export interface Check extends ReferenceSources {
  /** What a default that is the present time is. */
  readonly now: Date
  readonly errors: Diagnostic[]
  readonly warnings: Diagnostic[]
  /** The values of secret fields, right or wrong, to be masked before anything is printed. */
  readonly secrets: string[]
}

/** A check that has found nothing yet; files are those of the workspace. */
export const startCheck = (env: Check['env'], workspace: string, now: Date): Check => ({
  env,
  readFile: (path) => readTextFile(workspace, path),
  now,
  errors: [],
  warnings: [],
  secrets: [],
})

/**
 * Checks a value.
 *
 * @returns the value as the SDK takes it: times as `Date`, references resolved, defaults filled in, the extra fields
 *          of open objects under `additionalProperties`. Meaningless where errors were reported.
 */
export function check(schema: Schema, value: unknown, path: Path, context: Check): unknown {
  const refuse = (message: string) => {
    context.errors.push({ path, message })
    return undefined
  }
  switch (schema.kind) {
    case 'text':
      return checkText(schema, value, path, context)
    case 'segment':
      return checkTextual(value, path, context, (text) => segmentProblem(text))
    case 'decimal':
      if (typeof value === 'number') {
        return refuse(`must be a decimal as text: quote it, "${isDecimal(String(value)) ? value : '12.50'}"`)
      }
      return checkTextual(value, path, context, (text) =>
        isDecimal(text) ? undefined : `must be a decimal such as "12.50": digits, and a point with digits`,
      )
    case 'time': {
      const text = checkTextual(value, path, context, timeProblem)
      return text === undefined ? undefined : new Date(text)
    }
    case 'number':
      if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))) {
        return refuse('must be a number: take the quotes off')
      }
      if (typeof value !== 'number') return refuse(`must be a number, not ${kindOf(value)}`)
      return Number.isFinite(value) ? value : refuse('must be a finite number')
    case 'flag':
      if (value === 'true' || value === 'false') return refuse(`must be ${value} without quotes`)
      return typeof value === 'boolean' ? value : refuse(`must be true or false, not ${kindOf(value)}`)
    case 'choice':
      return checkTextual(value, path, context, (text) => choiceProblem(text, schema))
    case 'nothing':
      return value === null ? null : refuse(`must be null, not ${kindOf(value)}`)
    case 'json':
      checkJson(value, path, context)
      return value
    case 'record':
      if (!isObject(value)) return refuse(`must be an object, not ${kindOf(value)}`)
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

/** The variant of a union that a value was meant to be. */
export const variantOf = ({ variants, pick }: OneOf, value: unknown): Schema =>
  variants[pick(value)] ?? (variants[0] as Schema)

/** A text, or the text that a reference stands for, unless something is wrong with it. */
function checkTextual(
  value: unknown,
  path: Path,
  context: Check,
  problemOf: (text: string) => string | undefined,
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
  const problem = typeof text === 'string' ? problemOf(text) : `must be text, not ${kindOf(text)}`
  if (problem === undefined) return text as string
  // What a reference stands for may be a secret in the wrong place.
  const message =
    isReference(value) && typeof text === 'string' ? problem.replaceAll(quote(text), 'its value') : problem
  context.errors.push({ path, message })
  return undefined
}

function checkText({ secret, max, format }: Text, value: unknown, path: Path, context: Check): string | undefined {
  const text = checkTextual(value, path, context, (text) => {
    if (secret) {
      context.secrets.push(text)
      return secretProblem(text)
    }
    if (max !== undefined && text.length > max) return `may have ${max} characters, and has ${text.length}`
    if (format === 'uri' && !isUri(text))
      return 'must be a URL such as https://example.com/a%20path, with nothing but ASCII'
    return text.isWellFormed() ? undefined : 'holds half of a surrogate pair, which is not Unicode'
  })
  if (secret && text?.includes('***')) {
    context.warnings.push({ path, message: 'contains ***: was it copied from a log?' })
  }
  return text
}

const isDecimal = (text: string) => /^[0-9]+(\.[0-9]+)?$/.test(text)

/** RFC 3986 knows ASCII alone. */
const isUri = (text: string) => /^[\x21-\x7e]+$/.test(text) && !/["<>\\^`{|}]/.test(text) && URL.canParse(text)

/** What shows that a secret cannot be meant. Never holds the value. */
export function secretProblem(text: string): string | undefined {
  if (text === '') return 'is empty; is the secret that fills it set?'
  if (text === '***') return 'is the literal ***, as logs show a masked value; give the secret itself'
  const expression = text.indexOf('${{')
  if (expression >= 0 && text.includes('}}', expression)) return 'holds an unexpanded ${{ … }} expression'
  const end = text.search(/[\r\n]/)
  if (end >= 0 && !/[^\r\n]/.test(text.slice(end))) {
    return 'is a single line that ends with a newline; write it without one (`printf %s`), or read it with {"$file": …}, which drops one'
  }
  return text.isWellFormed() ? undefined : 'holds half of a surrogate pair, which is not Unicode'
}

/**
 * What keeps a text from being one segment of a path: an id that climbs (`..`) or branches turns a request into
 * another one. Escaped forms count, since a server on the way may decode them.
 */
export function segmentProblem(text: string): string | undefined {
  if (text === '') return 'is empty'
  // However often it is escaped: %252e is an escaped %2e.
  const once = text.replace(/%(?:25)+/g, '%')
  if (/^(\.|%2e){1,2}$/i.test(once)) return `must be an id, not ${quote(text)}`
  if (/[/\\]|%2f|%5c/i.test(once)) return `must be a single id, without slashes: ${quote(text)}`
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|%[01][0-9a-f]|%7f/iu.test(once)) {
    return `holds a line break or another invisible character: ${quote(text)}`
  }
  if (text.trim() !== text) return `starts or ends with a blank: ${quote(text)}`
  if (/[?#]/.test(text)) return `must be an id, without ? and #: ${quote(text)}`
  return text.isWellFormed() ? undefined : 'holds half of a surrogate pair, which is not Unicode'
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

/** What is wrong with a time, by RFC 3339 §5.6. */
function timeProblem(text: string): string | undefined {
  if (!rfc3339.test(text)) {
    const shape = 'must be a time with its zone, such as "2025-01-31T00:00:00Z"'
    if (/^\d{4}-\d\d-\d\d$/.test(text)) return `${shape}; ${quote(text)} is a date alone`
    if (/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text)) {
      return `${shape}; ${quote(text)} has no zone: add Z, or an offset such as +02:00`
    }
    return `${shape}, not ${quote(text)}`
  }
  const number = (from: number, to?: number) => Number(text.slice(from, to))
  const [year, month, day] = [number(0, 4), number(5, 7), number(8, 10)]
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) {
    return `names a day that does not exist: ${quote(text)}`
  }
  const second = number(17, 19)
  if (second === 60) return 'names a leap second, which cannot be sent; use :59'
  const isUtc = /z$/i.test(text)
  const isReal = number(11, 13) < 24 && number(14, 16) < 60 && second < 60
  if (!isReal || (!isUtc && (number(-5, -3) >= 24 || number(-2) >= 60))) {
    return `names an hour that does not exist: ${quote(text)}`
  }
  const sent = new Date(text).getUTCFullYear()
  return sent >= 0 && sent <= 9999 ? undefined : `is in the year ${sent} in UTC, which cannot be sent: ${quote(text)}`
}

/** The calendar repeats after 400 years, and Date.UTC takes years below 100 for those of the last century. */
const daysIn = (year: number, month: number) => new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()

function choiceProblem(text: string, { values, all = values }: Choice): string | undefined {
  if (values.includes(text)) return undefined
  const wanted = all.includes(text) ? values : all
  return `must be ${listOf(wanted)}, not ${quote(text)}${suggestion(text, wanted)}`
}

function checkList({ of, max }: List, value: unknown, path: Path, context: Check): unknown[] | undefined {
  if (!Array.isArray(value)) {
    context.errors.push({ path, message: `must be a list, not ${kindOf(value)}` })
    return undefined
  }
  if (max !== undefined && value.length > max) {
    context.errors.push({ path, message: `may have ${max} entries, and has ${value.length}` })
  }
  return value.map((entry, index) => check(of, entry, [...path, index], context))
}

function checkFields({ fields, open }: ObjectSchema, value: unknown, path: Path, context: Check): unknown {
  if (!isObject(value) || isReference(value)) {
    context.errors.push({ path, message: `must be an object, not ${kindOf(value)}` })
    return undefined
  }
  const result: Record<string, unknown> = {}
  let known = 0
  for (const name in fields) {
    const field = fields[name] as Field
    const given = Object.hasOwn(value, name) ? value[name] : undefined
    if (Object.hasOwn(value, name)) known++
    if (given !== undefined) result[name] = check(field.schema, given, [...path, name], context)
    else if (field.fallback) result[name] = field.fallback(context.now)
    else if (!field.optional) context.errors.push({ path: [...path, name], message: missing(field) })
  }

  const names = Object.keys(value)
  if (names.length === known) return result
  const extra = names.filter((name) => !Object.hasOwn(fields, name))
  if (!open) for (const name of extra) reportUnknown(name, fields, path, context)
  else {
    const given = Object.fromEntries(extra.map((name) => [name, value[name]]))
    result.additionalProperties = checkExtra(given, Object.keys(fields), path, context)
  }
  return result
}

/** Fields beyond the known ones: as they stand, or, as the SDK spells it, within `additionalProperties`. */
function checkExtra(
  { additionalProperties = {}, ...beside }: Record<string, unknown>,
  known: readonly string[],
  path: Path,
  context: Check,
): Record<string, unknown> {
  checkJson(beside, path, context)
  const inside = [...path, 'additionalProperties']
  if (!isObject(additionalProperties)) {
    context.errors.push({ path: inside, message: `must be an object, not ${kindOf(additionalProperties)}` })
    return beside
  }
  for (const name of Object.keys(additionalProperties)) {
    if (Object.hasOwn(beside, name) || known.includes(name)) {
      const message = 'is the name of a field beside `additionalProperties`; write it there alone'
      context.errors.push({ path: [...inside, name], message, at: 'key' })
    }
  }
  checkJson(additionalProperties, inside, context)
  return { ...additionalProperties, ...beside }
}

const missing = ({ schema }: Field) => {
  const example: Partial<Record<Schema['kind'], string>> = {
    decimal: ', a decimal such as "12.50"',
    time: ', a time such as "2025-01-31T00:00:00Z"',
    list: ', a list',
    object: ', an object',
    number: ', a number',
    flag: ', true or false',
  }
  const kind = schema.kind === 'choice' ? `, ${listOf(schema.all ?? schema.values)}` : (example[schema.kind] ?? '')
  return `is missing${kind}`
}

/** Reports a field that a request does not have, with the one that was probably meant. */
export function reportUnknown(
  name: string,
  fields: ObjectSchema['fields'],
  path: Path,
  context: Pick<Check, 'errors'>,
): void {
  const known = Object.keys(fields)
  // No more than a few are ever shown, and comparing names takes its time.
  const near = context.errors.length < 100 ? suggestion(name, known) : ''
  const hint = near || (known.length > 0 ? `; known here: ${known.join(', ')}` : '')
  context.errors.push({ path: [...path, name], message: `is not a known field${hint}`, at: 'key' })
}

/** ``; did you mean `x`?`` where one of the names is near enough, else nothing. */
export function suggestion(name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  return near === undefined ? '' : `; did you mean \`${near}\`?`
}

/** The name that is most like another one, if any is alike at all: half of it may differ, case and dashes do not count. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.replace(/[-_\s]/g, '').toLowerCase()
  const wanted = plain(name.slice(0, 200))
  const [best] = known
    .map((candidate) => ({ candidate, distance: leven(wanted, plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance)
  return best && best.distance <= Math.max(1, Math.floor(Math.max(wanted.length, 3) / 2.5)) ? best.candidate : undefined
}

/** Free-form JSON goes out as it stands, so it must be such that it can. */
function checkJson(value: unknown, path: Path, context: Check): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    context.errors.push({ path, message: 'must be a finite number' })
  }
  if (typeof value === 'string' && !value.isWellFormed()) {
    context.errors.push({ path, message: 'holds half of a surrogate pair, which is not Unicode' })
  }
  if (typeof value !== 'object' || value === null) return
  if (isReference(value)) {
    context.warnings.push({
      path,
      message: 'looks like a reference, but stands in free-form data, which is sent as written',
    })
  }
  for (const [name, entry] of Object.entries(value)) {
    const inside = [...path, Array.isArray(value) ? Number(name) : name]
    if (name === '__proto__') context.errors.push({ path: inside, message: 'is a name that cannot be sent', at: 'key' })
    else checkJson(entry, inside, context)
  }
}

/** What a value is, in words, without showing it. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (isReference(value)) return 'a reference, which stands for text alone'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') return 'text'
  return typeof value === 'number' ? 'a number' : `${value}`
}

const listOf = (values: readonly string[]) =>
  values.length === 1 ? `\`${values[0]}\`` : `one of ${values.map((value) => `\`${value}\``).join(', ')}`
