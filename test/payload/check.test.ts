import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatPath } from '../../src/failure.ts'
import { check, nearest, segmentProblem } from '../../src/payload/check.ts'
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
import { times } from './arbitrary.ts'
import { checked, newCheck, noon, spoken } from './checking.ts'

/** What a user is told of a field. */
const refusal = (schema: Schema, value: unknown) => {
  const { errors } = checked(schema, value)
  expect(errors).toHaveLength(1)
  return (errors[0] as string).replace(/^field /, '')
}

const ordinary: [kind: string, value: unknown][] = [
  ['text', 'x'],
  ['a number', 1],
  ['true', true],
  ['null', null],
  ['a list', []],
  ['an object', {}],
]
const kinds: [wanted: string, schema: Schema, except: string][] = [
  ['text', text(), 'text'],
  ['text', secret(), 'text'],
  ['text', segment(), 'text'],
  ['text', time(), 'text'],
  ['text', choice(['a']), 'text'],
  ['a number', number(), 'a number'],
  ['true or false', flag(), 'true'],
  ['null', nothing(), 'null'],
  ['a list', list(text()), 'a list'],
  ['an object', object({}), 'an object'],
  ['an object', record(), 'an object'],
]
describe('a value of the wrong kind is told the right one', () => {
  test.each(kinds)('%s: %o', (wanted, schema, except) => {
    for (const [kind, value] of ordinary) {
      if (kind !== except) expect(refusal(schema, value)).toBe(`must be ${wanted}, not ${kind}`)
    }
  })
})

describe('a decimal', () => {
  test.each(['0', '12.50', '007', '0.000000000000000000001', '9'.repeat(50)])('%s passes as it is written', (value) => {
    expect(checked(decimal(), value)).toMatchObject({ value, errors: [] })
  })

  test.each(['', '.5', '5.', '-1', '+1', '1,50', '1e3', ' 1', '1\n', '1_000', '$1', '１', '٣', 'NaN', '1.2.3'])(
    '%j is none',
    (value) => {
      expect(refusal(decimal(), value)).toBe('must be a decimal such as "12.50": digits, and a point with digits')
    },
  )

  test.each([
    [3.75, '3.75'],
    [0, '0'],
    [1e21, '12.50'],
    [-5, '12.50'],
    [Number.NaN, '12.50'],
  ])('the number %d is told how to be quoted', (value, shown) => {
    expect(refusal(decimal(), value)).toBe(`must be a decimal as text: quote it, "${shown}"`)
  })
})

describe('a number', () => {
  test.each([0, -1.5, 1e308, Number.MIN_VALUE])('%d passes', (value) => {
    expect(checked(number(), value)).toMatchObject({ value, errors: [] })
  })
  test.each(['1', ' 1.5 ', '1e3'])('in quotes (%j) is told to be without', (value) => {
    expect(refusal(number(), value)).toBe('must be a number: take the quotes off')
  })
  test.each([Number.POSITIVE_INFINITY, Number.NaN])('%d cannot be sent', (value) => {
    expect(refusal(number(), value)).toBe('must be a finite number')
  })
})

test('true and false in quotes are told to be without', () => {
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
  ])('%j is answered with the values', (value, message) => expect(refusal(states, value)).toBe(message))

  test('with one value names it', () => {
    expect(refusal(choice(['refund']), 'refunded')).toBe('must be `refund`, not "refunded"; did you mean `refund`?')
  })
})

