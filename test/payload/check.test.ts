import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatPath } from '../../src/failure.ts'
import { check, startCheck } from '../../src/payload/check.ts'
import {
  choice,
  decimal,
  defaulted,
  flag,
  json,
  list,
  nothing,
  number,
  object,
  oneOf,
  openObject,
  optional,
  record,
  type Schema,
  secret,
  segment,
  text,
  time,
} from '../../src/payload/schema.ts'
import { cpuMs } from '../cpu-time.ts'
import { runs } from '../runs.ts'
import { unicodeText } from '../unicode-text.ts'
import { checked, fixedNow, newCheck, refusal, sentenceOf } from './checking.ts'

const ordinary: [kind: string, value: unknown][] = [
  ['text', 'x'],
  ['a number', 1],
  ['true', true],
  ['null', null],
  ['a list', []],
  ['an object', {}],
]
const timeExample = ', such as "2026-11-20T00:00:00Z"'
const kinds: [wanted: string, schema: Schema, except: string, example?: string][] = [
  ['text', text(), 'text'],
  ['text', secret(), 'text'],
  ['text', segment(), 'text'],
  ['text', time(), 'text', timeExample],
  ['text', choice(['a']), 'text'],
  ['a number', number(), 'a number'],
  ['true or false', flag(), 'true'],
  ['null', nothing(), 'null'],
  ['a list', list(text()), 'a list'],
  ['an object', object({}), 'an object'],
  ['an object', record(), 'an object'],
]
describe('a value of the wrong kind is refused with the right kind', () => {
  test.each(kinds)('%s: %o', (wanted, schema, except, example = '') => {
    for (const [kind, value] of ordinary) {
      if (kind !== except) expect(refusal(schema, value)).toBe(`must be ${wanted}, not ${kind}${example}`)
    }
  })
})

describe('a number', () => {
  test.each([0, -1.5, 1e308, Number.MIN_VALUE])('%d passes', (value) => {
    expect(checked(number(), value)).toMatchObject({ value, errors: [] })
  })
  test.each(['1', ' 1.5 ', '1e3'])('in quotes (%j) must not be quoted', (value) => {
    expect(refusal(number(), value)).toBe('must be a number: remove the quotes')
  })
  test.each(['', ' ', 'one'])('that is other text (%j) is text', (value) => {
    expect(refusal(number(), value)).toBe('must be a number, not text')
  })
  test.each([Number.POSITIVE_INFINITY, Number.NaN])('%d cannot be sent', (value) => {
    expect(refusal(number(), value)).toBe('must be a finite number')
  })
})

test('a value that does not exist is nothing, and a time that is refused has no value', () => {
  expect(refusal(text(), undefined)).toBe('must be text, not nothing')
  expect(checked(time(), 1).value).toBeUndefined()
})

test('a check starts without any problems or secrets', () => {
  const [env, now, cutProblem] = [{ NAME: 'x' }, new Date(0), () => undefined]
  expect(startCheck(env, '/', now, cutProblem)).toEqual({
    env,
    cutProblem,
    readFile: expect.any(Function),
    now,
    errors: [],
    warnings: [],
    secrets: [],
  })
})

test('true and false must not be quoted', () => {
  expect(refusal(flag(), 'false')).toBe('must be false without quotes')
  expect(checked(flag(), false)).toMatchObject({ value: false, errors: [] })
})

describe('a choice', () => {
  const states = choice(['paid', 'notpaid', 'overdue'])
  const shown = 'must be one of `paid`, `notpaid`, `overdue`, not'
  test.each([
    ['payed', `${shown} "payed"; did you mean \`paid\`?`],
    ['NOT-PAID', `${shown} "NOT-PAID"; did you mean \`notpaid\`?`],
    ['scheduled', `${shown} "scheduled"`],
    ['', `${shown} ""`],
    ['a\n\u202eb', `${shown} "a\\n\\u202eb"`],
    ['toString', `${shown} "toString"`],
  ])('%j is refused with the allowed values', (value, message) => expect(refusal(states, value)).toBe(message))

  test('with one value names it', () => {
    expect(refusal(choice(['refund']), 'refunded')).toBe('must be `refund`, not "refunded"; did you mean `refund`?')
  })
})

describe('a list', () => {
  test('reports the index of each wrong entry', () => {
    expect(checked(list(number()), [1, 'x', 3, null]).errors).toEqual([
      'field[1] must be a number, not text',
      'field[3] must be a number, not null',
    ])
  })
  test('may have a maximum length', () => {
    expect(refusal(list(number(), 2), [1, 2, 3])).toBe('must have at most 2 entries, not 3')
    expect(checked(list(number(), 2), [1, 2]).errors).toEqual([])
  })
})

