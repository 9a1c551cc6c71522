// The markup of summaries, exactly.

import { expect, test } from 'vitest'
import {
  codeTag,
  definitionTable,
  entriesOf,
  escapeText,
  fieldsOf,
  formatInstant,
  html,
  scalarText,
  table,
  warningList,
} from '../../src/report/summary/html.ts'

test('markup has its values escaped, and no blank lines', () => {
  const lines = html`
    <p>${'<b>'}</p>

      ${[codeTag('a&b'), 1, undefined, false, ['"', "'"]]}
    `
  expect(lines.markup).toBe('\n<p>&lt;b&gt;</p>\n<code>a&amp;b</code>1&quot;&#39;\n')
})

test.each([
  [' a \n\t b ', 'a b'],
  ['@a #1 gh-1 www.a a://b :c: @ # x', '@\u200ba #\u200b1 gh-\u200b1 www\u200b.a a:\u200b//b :\u200bc: @ # x'],
])('the text %j is escaped', (text, escaped) => {
  expect(escapeText(text)).toBe(escaped)
})

test('warnings are a list of ten at most, or nothing', () => {
  const warnings = Array.from({ length: 11 }, (_, index) => String(index))
  const items = (count: number) => warnings.slice(0, count).map((text) => `<li>⚠️ ${text}</li>`)
  expect(warningList([])).toBe(undefined)
  expect(warningList(warnings.slice(0, 10))?.markup).toBe(`<ul>${items(10).join('')}</ul>`)
  expect(warningList(warnings)?.markup).toBe(`<ul>${items(10).join('')}<li>and 1 more</li></ul>`)
})

test('a table has the columns with content, numbers at the right, and fifty rows', () => {
  const rows = [
    ['a', '', 1, undefined],
    ['b', undefined, 2, ''],
  ]
  expect(table(['a > b', 'Empty', 'Count>', 'None>'], rows).markup.split('\n')).toEqual([
    '<table>',
    '<tr><th>a &gt; b</th><th align="right">Count</th></tr>',
    '<tr><td>a</td><td align="right">1</td></tr>',
    '<tr><td>b</td><td align="right">2</td></tr>',
    '</table>',
  ])
  const many = (count: number) => table(['A', 'B'], Array(count).fill(['a', 'b'])).markup.split('\n')
  expect(many(50).slice(-2)).toEqual(['<tr><td>a</td><td>b</td></tr>', '</table>'])
  expect(many(52).slice(-3)).toEqual([
    '<tr><td>a</td><td>b</td></tr>',
    '<tr><td colspan="2">and 2 more</td></tr>',
    '</table>',
  ])
})

test('a table of names and values has those that are known', () => {
  expect(definitionTable({ A: undefined, B: '' }).markup).toBe('')
  expect(definitionTable({ A: undefined, B: '', C: 0, D: codeTag('<') }).markup).toBe(
    '<table><tr><th align="left">C</th><td>0</td></tr><tr><th align="left">D</th><td><code>&lt;</code></td></tr></table>',
  )
})

test.each<[value: unknown, text: string | undefined]>([
  ['a', 'a'],
  [1, '1'],
  [false, 'false'],
  [{ $env: 'A' }, '(from a reference)'],
  [{}, undefined],
  [[], undefined],
  [null, undefined],
  [undefined, undefined],
])('%j is the text %j', (value, text) => {
  expect(scalarText(value)).toBe(text)
})

test('lists and objects of any content are read', () => {
  expect(entriesOf([{ a: 1 }, null, 'a', 1, undefined])).toEqual([{ a: 1 }])
  expect(entriesOf({ length: 1 })).toEqual([])
  expect(fieldsOf({ a: 1 })).toEqual({ a: 1 })
  for (const value of [null, 'a', [1], undefined]) expect(fieldsOf(value)).toEqual({})
})

test.each<[value: unknown, text: string | undefined]>([
  ['2025-01-31T00:00:00Z', '2025-01-31 00:00 UTC'],
  ['2025-01-31t23:30:59+01:00', '2025-01-31 22:30 UTC'],
  ['2025-13-31T00:00:00Z', '2025-13-31T00:00:00Z'],
  ['2025-01-31', '2025-01-31'],
  ['+2025-01-31T00:00:00Z', '+2025-01-31T00:00:00Z'],
  ['1 2025-01-31T00:00:00Z', '1 2025-01-31T00:00:00Z'],
  [7, '7'],
  [undefined, undefined],
])('the time %j is shown as %j', (value, text) => {
  expect(formatInstant(value)).toBe(text)
})