describe('a time', () => {
  const zoned = 'must be a time with its zone, such as "2025-01-31T00:00:00Z"'

  test('is the same instant in every spelling of RFC 3339', () => {
    fc.assert(
      fc.property(times, fc.boolean(), ({ at, text }, lower) => {
        expect(checked(time(), lower ? text.toLowerCase() : text)).toMatchObject({ value: at, errors: [] })
      }),
    )
  })

  test.each([
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2000-02-29T23:59:59+23:59', '2000-02-29T00:00:59.000Z'],
    ['0000-02-29T00:00:00Z', '0000-02-29T00:00:00.000Z'],
    ['0000-01-01T01:00:00+01:00', '0000-01-01T00:00:00.000Z'],
    ['9999-12-31T22:59:59.999-01:00', '9999-12-31T23:59:59.999Z'],
    ['2025-01-31T00:00:00-00:00', '2025-01-31T00:00:00.000Z'],
    ['2025-01-31T00:00:00.123456789Z', '2025-01-31T00:00:00.123Z'],
    ['2025-12-31T23:00:00.5-01:30', '2026-01-01T00:30:00.500Z'],
  ])('%s is read', (value, instant) => {
    const { value: at, errors } = checked(time(), value)
    expect(errors).toEqual([])
    expect((at as Date).toISOString()).toBe(instant)
  })

  test.each([
    ['2025-01-31', `${zoned}; "2025-01-31" is a date alone`],
    ['2025-01-31T00:00:00', `${zoned}; "2025-01-31T00:00:00" has no zone: add Z, or an offset such as +02:00`],
    ['2025-01-31T00:00', `${zoned}; "2025-01-31T00:00" has no zone: add Z, or an offset such as +02:00`],
    ['2025-01-31 00:00:00.5', `${zoned}; "2025-01-31 00:00:00.5" has no zone: add Z, or an offset such as +02:00`],
    ['2025-01-31 00:00:00Z', `${zoned}, not "2025-01-31 00:00:00Z"`],
    ['2025-01-31T00:00:00+0200', `${zoned}, not "2025-01-31T00:00:00+0200"`],
    ['2025-01-31T00:00:00 UTC', `${zoned}, not "2025-01-31T00:00:00 UTC"`],
    ['2025-1-31T00:00:00Z', `${zoned}, not "2025-1-31T00:00:00Z"`],
    ['+012025-01-31T00:00:00Z', `${zoned}, not "+012025-01-31T00:00:00Z"`],
    ['2025-01-31T00:00:00Z\n', `${zoned}, not "2025-01-31T00:00:00Z\\n"`],
    ['1738281600', `${zoned}, not "1738281600"`],
    ['', `${zoned}, not ""`],
    ['2025-02-29T00:00:00Z', 'names a day that does not exist: "2025-02-29T00:00:00Z"'],
    ['1900-02-29T00:00:00Z', 'names a day that does not exist: "1900-02-29T00:00:00Z"'],
    ['2025-04-31T00:00:00Z', 'names a day that does not exist: "2025-04-31T00:00:00Z"'],
    ['2025-13-01T00:00:00Z', 'names a day that does not exist: "2025-13-01T00:00:00Z"'],
    ['2025-00-10T00:00:00Z', 'names a day that does not exist: "2025-00-10T00:00:00Z"'],
    ['2025-01-00T00:00:00Z', 'names a day that does not exist: "2025-01-00T00:00:00Z"'],
    ['2025-01-31T24:00:00Z', 'names an hour that does not exist: "2025-01-31T24:00:00Z"'],
    ['2025-01-31T00:60:00Z', 'names an hour that does not exist: "2025-01-31T00:60:00Z"'],
    ['2025-01-31T00:00:61Z', 'names an hour that does not exist: "2025-01-31T00:00:61Z"'],
    ['2025-01-31T00:00:00+24:00', 'names an hour that does not exist: "2025-01-31T00:00:00+24:00"'],
    ['2025-01-31T00:00:00-01:60', 'names an hour that does not exist: "2025-01-31T00:00:00-01:60"'],
    ['9999-12-31T23:00:00-01:00', 'is in the year 10000 in UTC, which cannot be sent: "9999-12-31T23:00:00-01:00"'],
    ['0000-01-01T00:59:59+01:00', 'is in the year -1 in UTC, which cannot be sent: "0000-01-01T00:59:59+01:00"'],
    ['2016-12-31T23:59:60Z', 'names a leap second, which cannot be sent; use :59'],
  ])('%j is refused', (value, message) => expect(refusal(time(), value)).toBe(message))
})

