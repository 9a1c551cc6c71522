// The compiled check of single values; test/operations/quick-request.test.ts compares whole requests.

import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { compileCheck, compileObject, inDoubt } from '../../src/payload/compiled-check.ts'
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
import { checked, fixedNow } from './checking.ts'

const convert = (schema: Schema, value: unknown) => {
  const secrets: string[] = []
  return { value: compileCheck(schema)(value, { now: fixedNow, secrets }), secrets }
}

const expression = '${{ a }}'
const union = oneOf([text(), number()], (value) => (typeof value === 'number' ? 1 : typeof value === 'string' ? 0 : 2))
const period = object({ start: defaulted(time(), (now) => now), note: optional(text()) })

describe('a value is converted as the thorough check does it', () => {
  test.each<[schema: Schema, value: unknown, converted?: unknown]>([
    [text(), 'a $ {{ b'],
    [text(), ''],
    [text({ max: 3 }), 'abc'],
    [secret(), 'hunter2'],
    [segment(), 'icfg_1-B'],
    [segment(), 'a b'],
    [decimal(), '12.50'],
    [decimal(), '9'.repeat(40)],
    [time(), '2025-01-31T01:00:00+01:00', new Date('2025-01-31T00:00:00Z')],
    [number(), -1.5],
    [flag(), false],
    [choice(['a', 'b']), 'b'],
    [nothing(), null],
    [json(), null],
    [json(), [{ a: 'b' }, 1]],
    [record(), { a: [1] }],
    [list(number(), 2), [1, 2]],
    [list(number()), [1, 2, 3]],
    [object({ a: text(), b: optional(flag()) }), { a: 'x' }],
    [object({ a: text(), b: optional(flag()) }), { b: true, a: 'x' }],
    [openObject({ a: text() }), { a: 'x' }],
    [period, {}, { start: fixedNow }],
    [period, { start: '2025-01-31T00:00:00Z' }, { start: new Date('2025-01-31T00:00:00Z') }],
    [union, 'x'],
    [union, 1],
  ])('%o: %j', (schema, value, converted = value) => {
    expect(convert(schema, value).value).toEqual(converted)
    expect(checked(schema, value)).toMatchObject({ value: converted, errors: [], warnings: [] })
  })

  test('any time', () => {
    fc.assert(
      fc.property(times, ({ at, text }) => {
        expect(convert(time(), text).value).toEqual(at)
      }),
      { numRuns: 20 },
    )
  })

  test('a time that was converted before gives another equal object', () => {
    const [first, second] = [1, 2].map(() => convert(time(), '2025-02-01T00:00:00Z').value)
    expect(second).toEqual(new Date('2025-02-01T00:00:00Z'))
    expect(second).not.toBe(first)
  })
})

test('a thousand times are remembered, and no more of them', () => {
  const clearing = vi.spyOn(Map.prototype, 'clear')
  onTestFinished(() => clearing.mockRestore())
  let minute = 0
  const convertTimes = (count: number) => {
    for (const end = minute + count; minute < end; minute++) {
      convert(time(), new Date(Date.UTC(2001, 0, 1, 0, minute)).toISOString())
    }
    return clearing.mock.calls.length
  }
  // Other tests may have converted some.
  while (minute < 1000 && convertTimes(1) === 0);
  expect(convertTimes(999)).toBe(1)
  expect(convertTimes(1)).toBe(2)
})

describe('a value that the thorough check may report is in doubt', () => {
  test.each<[schema: Schema, value: unknown]>([
    [text(), 1],
    [text(), expression],
    [text(), '\ud800'],
    [text({ max: 3 }), 'abcd'],
    [text(), { $env: 'A' }],
    [secret(), 1],
    [secret(), ''],
    [secret(), 'a***'],
    [segment(), 1],
    [segment(), '..'],
    [segment(), '../a'],
    [segment(), 'a/b'],
    [segment(), `a${expression}`],
    [decimal(), 1],
    [decimal(), ['12.50']],
    [decimal(), null],
    [decimal(), '9'.repeat(41)],
    [decimal(), '-1'],
    [time(), 1],
    [time(), ['2025-01-31T00:00:00Z']],
    [time(), null],
    [time(), '2025-01-31'],
    [number(), '1'],
    [number(), Number.NaN],
    [flag(), 'true'],
    [choice(['a']), 'b'],
    [choice(['a']), null],
    [nothing(), 0],
    [json(), Number.POSITIVE_INFINITY],
    [json(), { $env: 'A' }],
    [record(), [1]],
    [record(), { a: expression }],
    [list(number()), { length: 0 }],
    [list(number(), 2), [1, 2, 3]],
    [list(number()), [1, '2']],
    [object({}), []],
    [object({ a: text() }), {}],
    [object({ toString: text() }), {}],
    [object({ a: text() }), { a: 1 }],
    [object({ a: text() }), { a: 'x', b: 1 }],
    [object({ a: optional(text()) }), { a: undefined }],
    [object({ $env: text() }), { $env: 'A' }],
    [openObject({ a: text() }), { a: 'x', b: 1 }],
    [union, null],
    [union, true],
  ])('%o: %j', (schema, value) => expect(convert(schema, value).value).toBe(inDoubt))
})

test('the values of secret fields are collected, valid or not', () => {
  for (const value of ['hunter2', '', 'a***', '${{ secrets.A }}']) {
    expect(convert(object({ a: secret() }), { a: value }).secrets).toEqual([value])
  }
  expect(convert(text(), 'public').secrets).toEqual([])
})

test('an object may have other fields besides, which are not checked and not part of the result', () => {
  const conversion = compileObject(object({ id: number(), memo: text() }), new Set(['id', '$schema']))
  const convertFields = (value: object) => conversion(value, { now: fixedNow, secrets: [] })
  expect(convertFields({ id: 'x', memo: 'a', $schema: 1 })).toEqual({ memo: 'a' })
  expect(convertFields({ memo: 'a' })).toEqual({ memo: 'a' })
  expect(convertFields({ id: 'x', memo: 'a', other: 1 })).toBe(inDoubt)
})
