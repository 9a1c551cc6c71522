import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatPath } from '../src/failure.ts'
import { quote, quotePath } from '../src/format.ts'
import { unicodeText } from './unicode-text.ts'

test.each([
  [[], ''],
  [['items', 0, 'total'], 'items[0].total'],
  [[2, 'a', 'b-c', '$env'], '[2].a.b-c.$env'],
  [['per month', 'x', 'é', ''], '["per month"].x["é"][""]'],
  [['0', '-1'], '["0"]["-1"]'],
  [['a\n::error::'], '["a\\n::error::"]'],
  [['x'.repeat(61)], `["${'x'.repeat(60)}…"]`],
])('the path %j is shown as %s', (path, shown) => expect(formatPath(path)).toBe(shown))

test('a quoted text is one short line without invisible characters', () => {
  const texts = fc.oneof(
    unicodeText(),
    fc.string({ unit: fc.constantFrom(...'\u202e\u2066\u061c\u200b\u0085\u2028\ufeff\u{e0041}\x1b\n\0a') }),
  )
  fc.assert(
    fc.property(texts, (text) => {
      const shown = quote(text)
      expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Bidi_Control}]/u)
      expect(shown.isWellFormed()).toBe(true)
      if (text.length <= 60) expect(JSON.parse(shown)).toBe(text)
    }),
  )
  expect(quote('x'.repeat(1000))).toBe(`"${'x'.repeat(60)}…"`)
  expect(quote(`${'x'.repeat(59)}😀`)).toBe(`"${'x'.repeat(59)}…"`)
})

test.each([
  ['\x1b[31mred', '"\\u001b[31mred"'],
  ['\u009b31m', '"\\u009b31m"'],
  ['a\u202eb', '"a\\u202eb"'],
  ['a\u2066b\u2069', '"a\\u2066b\\u2069"'],
  ['a\u061cb', '"a\\u061cb"'],
  ['a\u{e0041}', '"a\\udb40\\udc41"'],
  ['é 🙂', '"é 🙂"'],
])('%j is quoted as %s', (text, quoted) => expect(quote(text)).toBe(quoted))

test.each([
  ['C:\\work\\new.ndjson', '"C:\\work\\new.ndjson"'],
  ['\\\\?\\C:\\a', '"\\\\?\\C:\\a"'],
  ['a\nb', '"a\\nb"'],
])('the path %j is quoted as %s', (path, quoted) => expect(quotePath(path)).toBe(quoted))
