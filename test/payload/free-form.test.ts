import { describe, expect, test } from 'vitest'
import type { Diagnostic } from '../../src/failure.ts'
import { checkAdditionalFields, checkJson, reportExpressions } from '../../src/payload/free-form.ts'
import { openObject, optional, record, text } from '../../src/payload/schema.ts'
import { checked } from './checking.ts'

describe('an object with additional fields', () => {
  const plan = openObject({ id: text(), cost: optional(text()) })

  test.each<[place: string, value: object]>([
    ['beside the known ones', { id: 'pro', seats: 3, nested: { a: [null] } }],
    ['as in the SDK', { id: 'pro', additionalProperties: { seats: 3, nested: { a: [null] } } }],
    ['in both places', { id: 'pro', seats: 3, additionalProperties: { nested: { a: [null] } } }],
  ])('accepts them %s', (_, value) => {
    expect(checked(plan, value)).toMatchObject({
      value: { id: 'pro', additionalProperties: { seats: 3, nested: { a: [null] } } },
      errors: [],
    })
  })

  test('has no additional fields if none are given', () => {
    expect(checked(plan, { id: 'pro' }).value).toEqual({ id: 'pro' })
  })

  test.each([
    [{ additionalProperties: { id: 'x' } }, 'id'],
    [{ additionalProperties: { cost: 'x' } }, 'cost'],
    [{ seats: 1, additionalProperties: { seats: 2 } }, 'seats'],
  ])('refuses a field with two values: %j', (fields, name) => {
    expect(checked(plan, { id: 'pro', ...fields }).errors).toEqual([
      `field.additionalProperties.${name} is also a field beside \`additionalProperties\`; remove one of the two`,
    ])
  })

  test('checks the known fields, and that JSON can represent the others', () => {
    const value = { cost: 1, additionalProperties: [], half: '\ud800', far: [Number.POSITIVE_INFINITY] }
    expect(checked(plan, value).errors).toEqual([
      'field.id is missing',
      'field.cost must be text, not a number',
      'field.half contains half of a surrogate pair, which is not valid Unicode',
      'field.far[0] must be a finite number',
      'field.additionalProperties must be an object, not a list',
    ])
    expect(checked(plan, { id: 'a', additionalProperties: { x: Number.NaN } }).errors).toEqual([
      'field.additionalProperties.x must be a finite number',
    ])
  })
})

test('free-form data that JSON cannot represent is refused', () => {
  expect(checked(record(), JSON.parse('{"a": {"__proto__": 1}, "b": [1e999, "\\ud800"]}')).errors).toEqual([
    'field.a.__proto__ is a name that cannot be sent',
    'field.b[0] must be a finite number',
    'field.b[1] contains half of a surrogate pair, which is not valid Unicode',
  ])
})

test('problems with a name are located at the key, those with a value at the value', () => {
  const expression = '${{ a }}'
  const value = JSON.parse(`{"a": {"__proto__": 1e999}, "${expression}": 1, "b": ["${expression}"]}`)
  const rule = 'GitHub expands expressions only in workflow files'
  const named = `contains an unexpanded GitHub expression in its name: ${rule}; write the name itself`
  const inside = `contains an unexpanded GitHub expression: ${rule}; set the value with \`env:\` on the step and write {"$env": "NAME"} here`
  const errors: Diagnostic[] = []
  reportExpressions(value, ['x'], errors)
  const expressions = [
    { path: ['x', expression], message: named, at: 'key' },
    { path: ['x', 'b', 0], message: inside },
  ]
  expect(errors).toEqual(expressions)
  const problems = { errors: [] as Diagnostic[], warnings: [] }
  checkJson(value, ['x'], problems)
  // What is inside the field `__proto__` is not reported as well.
  expect(problems.errors).toEqual([
    { path: ['x', 'a', '__proto__'], message: 'is a name that cannot be sent', at: 'key' },
    ...expressions,
  ])
})

test('a field with two values is located at the key of the second one', () => {
  const problems = { errors: [] as Diagnostic[], warnings: [] }
  expect(checkAdditionalFields({ seats: 1, additionalProperties: { seats: 2 } }, [], ['x'], problems)).toEqual({
    seats: 1,
  })
  const message = 'is also a field beside `additionalProperties`; remove one of the two'
  expect(problems.errors).toEqual([{ path: ['x', 'additionalProperties', 'seats'], message, at: 'key' }])
})
