// Unexpanded GitHub expressions, which are refused anywhere in a payload.

import { describe, expect, test } from 'vitest'
import { operationNamed } from '../../src/operations/catalogue.ts'
import { buildRequest, requestShape } from '../../src/operations/request.ts'
import {
  choice,
  decimal,
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
import { checked, newCheck, sentenceOf } from './checking.ts'

const expression = '${{ github.run_id }}'
const start = 'contains an unexpanded GitHub expression'
const rule = 'GitHub expands expressions only in workflow files'
const useReference = `${start}: ${rule}; set the value with \`env:\` on the step and write {"$env": "NAME"} here`
const useValue = `${start}: ${rule}; put the value itself here`
const nameProblem = `${start} in its name: ${rule}; write the name itself`

const schemas: Schema[] = [
  text(),
  text({ max: 3, format: 'uri' }),
  secret(),
  segment(),
  decimal(),
  time(),
  choice(['a']),
  number(),
  flag(),
  nothing(),
  json(),
  record(),
  list(text()),
  object({ a: text() }),
  oneOf([text(), nothing()], () => 0),
]

describe('an expression is the only problem of a value', () => {
  test.each(schemas)('%o', (schema) => {
    for (const value of [expression, `a ${expression} b`, '${{\nsecrets.X\n}}']) {
      expect(checked(schema, value).errors).toEqual([`field ${useReference}`])
    }
  })

  test('that is not the case for text without a whole expression', () => {
    for (const value of ['$' + '{{', '}} $' + '{{', '{{ mustache }}', '${ shell }']) {
      expect(checked(text(), value)).toMatchObject({ value, errors: [] })
    }
  })
})

test('an expression in the text of a reference is reported without that text', () => {
  const sources = { env: { NAME: 'Qx7${{ a }}' }, files: { f: 'Qx7${{ a }}' } }
  for (const schema of [text(), secret(), segment(), decimal(), time(), choice(['a'])]) {
    for (const reference of [{ $env: 'NAME' }, { $file: 'f' }]) {
      expect(checked(schema, reference, sources).errors).toEqual([`field ${useValue}`])
    }
  }
})

test("an expression in a reference's name is reported at the reference", () => {
  for (const reference of [{ $env: expression }, { $file: `secrets/${expression}` }]) {
    expect(checked(text(), reference).errors).toEqual([`field ${useValue}`])
  }
})

test('the text of a secret with an expression is masked and in no message', () => {
  const value = 'Qx7${{ secrets.Qx7 }}'
  const { errors, secrets } = checked(secret(), value)
  expect(errors).toEqual([`field ${useReference}`])
  expect(secrets).toEqual([value])
})

test('free-form data is searched at any depth, names included', () => {
  const value = { a: [{ b: expression }], [expression]: { c: expression } }
  const errors = [
    `field.a[0].b ${useReference}`,
    `field["${expression}"] ${nameProblem}`,
    `field["${expression}"].c ${useReference}`,
  ]
  for (const schema of [json(), record()]) expect(checked(schema, value).errors).toEqual(errors)
  expect(checked(openObject({ d: optional(text()) }), value).errors).toEqual(errors)
  expect(checked(openObject({ d: optional(text()) }), { additionalProperties: value }).errors).toEqual(
    errors.map((error) => error.replace('field', 'field.additionalProperties')),
  )
})

test('values that are refused for another reason are searched too', () => {
  const schema = object({ a: optional(list(text())), b: optional(object({})), c: optional(text()) })
  expect(
    checked(schema, { a: { x: expression }, b: [expression], c: [expression], d: { y: expression } }).errors,
  ).toEqual([
    'field.a must be a list, not an object',
    `field.a.x ${useReference}`,
    'field.b must be an object, not a list',
    `field.b[0] ${useReference}`,
    'field.c must be text, not a list',
    `field.c[0] ${useReference}`,
    'field.d is not a known field; did you mean `a`?',
    `field.d.y ${useReference}`,
  ])
})

test('a field name with an expression is not also an unknown field', () => {
  expect(checked(object({ a: optional(text()) }), { [expression]: 1 }).errors).toEqual([
    `field["${expression}"] ${nameProblem}`,
  ])
})

test('a request names the field, in both notations', () => {
  const item = { billingPlanId: 'pro', name: expression, price: '1', quantity: 1, units: 'GB', total: '1' }
  const period = { start: '2025-03-01T00:00:00Z', end: '2025-04-01T00:00:00Z' }
  const body = { invoiceDate: '2025-03-15T00:00:00Z', period, items: [item] }
  const errorsOf = (payload: object) => {
    const context = newCheck()
    const given = { integrationConfigurationId: 'icfg_1', ...payload }
    expect(buildRequest(requestShape(operationNamed('submitInvoice')), given, {}, context)).toBeUndefined()
    return context.errors.map(sentenceOf)
  }
  expect(errorsOf(body)).toEqual([`items[0].name ${useReference}`])
  expect(errorsOf({ requestBody: body })).toEqual([`requestBody.items[0].name ${useReference}`])
  expect(errorsOf({ requestBody: { ...body, items: [] }, memo: expression })).toEqual([
    'memo is beside `requestBody`: put all fields of the body inside it',
    `memo ${useReference}`,
  ])
})
