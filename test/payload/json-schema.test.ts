import { expect, test } from 'vitest'
import { definitions, jsonSchema } from '../../src/payload/json-schema.ts'
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
  secret,
  segment,
  text,
  time,
} from '../../src/payload/schema.ts'

const boolean = { type: 'boolean' }
const textual = (schema: object) => ({ anyOf: [schema, { $ref: '#/definitions/reference' }] })

test.each([
  [
    { ...text({ max: 5, format: 'uri' }), description: 'Why' },
    { description: 'Why', ...textual({ type: 'string', maxLength: 5, format: 'uri' }) },
  ],
  [secret(), textual({ type: 'string', minLength: 1, not: { const: '***' } })],
  [segment(), textual({ type: 'string', minLength: 1, pattern: '^[^/\\\\?#\\s]([^/\\\\?#]*[^/\\\\?#\\s])?$' })],
  [decimal(), textual({ type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?$', maxLength: 40 })],
  [time(), textual({ type: 'string', format: 'date-time' })],
  [choice(['a', 'b']), textual({ type: 'string', enum: ['a', 'b'] })],
  [
    { ...number(), description: 'How many' },
    { description: 'How many', type: 'number' },
  ],
  [flag(), boolean],
  [nothing(), { type: 'null' }],
  [json(), {}],
  [record(), { type: 'object' }],
  [list(flag(), 3), { type: 'array', items: boolean, maxItems: 3 }],
  [list(flag()), { type: 'array', items: boolean }],
  [
    object({ a: flag(), b: optional(flag()) }),
    { type: 'object', properties: { a: boolean, b: boolean }, required: ['a'], additionalProperties: false },
  ],
  [
    openObject({ a: optional(flag()) }),
    {
      type: 'object',
      properties: {
        a: boolean,
        additionalProperties: {
          type: 'object',
          description: 'Further fields. They may also stand beside the known ones',
        },
      },
      additionalProperties: true,
    },
  ],
  [oneOf([nothing(), flag()], () => 0), { anyOf: [{ type: 'null' }, boolean] }],
])('the JSON Schema of %o', (schema, wanted) => expect(jsonSchema(schema)).toStrictEqual(wanted))

test('a list has a maximum only if one is given', () => {
  expect(list(flag())).toStrictEqual({ kind: 'list', of: { kind: 'flag' } })
  expect(list(flag(), 3)).toStrictEqual({ kind: 'list', of: { kind: 'flag' }, max: 3 })
})

test('a reference has one field, which is text', () => {
  expect(definitions.reference.oneOf).toMatchObject(
    ['$env', '$file'].map((name) => ({
      required: [name],
      properties: { [name]: { type: 'string' } },
      additionalProperties: false,
    })),
  )
})
