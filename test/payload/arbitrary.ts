// Generates valid payloads for any schema, and the request body that the API must receive for each.

import fc from 'fast-check'
import { isObject, type ObjectSchema, type Schema } from '../../src/payload/schema.ts'
import { secretProblem, segmentProblem } from '../../src/payload/text-problems.ts'

const anyText = (maxLength: number) => fc.string({ unit: 'grapheme', maxLength })
const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 12 })
// Numbers of JSON: no -0 and no infinity.
const numbers = fc
  .oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
  .map((value) => (Object.is(value, -0) ? 0 : value))
const names = fc.string({ unit: fc.constantFrom(...'abcXYZ_-. é'), minLength: 1, maxLength: 8 })
const anyJson = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(anyText(10), numbers, fc.boolean(), fc.constant(null)),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(names, tie('json'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).json

const encoded = ['%20', '%C3%A4', '%F0%9F%98%80', '%2f']
const urlPart = (marks: string) =>
  fc.string({ unit: fc.constantFrom(...'abzAZ019-._~', ...marks, ...encoded), maxLength: 10 })
const pathMarks = "!$&'()*+,;=:@"

/** A URL with any characters that RFC 3986 allows in its parts; fc.webUrl takes seconds to start. */
export const webUrls = fc
  .record({
    origin: fc.tuple(fc.constantFrom('http', 'https'), fc.domain()).map(([scheme, host]) => `${scheme}://${host}`),
    path: fc.array(urlPart(pathMarks), { maxLength: 3 }).map((parts) => parts.map((part) => `/${part}`).join('')),
    query: fc.option(urlPart(`${pathMarks}/?`).map((text) => `?${text}`)),
    fragment: fc.option(urlPart(`${pathMarks}/?`).map((text) => `#${text}`)),
  })
  .map(({ origin, path, query, fragment }) => `${origin}${path}${query ?? ''}${fragment ?? ''}`)

/** A time in one of the notations of RFC 3339. */
export const times = fc
  .record({
    at: fc.date({ min: new Date('1970-01-02T00:00:00Z'), max: new Date('2999-12-30T00:00:00Z'), noInvalidDate: true }),
    offset: fc.option(fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 })),
  })
  .map(({ at, offset }) => ({ at, text: rfc3339(at, offset) }))

function rfc3339(at: Date, offset: number | null): string {
  if (offset === null) return at.toISOString()
  const local = new Date(at.getTime() + offset * 60_000).toISOString().slice(0, -1)
  const part = (value: number) => String(value).padStart(2, '0')
  const minutes = Math.abs(offset)
  return `${local}${offset < 0 ? '-' : '+'}${part(Math.floor(minutes / 60))}:${part(minutes % 60)}`
}

/** JSON that the schema accepts without an error. */
export function payloadOf(schema: Schema): fc.Arbitrary<unknown> {
  switch (schema.kind) {
    case 'text':
      if (schema.format === 'uri') return webUrls
      return schema.secret
        ? fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => secretProblem(text) === undefined)
        : anyText(20).filter((text) => text.length <= (schema.max ?? Number.POSITIVE_INFINITY))
    case 'segment':
      return fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => segmentProblem(text) === undefined)
    case 'decimal':
      return fc.tuple(digits, fc.option(digits)).map(([whole, part]) => (part === null ? whole : `${whole}.${part}`))
    case 'time':
      return times.map(({ text }) => text)
    case 'number':
      return numbers
    case 'flag':
      return fc.boolean()
    case 'choice':
      return fc.constantFrom(...schema.values)
    case 'nothing':
      return fc.constant(null)
    case 'json':
      return anyJson
    case 'record':
      return fc.dictionary(names, anyJson, { maxKeys: 3, noNullPrototype: true })
    case 'list':
      return fc.array(payloadOf(schema.of), { maxLength: Math.min(3, schema.max ?? 3) })
    case 'object':
      return fieldsOf(schema)
    case 'oneOf':
      return fc.oneof(
        ...schema.variants.map((variant, index) => payloadOf(variant).filter((value) => schema.pick(value) === index)),
      )
  }
}

function fieldsOf({ fields, open }: ObjectSchema): fc.Arbitrary<unknown> {
  const entries = Object.entries(fields)
  const known = fc.record(Object.fromEntries(entries.map(([name, { schema }]) => [name, payloadOf(schema)])), {
    requiredKeys: entries.filter(([, { optional }]) => !optional).map(([name]) => name),
    noNullPrototype: true,
  })
  if (!open) return known
  const extra = fc.dictionary(names, anyJson, { minKeys: 1, maxKeys: 2, noNullPrototype: true })
  return fc
    .tuple(known, fc.option(extra), fc.boolean())
    .map(([given, extra, inside]) => ({ ...(inside ? extra && { additionalProperties: extra } : extra), ...given }))
}

/** The request body for a payload: times in UTC, defaults filled in, additional fields beside the known ones. */
export function sentFor(schema: Schema, payload: unknown, now: Date): unknown {
  switch (schema.kind) {
    case 'time':
      return new Date(payload as string).toISOString()
    case 'list':
      return (payload as unknown[]).map((entry) => sentFor(schema.of, entry, now))
    case 'oneOf':
      return sentFor(schema.variants[schema.pick(payload)] as Schema, payload, now)
    case 'object': {
      const { additionalProperties, ...given } = payload as Record<string, unknown>
      const sent: Record<string, unknown> = { ...given, ...(isObject(additionalProperties) && additionalProperties) }
      for (const [name, { schema: inner, fallback }] of Object.entries(schema.fields)) {
        if (Object.hasOwn(given, name)) sent[name] = sentFor(inner, given[name], now)
        else if (fallback) sent[name] = JSON.parse(JSON.stringify(fallback(now)))
      }
      return sent
    }
    default:
      return payload
  }
}
