import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findCutVariables } from '../../src/cut-variables.ts'
import {
  choice,
  decimal,
  json,
  list,
  object,
  record,
  type Schema,
  secret,
  segment,
  text,
  time,
} from '../../src/payload/schema.ts'
import { runs } from '../runs.ts'
import { unicodeText } from '../unicode-text.ts'
import { checked } from './checking.ts'

describe('a reference is accepted wherever text is', () => {
  test.each([
    ['text', text(), 'a memo'],
    ['a secret', secret(), 'hunter2'],
    ['an id', segment(), 'icfg_1'],
    ['a decimal', decimal(), '12.50'],
    ['a choice', choice(['paid', 'overdue']), 'overdue'],
  ])('%s', (_, schema, value) => {
    const surroundings = { env: { NAME: value }, files: { 'a/b': value } }
    for (const reference of [{ $env: 'NAME' }, { $file: 'a/b' }]) {
      expect(checked(schema, reference, surroundings)).toMatchObject({ value, errors: [], warnings: [] })
    }
  })

  test('a time', () => {
    expect(checked(time(), { $env: 'AT' }, { env: { AT: '2025-01-31T01:00:00+01:00' } }).value).toEqual(
      new Date('2025-01-31T00:00:00Z'),
    )
  })
})

test.each([
  ['text\n', 'text'],
  ['text\r\n', 'text'],
  ['text\n\n', 'text\n'],
  ['two\nlines\n', 'two\nlines'],
  ['text\r', 'text\r'],
  ['\n', ''],
  ['', ''],
])('a file with %j gives %j', (content, value) => {
  expect(checked(text(), { $file: 'f' }, { files: { f: content } }).value).toBe(value)
})

test('a byte order mark in a file is sent, with a warning', () => {
  const sources = { files: { 'a\\mark': '\ufeffsecret', between: 'a\ufeffb' }, env: { MARK: '\ufeffsecret' } }
  for (const schema of [text(), secret()]) {
    expect(checked(schema, { $file: 'a\\mark' }, sources)).toMatchObject({
      value: '\ufeffsecret',
      warnings: ['field comes from "a\\mark", which begins with a byte order mark, which is sent. Save it without one'],
    })
    for (const reference of [{ $file: 'between' }, { $env: 'MARK' }]) {
      expect(checked(schema, reference, sources).warnings).toEqual([])
    }
  }
})

test('a text from a file with CRLF is sent as it is, with a warning; a secret without one', () => {
  const warning =
    'field comes from "crlf", which has CRLF: with LF a derived `externalId` differs, and an invoice can be billed twice. Save it with LF'
  const sources = { files: { crlf: 'two\r\nlines\r\n', lf: 'two\nlines\r\n' }, env: { CRLF: 'two\r\nlines' } }
  const read = (schema: Schema, reference: object) => {
    const { value, errors, warnings } = checked(schema, reference, sources)
    expect(errors).toEqual([])
    return { value, warnings }
  }
  const crlf = 'two\r\nlines'
  expect(read(text(), { $file: 'crlf' })).toEqual({ value: crlf, warnings: [warning] })
  expect(read(secret(), { $file: 'crlf' })).toEqual({ value: crlf, warnings: [] })
  expect(read(text(), { $file: 'lf' })).toEqual({ value: 'two\nlines', warnings: [] })
  expect(read(text(), { $env: 'CRLF' })).toEqual({ value: crlf, warnings: [] })
})

test('a variable keeps its newline, and an empty one gives empty text', () => {
  expect(checked(text(), { $env: 'A' }, { env: { A: 'text\n' } }).value).toBe('text\n')
  expect(checked(text(), { $env: 'A' }, { env: { A: '' } })).toMatchObject({ value: '', errors: [] })
})

test('a variable that arrived in part is refused, and its text is not shown', () => {
  const cutProblem = findCutVariables(() => ({ KEY: '0123456789' }))
  expect(checked(secret(), { $env: 'KEY' }, { env: { KEY: 'Qx7' }, cutProblem }).errors).toEqual([
    'field refers to the environment variable "KEY", which arrived in part: Windows passes on at most 32,767 characters of a variable; write it to a file, and use `$file`',
  ])
  expect(checked(text(), { $env: 'KEY' }, { env: { KEY: '0123456789' }, cutProblem })).toMatchObject({
    value: '0123456789',
    errors: [],
  })
})

