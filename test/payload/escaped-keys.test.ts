import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRecord } from '../../src/batch/records/parse-record.ts'
import { rereadKeys } from '../../src/payload/escaped-keys.ts'
import { escapesKeys, parseJson, parseSource } from '../../src/payload/parse.ts'
import { runs } from '../runs.ts'
import { unicodeText } from '../unicode-text.ts'

/** Has V8 read a name with a backslash after `unique`: it expects the only name that it has seen there. */
const readBackslash = () => JSON.parse('{"unique":1,"\\\\":1}')

test.each<[text: string, value: unknown]>([
  ['{"unique":1,"\\n":2}', { unique: 1, '\n': 2 }],
  ['{"unique":1,"\\"":2,"\\\\":3}', { unique: 1, '"': 2, '\\': 3 }],
  ['{"unique":1,"a":[{"unique":1,"\\n":"\\n"}]}', { unique: 1, a: [{ unique: 1, '\n': '\n' }] }],
  ['{"unique":1, "\\u0062":{"\\u0063":{}},"2":[],"1":null}', { unique: 1, b: { c: {} }, 1: null, 2: [] }],
  ['[{\r\n"\\u0061b":true},["\\n",0.5]]', [{ ab: true }, ['\n', 0.5]]],
])('the names of %s are read as they are written, whatever was read before', async (text, value) => {
  readBackslash()
  expect(await parseSource(text)).toMatchObject({ value, errors: [], warnings: [] })
  expect(parseRecord(text)).toMatchObject({ value, errors: [], warnings: [] })
})

test('`__proto__` is a field like any other', async () => {
  const { value } = await parseSource('{"__proto__":{"\\n":1}}')
  expect(Object.entries(value as object)).toEqual([['__proto__', { '\n': 1 }]])
})

test.each<[text: string, isRead: boolean]>([
  ['{"\\n":1}', true],
  ['{"a\\n":1}', true],
  ['{"a":1,\r\n"a\\n":1}', true],
  ['{"a":"\\n","b":1}', false],
  // An error: the names are not needed.
  ['{"\\n":1,"\\n":2}', false],
])('the names of %j are read again: %j', (text, isRead) => {
  expect(escapesKeys(text, parseJson(text))).toBe(isRead)
})

test('a text with a duplicate has no value', async () => {
  const text = '{"\\n":1,"\\n":2}'
  expect(await parseSource(text)).toMatchObject({ value: undefined, errors: [{ path: ['\n'] }] })
  expect(parseRecord(text)).toMatchObject({ value: undefined, errors: [{ path: ['\n'] }] })
})

test('a byte order mark is ignored', async () => {
  const text = '\ufeff{"a":[{"\\n":1}]}'
  const expected = { value: { a: [{ '\n': 1 }] }, errors: [], warnings: [] }
  expect(await parseSource(text)).toMatchObject(expected)
  expect(parseRecord(text)).toMatchObject(expected)
})

test('a field has its place, although the text was parsed in another form', async () => {
  const { locate } = await parseSource('{"unique":1,\n "\\n":2}')
  expect(locate(['\n'], 'value')).toEqual({ line: 2, column: 7 })
})

test('any value is what was written', () => {
  fc.assert(
    fc.property(fc.object({ key: unicodeText(), withNullPrototype: false }), (object) => {
      const text = JSON.stringify(object)
      expect(JSON.stringify(rereadKeys(text, parseJson(text)).value)).toBe(text)
    }),
    runs(200),
  )
})