describe('an id', () => {
  test.each(['icfg_3bwCLgxL8qt5kjRLcv2Dit7F', 'a', '...', '.hidden', 'a..b', 'a b', 'é', '%', 'a%20b', '🙂'])(
    '%j is one',
    (value) => {
      expect(checked(segment(), value)).toMatchObject({ value, errors: [] })
    },
  )

  test.each([
    ['', 'is empty'],
    ['.', 'must be an id, not "."'],
    ['..', 'must be an id, not ".."'],
    ['%2e%2E', 'must be an id, not "%2e%2E"'],
    ['.%2e', 'must be an id, not ".%2e"'],
    ['%252e%25252E', 'must be an id, not "%252e%25252E"'],
    ['a/b', 'must be a single id, without slashes: "a/b"'],
    ['a\\b', 'must be a single id, without slashes: "a\\\\b"'],
    ['a%2Fb', 'must be a single id, without slashes: "a%2Fb"'],
    ['a%252fb', 'must be a single id, without slashes: "a%252fb"'],
    ['a%5cb', 'must be a single id, without slashes: "a%5cb"'],
    ['a\nb', 'holds a line break or another invisible character: "a\\nb"'],
    ['a\u0000', 'holds a line break or another invisible character: "a\\u0000"'],
    ['a\u007f', 'holds a line break or another invisible character: "a\\u007f"'],
    ['a%00', 'holds a line break or another invisible character: "a%00"'],
    ['a%250a', 'holds a line break or another invisible character: "a%250a"'],
    ['a\u200bb', 'holds a line break or another invisible character: "a\\u200bb"'],
    ['\ufeffa', 'holds a line break or another invisible character: "\\ufeffa"'],
    ['a\u2028', 'holds a line break or another invisible character: "a\\u2028"'],
    ['a\u202eb', 'holds a line break or another invisible character: "a\\u202eb"'],
    [' a', 'starts or ends with a blank: " a"'],
    ['a\u00a0', 'starts or ends with a blank: "a\u00a0"'],
    ['a?b', 'must be an id, without ? and #: "a?b"'],
    ['a#b', 'must be an id, without ? and #: "a#b"'],
    ['a\ud800', 'holds half of a surrogate pair, which is not Unicode'],
    ['x'.repeat(100).concat('/'), `must be a single id, without slashes: "${'x'.repeat(60)}…"`],
  ])('%j is none', (value, message) => expect(refusal(segment(), value)).toBe(message))

  test('that passes stays one segment of the path, however often it is decoded on the way', () => {
    const unit = [...'./%25eEfC\\a \u200b?', '%2e', '%2F', '%25']
    const wild = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...unit), maxLength: 8 }))
    fc.assert(
      fc.property(wild, (id) => {
        if (segmentProblem(id)) return
        const path = `/v1/installations/${encodeURIComponent(id)}/billing`
        expect(new URL(path, 'https://api.vercel.com').pathname).toBe(path)
        for (let text = id, times = 0; times < 5; times++) {
          expect(text).not.toMatch(/^\.{0,2}$|[/\\\n\0]/)
          text = text.replace(/%[0-7][0-9a-f]/gi, (code) => decodeURIComponent(code))
        }
      }),
      { numRuns: 5000 },
    )
  })
})

describe('a secret', () => {
  const newline =
    'is a single line that ends with a newline; write it without one (`printf %s`), or read it with {"$file": …}, which drops one'
  test.each([
    ['', 'is empty; is the secret that fills it set?'],
    ['***', 'is the literal ***, as logs show a masked value; give the secret itself'],
    ['${{ secrets.TOKEN }}', 'holds an unexpanded ${{ … }} expression'],
    ['a ${{\nsecrets.X\n}} b', 'holds an unexpanded ${{ … }} expression'],
    ['hunter2\n', newline],
    ['hunter2\r\n', newline],
    ['hunter2\n\n', newline],
    ['hunter2\udc00', 'holds half of a surrogate pair, which is not Unicode'],
  ])('%j cannot be meant', (value, message) => {
    expect(checked(secret(), value)).toMatchObject({ errors: [`field ${message}`], secrets: [value] })
  })

  test.each([
    'hunter2',
    ' ',
    '-----BEGIN KEY-----\nMIIB\n-----END KEY-----\n',
    '{{ mustache }}',
    'a ${{ b',
    '}} ${{',
    '\na',
  ])('%j can', (value) => {
    expect(checked(secret(), value)).toMatchObject({ value, errors: [], warnings: [], secrets: [value] })
  })

  test('with *** in it is warned of', () => {
    expect(checked(secret(), 'postgres://user:***@host')).toMatchObject({
      errors: [],
      warnings: ['field contains ***: was it copied from a log?'],
    })
  })

  test('stands in no message, and is masked even where it is wrong', () => {
    const around = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('***', '${{ }}', '\n', '${{', '}}'))
    fc.assert(
      fc.property(around, around, fc.boolean(), (before, after, byReference) => {
        const value = `${before}Qx7${after}`
        const given = byReference ? { $env: 'S' } : value
        const { errors, warnings, secrets } = checked(secret(), given, { env: { S: value } })
        expect(secrets).toEqual([value])
        expect([...errors, ...warnings].join()).not.toContain('Qx7')
      }),
    )
  })

  // Each would take minutes where the search starts over at every character.
  test.each(['${{', '\n', '\r\n', '***'])('10 MiB of %j are looked through in one go', (piece) => {
    const started = performance.now()
    checked(secret(), `a${piece.repeat((10 << 20) / piece.length)}b`)
    expect(performance.now() - started).toBeLessThan(3000)
  })
})

