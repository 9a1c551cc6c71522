import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatPath } from '../src/failure.ts'
import { quote } from '../src/format.ts'

test.each([
  [[], ''],
  [['items', 0, 'total'], 'items[0].total'],
  [[2, 'a', 'b-c', '$env'], '[2].a.b-c.$env'],
  [['per month', 'x', 'é', ''], '["per month"].x["é"][""]'],
  [['0', '-1'], '["0"]["-1"]'],
  [['a\n::error::'], '["a\\n::error::"]'],
  [['x'.repeat(61)], `["${'x'.repeat(60)}…"]`],
])('the path %j is shown as %s', (path, shown) => expect(formatPath(path)).toBe(shown))

test('quoted text is one short line, and nothing in it is invisible', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'\u202e\u200b\u0085\u2028\ufeff\n\0a') }),
  )
  fc.assert(
    fc.property(texts, (text) => {
      const shown = quote(text)
      expect(shown).not.toMatch(/[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/)
      expect(shown.isWellFormed()).toBe(true)
      if (text.length <= 60) expect(JSON.parse(shown)).toBe(text)
    }),
  )
  expect(quote('x'.repeat(1000))).toBe(`"${'x'.repeat(60)}…"`)
  expect(quote(`${'x'.repeat(59)}😀`)).toBe(`"${'x'.repeat(59)}…"`)
})
