import { expect, test } from 'vitest'
import { check, maxErrors } from '../../src/payload/check.ts'
import { list, object, text } from '../../src/payload/schema.ts'
import { newCheck } from './checking.ts'

test('a check stops after the maximum number of errors', () => {
  const context = newCheck()
  const values = Array(maxErrors).fill({})
  check(list(object({ a: text(), b: text() })), values, [], context)
  expect(context.errors).toHaveLength(maxErrors)
  const unknown = Object.fromEntries(values.map((_, index) => [`b${index}`, 1]))
  check(object({ a: text() }), unknown, [], context)
  expect(context.errors).toHaveLength(maxErrors)
  const almost = { ...context, errors: context.errors.slice(2) }
  check(object({}), { a: 1, b: 1, c: 1 }, [], almost)
  expect(almost.errors).toHaveLength(maxErrors)
})
