import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Path } from '../../src/failure.ts'
import { parseJson, parseSource } from '../../src/payload/parse.ts'
import { runs } from '../runs.ts'
import { unicodeText } from '../unicode-text.ts'

const json = '{\n  "items": [\n    {"total": 1, "n\\u0061me": "é"}\n  ],\r\n  "memo": null\r}'
const yaml = 'items:\n  - total: 1\n    name: é\nmemo: &m\nlast: *m\n'

describe('places, by line and column', () => {
  test.each<[notation: string, text: string, path: Path, value: string, key: string]>([
    ['JSON', json, [], '1:1', '1:1'],
    ['JSON', json, ['items'], '2:12', '2:3'],
    ['JSON', json, ['items', 0], '3:5', '3:5'],
    ['JSON', json, ['items', 0, 'total'], '3:15', '3:6'],
    ['JSON', json, ['items', 0, 'name'], '3:31', '3:18'],
    ['JSON', json, ['memo'], '5:11', '5:3'],
    ['YAML', yaml, [], '1:1', '1:1'],
    ['YAML', yaml, ['items'], '2:3', '1:1'],
    ['YAML', yaml, ['items', 0], '2:5', '2:5'],
    ['YAML', yaml, ['items', 0, 'total'], '2:12', '2:5'],
    ['YAML', yaml, ['items', 0, 'name'], '3:11', '3:5'],
    ['YAML', yaml, ['last'], '5:7', '5:1'],
  ])('%s: %#', async (_, text, path, value, key) => {
    const { locate, errors } = await parseSource(text)
    expect(errors).toEqual([])
    const place = (at: 'key' | 'value') => Object.values(locate(path, at) ?? {}).join(':')
    expect([place('value'), place('key')]).toEqual([value, key])
  })

  test.each([json, yaml])('a path that is not in the text has no place', async (text) => {
    const { locate } = await parseSource(text)
    for (const path of [['item'], ['items', 1], ['items', 'total'], ['items', '0'], [0], ['memo', 'x'], ['toString']]) {
      expect(locate(path, 'value')).toBeUndefined()
    }
  })

  test('the parts of an alias are located in its anchor', async () => {
    const { locate } = await parseSource('base: &b\n  total: 1\nitem: *b')
    expect(locate(['item', 'total'], 'value')).toEqual({ line: 2, column: 10 })
  })
})

describe('the notation of a text', () => {
  test.each<[text: string, value: unknown]>([
    ['{"a": 1}', { a: 1 }],
    ['{a: 1}', { a: 1 }],
    ['{"a": 1,}', { a: 1 }],
    ['"a": 1', { a: 1 }],
    ['a: 1', { a: 1 }],
    ['null', null],
    ['\ufeff{"a": 1}', { a: 1 }],
    ['\ufeffa: 1', { a: 1 }],
  ])('%j is read', async (text, value) => {
    expect(await parseSource(text)).toMatchObject({ value, errors: [] })
  })

  test.each([
    ['{"a": [}', 'is not valid JSON: a value is missing before this'],
    ['"a" 1', 'is not valid JSON: there is more text after the end of the JSON value'],
    [' [1, 2', 'is not valid JSON: expected a comma or ], but the text ends here'],
    ['a: [1', 'is not valid YAML: the indentation does not fit the lines above, or a closing bracket is missing'],
  ])('%j is refused in the notation that was meant', async (text, message) => {
    expect((await parseSource(text)).errors).toMatchObject([{ message, position: { line: 1 } }])
  })

  const broken = 'a text contains a line break or another control character; write it as an escape such as \\n'
  const badEscape = 'this escape is not JSON; write a backslash itself as \\\\'
  test.each([
    ['{"value": "-----BEGIN\nabc\n-----END"}', broken, 'a line break', '-----BEGIN abc -----END'],
    ['{"value": "ab\tcd"}', broken, 'a tab', 'ab\tcd'],
    ['["pass\\eword"]', badEscape, 'a backslash', 'pass\u001bword'],
  ])('%j is not parsed as YAML, which would change the text', async (text, problem, _, inYaml) => {
    const message = `is not valid JSON: ${problem}`
    expect(await parseSource(text)).toMatchObject({ value: undefined, errors: [{ message }] })
    expect(Object.values((await parseSource(text, 'yaml')).value as object)).toEqual([inYaml])
  })

  test('JSON with duplicate keys is not parsed as YAML', async () => {
    const { value, errors } = await parseSource('{"a": 1,\n "a": 2}')
    expect(value).toBeUndefined()
    expect(errors).toMatchObject([{ path: ['a'], position: { line: 2, column: 2 } }])
  })

  test.each(['{"a": 1,}', 'a: 1', ''])('if only JSON is accepted, %j is refused', async (text) => {
    const errors = [{ message: expect.stringMatching(/^is not valid JSON: /) }]
    expect(await parseSource(text, 'json')).toMatchObject({ value: undefined, errors })
    expect(parseJson(text)).toMatchObject({ value: undefined, errors })
  })
})

test('JSON may have a limit of values of its own', () => {
  expect(parseJson('[1,2]', 3)).toMatchObject({ value: [1, 2], errors: [] })
  const errors = [{ path: [], message: 'has more than 2 values; split it', position: { line: 1, column: 4 } }]
  expect(parseJson('[1,2]', 2)).toMatchObject({ value: undefined, errors })
})

test('any text gives a value or problems', async () => {
  const texts = fc.oneof(
    unicodeText(),
    fc.json(),
    fc.json().map((text) => text.slice(1)),
  )
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      const { value, errors } = await parseSource(text)
      expect(value === undefined).toBe(errors.length > 0)
    }),
    runs(100),
  )
})