describe('text', () => {
  test('may be limited, in the units in which JSON Schema counts', () => {
    expect(refusal(text(undefined, { max: 3 }), '🙂🙂')).toBe('may have 3 characters, and has 4')
    expect(checked(text(undefined, { max: 4 }), '🙂🙂').errors).toEqual([])
  })

  test('half of a surrogate pair cannot be sent', () => {
    expect(refusal(text(), 'a\ud83d')).toBe('holds half of a surrogate pair, which is not Unicode')
  })

  test.each(['https://example.com/a%20path?b=c#d', 'mailto:a@example.com'])('%s is a link', (value) => {
    expect(checked(text(undefined, { format: 'uri' }), value).errors).toEqual([])
  })
  test.each(['example.com', '/path', 'https://exämple.com', 'https://example.com/a b', 'https://example.com/<a>', ''])(
    '%j is no link',
    (value) => {
      expect(refusal(text(undefined, { format: 'uri' }), value)).toMatch(/^must be a URL such as https:/)
    },
  )
})

describe('a list', () => {
  test('names the entry that is wrong', () => {
    expect(checked(list(number()), [1, 'x', 3, null]).errors).toEqual([
      'field[1] must be a number, not text',
      'field[3] must be a number, not null',
    ])
  })
  test('may be limited', () => {
    expect(refusal(list(number(), undefined, 2), [1, 2, 3])).toBe('may have 2 entries, and has 3')
    expect(checked(list(number(), undefined, 2), [1, 2]).errors).toEqual([])
  })
})

describe('an object', () => {
  const invoice = object({
    externalId: optional(text()),
    period: object({ start: time(), end: time() }),
    items: list(object({ total: decimal(), units: text() })),
    final: optional(flag()),
  })

  test('has all its problems told at once, each with its path', () => {
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
      'field.period.start must be a time with its zone, such as "2025-01-31T00:00:00Z"; "2025-01-31" is a date alone',
      'field.period.end is missing, a time such as "2025-01-31T00:00:00Z"',
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
    [decimal(), 'is missing, a decimal such as "12.50"'],
    [time(), 'is missing, a time such as "2025-01-31T00:00:00Z"'],
    [list(text()), 'is missing, a list'],
    [object({}), 'is missing, an object'],
    [number(), 'is missing, a number'],
    [flag(), 'is missing, true or false'],
    [choice(['a', 'b']), 'is missing, one of `a`, `b`'],
  ])('a missing field is told its kind: %o', (schema, message) => {
    expect(checked(object({ a: schema }), {}).errors).toEqual([`field.a ${message}`])
  })

  test('takes what every object inherits for unknown, or missing', () => {
    const value = JSON.parse('{"__proto__": {"a": "x"}, "constructor": 1}')
    expect(checked(object({ a: text() }), value).errors).toEqual([
      'field.a is missing',
      'field.__proto__ is not a known field; known here: a',
      'field.constructor is not a known field; known here: a',
    ])
    expect(checked(object({ toString: text() }), {}).errors).toEqual(['field.toString is missing'])
  })

  test('fills in a default where a field is left out, and there alone', () => {
    const timed = object({ at: defaulted(time(), (now) => now), n: optional(number()) })
    expect(checked(timed, {}).value).toEqual({ at: noon })
    expect(checked(timed, { at: '2025-01-01T00:00:00Z' }).value).toEqual({ at: new Date('2025-01-01T00:00:00Z') })
    expect(checked(timed, { at: null }).errors).toEqual(['field.at must be text, not null'])
  })

  test('has problems of unknown fields at the key, others at the value', () => {
    const context = newCheck()
    check(object({ a: text() }), { a: 1, b: 1 }, [], context)
    expect(context.errors.map(({ path, at }) => [formatPath(path), at])).toEqual([
      ['a', undefined],
      ['b', 'key'],
    ])
  })

  test('with 100,000 unknown fields is refused in a moment', () => {
    const names = Array.from({ length: 100_000 }, (_, index) => `externalId${index}`.repeat(10))
    const started = performance.now()
    const { errors } = checked(invoice, Object.fromEntries(names.map((name) => [name, 1])))
    expect(errors).toHaveLength(100_002)
    expect(performance.now() - started).toBeLessThan(3000)
  })
})

