import { describe, expect, test } from 'vitest'
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