describe('an object', () => {
  const invoice = object({
    externalId: optional(text()),
    period: object({ start: time(), end: time() }),
    items: list(object({ total: decimal(), units: text() })),
    final: optional(flag()),
  })

  test('is refused with all its problems, each with its path', () => {
    const value = {
      externalID: 'x',
      period: { start: '2025-01-31', stop: '' },
      items: [
        { total: 3.75, units: 'GB' },
        { total: '1', units: null, 'per month': 1 },
      ],
      final: 'true',
    }
    expect(checked(invoice, value).errors).toEqual([
      'field.period.start must be a time with its time zone, such as "2025-01-31T00:00:00Z"; "2025-01-31" is only a date',
      'field.period.end is missing (expected a time such as "2025-01-31T00:00:00Z")',
      'field.period.stop is not a known field; known here: start, end',
      'field.items[0].total must be a decimal as text: quote it, "3.75"',
      'field.items[1].units must be text, not null',
      'field.items[1]["per month"] is not a known field; known here: total, units',
      'field.final must be true without quotes',
      'field.externalID is not a known field; did you mean `externalId`?',
    ])
  })

  test.each<[Schema, string]>([
    [text(), 'is missing'],
    [decimal(), 'is missing (expected a decimal such as "12.50")'],
    [time(), 'is missing (expected a time such as "2025-01-31T00:00:00Z")'],
    [list(text()), 'is missing (expected a list)'],
    [object({}), 'is missing (expected an object)'],
    [number(), 'is missing (expected a number)'],
    [flag(), 'is missing (expected true or false)'],
    [choice(['a', 'b']), 'is missing (expected one of `a`, `b`)'],
  ])('a missing field is reported with its kind: %o', (schema, message) => {
    expect(checked(object({ a: schema }), {}).errors).toEqual([`field.a ${message}`])
  })

  test('treats names that every object inherits as unknown or missing', () => {
    const value = JSON.parse('{"__proto__": {"a": "x"}, "constructor": 1}')
    expect(checked(object({ a: text() }), value).errors).toEqual([
      'field.a is missing',
      'field.__proto__ is not a known field; known here: a',
      'field.constructor is not a known field; known here: a',
    ])
    expect(checked(object({ toString: text() }), {}).errors).toEqual(['field.toString is missing'])
  })

  test('fills in a default only if a field is missing', () => {
    const timed = object({ at: defaulted(time(), (now) => now), n: optional(number()) })
    expect(checked(timed, {}).value).toEqual({ at: fixedNow })
    expect(checked(timed, { at: '2025-01-01T00:00:00Z' }).value).toEqual({ at: new Date('2025-01-01T00:00:00Z') })
    expect(checked(timed, { at: null }).errors).toEqual([`field.at must be text, not null${timeExample}`])
  })

  test('locates an unknown field at its key, and other problems at the value', () => {
    const context = newCheck()
    check(object({ a: text() }), { a: 1, b: 1 }, [], context)
    expect(context.errors.map(({ path, at }) => [formatPath(path), at])).toEqual([
      ['a', undefined],
      ['b', 'key'],
    ])
  })

  test('with 30,000 unknown fields is refused quickly', () => {
    const names = Array.from({ length: 30_000 }, (_, index) => `externalId${index}`.repeat(10))
    const usedBefore = cpuMs()
    const { errors } = checked(invoice, Object.fromEntries(names.map((name) => [name, 1])))
    expect(errors).toHaveLength(30_002)
    expect(cpuMs() - usedBefore).toBeLessThan(3000)
  })
})

test('a union is checked only against the variant that its pick function chooses', () => {
  const union = oneOf([object({ a: text() }), list(number())], (value) => (Array.isArray(value) ? 1 : 0))
  expect(checked(union, { a: 1 }).errors).toEqual(['field.a must be text, not a number'])
  expect(checked(union, ['x']).errors).toEqual(['field[0] must be a number, not text'])
  expect(checked(union, [1])).toMatchObject({ value: [1], errors: [] })
})

test('any value checked against any schema gives a value or problems, each on one line', () => {
  const schemas: Schema[] = [
    ...kinds.map(([, schema]) => schema),
    decimal(),
    json(),
    openObject({ a: optional(text()) }),
    object({ a: list(object({ b: optional(secret()), $env: optional(text()) })) }),
  ]
  const keys = fc.constantFrom('a', 'b', '$env', '$file', 'additionalProperties', '__proto__', 'constructor', '', '\n')
  const values = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(unicodeText(), fc.double(), fc.boolean(), fc.constantFrom(null, 'PATH', '2025-01-31')),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.array(fc.tuple(keys, tie('value')), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
    ),
  })).value
  fc.assert(
    fc.property(fc.constantFrom(...schemas), values, (schema, value) => {
      const context = newCheck()
      check(schema, value, [], context)
      for (const problem of [...context.errors, ...context.warnings])
        expect(sentenceOf(problem)).toMatch(/^[^\n\r\0]+$/)
    }),
    runs(250),
  )
})

test('bidirectional control characters and ESC are accepted in text, and escaped in messages', () => {
  const value = 'a\u001b[2K\u202e\u2066b'
  expect(checked(text(), value)).toMatchObject({ value, errors: [], warnings: [] })
  expect(checked(record(), { [value]: value })).toMatchObject({ errors: [], warnings: [] })
  const shown = '"a\\u001b[2K\\u202e\\u2066b"'
  expect(refusal(choice(['x']), value)).toBe(`must be \`x\`, not ${shown}`)
  expect(refusal(time(), value)).toContain(`not ${shown}`)
  expect(refusal(segment(), value)).toContain(`invisible character: ${shown}`)
  expect(checked(text(), { $env: value }).errors).toEqual([expect.stringContaining(`variable ${shown}`)])
  expect(checked(text(), { $file: value }).errors).toEqual([expect.stringContaining(`file ${shown}`)])
  expect(checked(object({}), { [value]: 1 }).errors).toEqual([`field[${shown}] is not a known field`])
})
