import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inexact, maxDepth, scanJson } from '../../src/payload/json.ts'
import { findPlace } from '../../src/payload/places.ts'
import { cpuMs } from '../cpu-time.ts'
import { runs } from '../runs.ts'
import { unicodeText } from '../unicode-text.ts'

const parses = (text: string) => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const pieces = [...'{}[]:,"\\/0123456789.-+eE \t\n\r', 'true', 'false', 'null', '\\u00e9', '\u0000', '\u00a0', '\ufeff']
const mutated = fc
  .tuple(fc.json({ maxDepth: 4 }), fc.nat(), fc.nat({ max: 2 }), fc.oneof(fc.constantFrom(...pieces), fc.string()))
  .map(([text, at, dropped, change]) => {
    const place = at % (text.length + 1)
    return text.slice(0, place) + change + text.slice(place + dropped)
  })
const garbage = fc.string({ unit: fc.constantFrom(...pieces), maxLength: 12 })

describe('the scan accepts exactly what JSON.parse accepts', () => {
  test.each([
    ['compact JSON', fc.json()],
    ['indented JSON', fc.jsonValue().map((value) => JSON.stringify(value, null, 2))],
    ['JSON with a mutation', mutated],
    ['random tokens of JSON', garbage],
    ['any text', unicodeText()],
  ])('%s', (_, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(scanJson(text).syntax === undefined).toBe(parses(text))
      }),
      runs(250),
    )
  })
})

test.each([
  ['', 'the text is empty', 0],
  [' \n', 'the text is empty', 2],
  ['{"a": }', 'a value is missing before this', 6],
  ['{"a": 1,}', 'remove the comma before this closing brace', 8],
  ['[1, ]', 'a value is missing before this', 4],
  ['{"a" 1}', 'expected a colon after the field name', 5],
  ['{"a": 1 "b": 2}', 'expected a comma or }, not "', 8],
  ['[1', 'expected a comma or ], but the text ends here', 2],
  ["{'a': 1}", 'expected a field name in double quotes', 1],
  ['{"a": tru}', 'expected a value', 6],
  ['nullx', 'expected null to end here', 4],
  ['{"a": 01}', 'this is not a JSON number', 7],
  ['{"a": 1} x', 'there is more text after the end of the JSON value', 9],
  ['["open', 'the text that starts here has no closing quote', 1],
  ['["a\nb"]', 'a text contains a line break or another control character; write it as an escape such as \\n', 3],
  ['{"open', 'the text that starts here has no closing quote', 1],
  ['["\\x"]', 'this escape is not JSON; write a backslash itself as \\\\', 3],
  ['["\\x1234"]', 'this escape is not JSON; write a backslash itself as \\\\', 3],
  ['["\\u12"]', 'this escape is not JSON; write a backslash itself as \\\\', 3],
  ['["\\u123g"]', 'this escape is not JSON; write a backslash itself as \\\\', 3],
  ['["\\', 'this escape is not JSON; write a backslash itself as \\\\', 3],
])('%j is refused with the problem and its place', (text, message, offset) => {
  expect(scanJson(text).syntax).toEqual({ path: [], message: `is not valid JSON: ${message}`, offset })
})

test.each([
  '{"token": hunter2}',
  '{"token": "hunter2}',
  '{"token": "hunter2\n"}',
  '["hunter2" hunter2]',
  '"hunter2" "',
  '{"token": 98765432109876543210, "token": "hunter2"}',
])('no message about %j contains a part of a value', (text) => {
  const { syntax, errors, warnings } = scanJson(text)
  const messages = [syntax, ...errors, ...warnings].flatMap((problem) => problem?.message ?? [])
  expect(messages).not.toEqual([])
  expect(messages.join()).not.toMatch(/hunter|98765/)
})

describe('duplicate keys', () => {
  test.each<[text: string, path: (string | number)[], offset: number]>([
    ['{"a":1,"a":2}', ['a'], 7],
    ['{"a":1,"\\u0061":2}', ['a'], 7],
    ['{"x":[0,{"__proto__":1,"__proto__":2}]}', ['x', 1, '__proto__'], 23],
    ['{"":1,"":2}', [''], 6],
    ['{"a\\/":1,"a/":2}', ['a/'], 9],
  ])('are found in %s', (text, path, offset) => {
    const message = 'occurs twice; remove one of the two'
    expect(scanJson(text).errors).toEqual([{ path, message, at: 'key', offset }])
  })

  test('are not reported for different objects', () => {
    expect(scanJson('{"a":{"a":[{"a":1},{"a":1}]},"b":{"a":1}}').errors).toEqual([])
  })
})

test.each(['[ ]', '{ }', ' [ { } ] ', '"\\n1234"'])('%j is valid', (text) => {
  expect(scanJson(text)).toEqual({ errors: [], warnings: [], places: undefined })
})