describe('an object that takes fields of its own', () => {
  const plan = openObject({ id: text(), cost: optional(text()) })

  test.each<[spelling: string, value: object]>([
    ['beside the known ones', { id: 'pro', seats: 3, nested: { a: [null] } }],
    ['as the SDK spells it', { id: 'pro', additionalProperties: { seats: 3, nested: { a: [null] } } }],
    ['in both ways', { id: 'pro', seats: 3, additionalProperties: { nested: { a: [null] } } }],
  ])('%s', (_, value) => {
    expect(checked(plan, value)).toMatchObject({
      value: { id: 'pro', additionalProperties: { seats: 3, nested: { a: [null] } } },
      errors: [],
    })
  })

  test('has none of them where none are given', () => {
    expect(checked(plan, { id: 'pro' }).value).toEqual({ id: 'pro' })
  })

  test.each([
    [{ additionalProperties: { id: 'x' } }, 'id'],
    [{ additionalProperties: { cost: 'x' } }, 'cost'],
    [{ seats: 1, additionalProperties: { seats: 2 } }, 'seats'],
  ])('gives no field two values: %j', (fields, name) => {
    expect(checked(plan, { id: 'pro', ...fields }).errors).toEqual([
      `field.additionalProperties.${name} is the name of a field beside \`additionalProperties\`; write it there alone`,
    ])
  })

  test('checks the known ones, and that the others are JSON', () => {
    const value = { cost: 1, additionalProperties: [], half: '\ud800', far: [Number.POSITIVE_INFINITY] }
    expect(checked(plan, value).errors).toEqual([
      'field.id is missing',
      'field.cost must be text, not a number',
      'field.half holds half of a surrogate pair, which is not Unicode',
      'field.far[0] must be a finite number',
      'field.additionalProperties must be an object, not a list',
    ])
    expect(checked(plan, { id: 'a', additionalProperties: { x: Number.NaN } }).errors).toEqual([
      'field.additionalProperties.x must be a finite number',
    ])
  })
})

test('free-form data has nothing in it that JSON would lose', () => {
  expect(checked(record(), JSON.parse('{"a": {"__proto__": 1}, "b": [1e999, "\\ud800"]}')).errors).toEqual([
    'field.a.__proto__ is a name that cannot be sent',
    'field.b[0] must be a finite number',
    'field.b[1] holds half of a surrogate pair, which is not Unicode',
  ])
})

test('a union is held against the variant that was meant, and against no other', () => {
  const union = oneOf([object({ a: text() }), list(number())], (value) => (Array.isArray(value) ? 1 : 0))
  expect(checked(union, { a: 1 }).errors).toEqual(['field.a must be text, not a number'])
  expect(checked(union, ['x']).errors).toEqual(['field[0] must be a number, not text'])
  expect(checked(union, [1])).toMatchObject({ value: [1], errors: [] })
})

describe('the nearest name', () => {
  const known = ['externalId', 'invoiceDate', 'memo', 'period', 'items', 'discounts', 'final', 'test']
  test.each([
    ['externalID', 'externalId'],
    ['external_id', 'externalId'],
    ['ExternalId', 'externalId'],
    ['invoice-date', 'invoiceDate'],
    ['invocieDate', 'invoiceDate'],
    ['item', 'items'],
    ['discount', 'discounts'],
    ['memos', 'memo'],
  ])('to %s is %s', (name, wanted) => expect(nearest(name, known)).toBe(wanted))

  test.each(['currency', 'x', '', '🙂', 'a'.repeat(100_000)])('%j is like none', (name) => {
    expect(nearest(name, known)).toBeUndefined()
  })
})

test('any value held against any schema ends in a value or in problems, each on one line', () => {
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
      fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.boolean(), fc.constantFrom(null, 'PATH', '2025-01-31')),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.array(fc.tuple(keys, tie('value')), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
    ),
  })).value
  fc.assert(
    fc.property(fc.constantFrom(...schemas), values, (schema, value) => {
      const context = newCheck()
      check(schema, value, [], context)
      for (const problem of [...context.errors, ...context.warnings]) expect(spoken(problem)).toMatch(/^[^\n\r\0]+$/)
    }),
    { numRuns: 2000 },
  )
})