describe('a reference is refused', () => {
  const unset = 'which is not set; set it with `env:` on the step'
  test.each<[reference: object, message: string]>([
    [{ $env: 'NONE' }, `refers to the environment variable "NONE", ${unset}`],
    [{ $env: 'toString' }, `refers to the environment variable "toString", ${unset}`],
    [{ $env: '__proto__' }, `refers to the environment variable "__proto__", ${unset}`],
    [{ $file: 'none' }, 'refers to the file "none", which cannot be read: the file does not exist'],
    [{ $env: '' }, 'is a reference: $env must be the name of a variable'],
    [{ $env: 1 }, 'is a reference: $env must be the name of a variable'],
    [{ $file: null }, 'is a reference: $file must be a path'],
    [{ $file: { $env: 'F' } }, 'is a reference: $file must be a path'],
    [{ $env: 'A', $file: 'b' }, 'is a reference and must have no field besides "$env"'],
    [{ default: 'b', $file: 'A' }, 'is a reference and must have no field besides "$file"'],
  ])('%j', (reference, message) => {
    expect(checked(text(), reference, { env: { A: 'a' } }).errors).toEqual([`field ${message}`])
  })

  test.each([
    'INPUT_TOKEN',
    'INPUT_GITHUB-TOKEN',
    'input_token',
    'ACTIONS_RUNTIME_TOKEN',
    'Actions_Id_Token_Request_Url',
    'GITHUB_TOKEN',
    'github_token',
    'RUNNER_TOKEN',
    'RUNNER_X_TOKEN_Y',
    'runner_token',
  ])('to the variable %s of the runner', (name) => {
    const advice = 'set a variable with another name with `env:` on the step'
    expect(checked(secret(), { $env: name }, { env: { [name]: 'Qx7' } })).toEqual({
      value: undefined,
      errors: [`field refers to the environment variable "${name}", which belongs to the runner; ${advice}`],
      warnings: [],
      secrets: [],
    })
  })

  test('but not to variables with similar names', () => {
    for (const name of ['GITHUB_TOKEN_2', 'MY_INPUT_A', 'INPUTS', 'GITHUB_SHA', 'RUNNER_TEMP', 'MY_ACTIONS_TOKEN']) {
      expect(checked(text(), { $env: name }, { env: { [name]: 'a' } })).toMatchObject({ value: 'a', errors: [] })
    }
  })

  test('in place of a list or an object', () => {
    for (const [schema, kind] of [
      [list(text()), 'a list'],
      [object({ a: text() }), 'an object'],
    ] as const) {
      expect(checked(schema, { $env: 'A' }).errors).toEqual([
        `field must be ${kind}, not a reference, which can only replace text`,
      ])
    }
  })
})

test('in free-form data a reference is sent as it is written, with a warning', () => {
  const value = { a: [{ $env: 'A' }] }
  for (const schema of [json(), record()]) {
    expect(checked(schema, value, { env: { A: 'x' } })).toMatchObject({
      value,
      errors: [],
      warnings: ['field.a[0] looks like a reference, but free-form data is sent as written'],
    })
  }
})

describe('the text of a reference is in no message about it', () => {
  const kinds = [segment(), decimal(), time(), choice(['paid']), secret(), text({ max: 3, format: 'uri' })]

  test('any text', () => {
    const around = fc.oneof(
      unicodeText({ maxLength: 5 }),
      fc.constantFrom('..', '/', '%2f', '"', '\\', '\n', '\u200b', '***', '${{ }}', '2025-01-31T', 'paid', ' ', '?'),
    )
    fc.assert(
      fc.property(fc.constantFrom(...kinds), around, around, (schema, before, after) => {
        const { errors } = checked(schema, { $env: 'NAME' }, { env: { NAME: `${before}Qx7${after}` } })
        expect(errors.join()).not.toContain('Qx7')
      }),
      runs(250),
    )
  })

  test.each([
    [time(), '2025-02-30T00:00:00Z', 'has a day that does not exist: its value'],
    [
      time(),
      '2025-01-31',
      'must be a time with its time zone, such as "2025-01-31T00:00:00Z"; its value is only a date',
    ],
    [choice(['paid']), 'payd', 'must be `paid`, not its value; did you mean `paid`?'],
    [segment(), 'a/b', 'must be a single id, without slashes: its value'],
  ])('%o and %j', (schema, value, message) => {
    expect(checked(schema, { $file: 'f' }, { files: { f: value } }).errors).toEqual([`field ${message}`])
  })
})
