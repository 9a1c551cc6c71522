// Compares the fast parser with the scan: it may leave a text to the scan, but never accept one that the scan reports.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maxDepth, scanJson } from '../../src/payload/json.ts'
import { parsePlainJson } from '../../src/payload/plain-json.ts'
import { runs } from '../runs.ts'
import { unicodeText } from '../unicode-text.ts'
import { wildJson } from './wild-json.ts'

test('a text that is accepted has nothing for the scan to report, and the same value', () => {
  let accepted = 0
  fc.assert(
    fc.property(wildJson, (text) => {
      const plain = parsePlainJson(text)
      if (!plain) return
      accepted++
      expect(scanJson(text)).toEqual({ errors: [], warnings: [], places: undefined })
      expect(plain.value).toEqual(JSON.parse(text))
    }),
    runs(1500),
  )
  expect(accepted).toBeGreaterThan(250)
})

test('what JSON.stringify writes without escapes in names is accepted, with any indentation', () => {
  const shortNumber = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((value) => value / 1000)
  const plainName = unicodeText().filter((name) => JSON.stringify(name) === `"${name}"`)
  const value = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(shortNumber, unicodeText(), fc.boolean(), fc.constant(null)),
      fc.array(tie('value')),
      fc.dictionary(plainName, tie('value')),
    ),
  })).value
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      expect(parsePlainJson(text)).toEqual({ value: JSON.parse(text) })
    }),
  )
})

describe('left to the scan is', () => {
  test.each<[what: string, text: string]>([
    ['a key that occurs twice', '{"a":1,"a":1}'],
    ['a key that occurs twice, once as an escape', '{"a":1,"\\u0061":1}'],
    ['a key that occurs twice in a list', '[{"x":[{"a":1,"a":{}}]}]'],
    ['`__proto__` twice', '{"__proto__":{"a":1},"__proto__":{"a":1}}'],
    ['a duplicate whose lost value has a colon', '{"a":"b:c","a":":"}'],
    ['a name with an escape', '{"a":1,"b\\u0063":1}'],
    ['a long number', '[1.00000000000000000001]'],
    ['a number of 16 digits', '{"a":9007199254740993}'],
    ['one level too many', '['.repeat(maxDepth + 1) + ']'.repeat(maxDepth + 1)],
    ['one level of objects too many', `${'{"a":'.repeat(maxDepth + 1)}1${'}'.repeat(maxDepth + 1)}`],
    ['levels in which a recursion would overflow the stack', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['an open text', '{"a":"b'],
    ['text after the value', '{} {}'],
    ['a text of more than 1 MiB', JSON.stringify('x'.repeat(1 << 20))],
  ])('%s', (_, text) => expect(parsePlainJson(text)).toBeUndefined())
})

test.each([
  '{"a":"\\"","b":"\\\\","c":":,{[","d":"1234567890123456"}',
  `{"a":${'['.repeat(maxDepth - 1)}${']'.repeat(maxDepth - 1)}}`,
  '{"__proto__":{"constructor":1},"toString":2}',
  '{"a":"\\n","b":["\\n"]}',
  '123456789012345',
  `[${'[],'.repeat(maxDepth + 1)}${'{},'.repeat(maxDepth + 1)}1]`,
  '{"a":123456789012345, "b": [ -1.5e-10 , true ]}',
])('%s is accepted', (text) => expect(parsePlainJson(text)).toEqual({ value: JSON.parse(text) }))

test('a text of 1 MiB is accepted', () => {
  const value = 'x'.repeat((1 << 20) - 2)
  expect(parsePlainJson(`"${value}"`)).toEqual({ value })
})