test('only lists and objects have places inside', () => {
  const inside = new Map([['a', { key: 2, value: 7 }]])
  expect(scanJson('[{"a": 1}, [], "b"]', { withPlaces: true }).places).toEqual({
    at: 0,
    inside: [{ at: 1, inside }, { at: 11, inside: [] }, 15],
  })
})

test('every part of a JSON text has its place', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      const { places } = scanJson(text, { withPlaces: true })
      for (const { path, part } of partsOf(JSON.parse(text))) {
        const at = findPlace(places, path, 'value') as number
        expect(startOf(text.slice(at))).toEqual(part)
        const key = path.at(-1)
        if (typeof key === 'string') {
          const keyAt = findPlace(places, path, 'key') as number
          expect(text.slice(keyAt, at).replace(/:\s*$/, '')).toBe(JSON.stringify(key))
        }
      }
    }),
  )
})

function* partsOf(
  part: unknown,
  path: (string | number)[] = [],
): Generator<{ path: (string | number)[]; part: unknown }> {
  yield { path, part }
  if (typeof part !== 'object' || part === null) return
  for (const [name, inner] of Object.entries(part)) {
    yield* partsOf(inner, [...path, Array.isArray(part) ? Number(name) : name])
  }
}

/** The value at the start of a text. */
function startOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const [, end] = /at position (\d+)/.exec((error as Error).message) ?? []
    return JSON.parse(text.slice(0, Number(end)))
  }
}

test('nesting up to the limit is accepted, and one more level is refused at its place', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  expect(scanJson(nested(maxDepth)).errors).toEqual([])
  const message = 'nests deeper than 100 levels'
  expect(scanJson(nested(maxDepth + 1)).errors).toEqual([{ path: [], message, offset: maxDepth }])
})

describe('a text with too many values', () => {
  const limit = 5

  test.each<[text: string, offset: number]>([
    ['[1,2,3,4,5]', 9],
    ['{"a":1,"b":[2,3],"c":4}', 21],
    ['[{},{},[],[],null]', 13],
    ['[[[[[[]]]]]]', 5],
  ])('%s is refused at the value that is one too many', (text, offset) => {
    expect(scanJson(text, { limit }).errors).toEqual([
      { path: [], message: 'has more than 5 values; split it', offset },
    ])
    expect(scanJson(text, { limit: limit + 1 }).errors).toEqual([])
  })

  test('is refused before the rest is scanned', () => {
    expect(scanJson('[1,2,3,4,5, no JSON', { limit })).toMatchObject({ errors: [{ offset: 9 }] })
    expect(scanJson('[1,2,3,4,5, no JSON', { limit })).not.toHaveProperty('syntax')
  })
})

describe('numbers that a float cannot represent', () => {
  test.each([
    '12345678901234567890',
    '9007199254740993',
    '0.1000000000000000000001',
    '1.00000000000000000001e-3',
    '1.00000000000000000001e3',
    '1e-0000000000400',
  ])('%s gets a warning', (text) => {
    expect(scanJson(`{"a": [${text}]}`).warnings).toEqual([
      { path: ['a', 0], message: 'is not sent as it is written: JSON numbers keep 15 to 17 digits', offset: 7 },
    ])
  })

  test.each([
    '9007199254740992',
    '100000000000000000000',
    '1.50000000000000000000',
    '0.00000000000000000000',
    '-0.000000000000000001',
  ])('%s gets no warning', (text) => expect(scanJson(text).warnings).toEqual([]))

  // The last one has 15 characters, which are few enough for all digits.
  test.each([
    '1e99999999999999999',
    '0xffffffffffffffff',
    '0.00000000000000000000e5',
    '-1.50000000000000000000',
    '1e-000000000400',
  ])('%s gets no warning either', (token) => expect(inexact(token)).toBeUndefined())

  test('a number as JSON.stringify writes it gets no warning', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(inexact(JSON.stringify(value))).toBeUndefined()
        expect(inexact(value.toExponential())).toBeUndefined()
      }),
    )
  })
})

// A quadratic scan would take minutes for each.
test.each([
  ['[', ''],
  ['{"a":', ''],
  ['"', ''],
  ['\\', ''],
  ['1', ''],
  ['"\\u0061', ''],
  ['[1,', ''],
  [' ', ''],
  ['-', ''],
  ['0.1', '0'.repeat(2 << 20)],
])('2 MiB that begin with %j are scanned in linear time', (piece, rest) => {
  const text = rest === '' ? piece.repeat((2 << 20) / piece.length) : `${piece}${rest}1`
  const usedBefore = cpuMs()
  scanJson(text)
  expect(cpuMs() - usedBefore).toBeLessThan(1000)
})
