import { describe, expect, test } from 'vitest'
import type { Diagnostic } from '../../src/failure.ts'
import { optional, text } from '../../src/payload/schema.ts'
import { isMisspelling, nearest, reportUnknown, suggestion } from '../../src/payload/suggest.ts'

describe('the nearest known name', () => {
  const known = ['externalId', 'invoiceDate', 'memo', 'period', 'items', 'discounts', 'final', 'test']
  test.each([
    ['externalID', 'externalId'],
    ['external_id', 'externalId'],
    ['ExternalId', 'externalId'],
    ['invoice-date', 'invoiceDate'],
    ['invoice date', 'invoiceDate'],
    ['invocieDate', 'invoiceDate'],
    ['item', 'items'],
    ['discount', 'discounts'],
    ['memos', 'memo'],
  ])('for %s is %s', (name, wanted) => expect(nearest(name, known)).toBe(wanted))

  test.each(['currency', 'x', '', '🙂', 'a'.repeat(100_000)])('for %j does not exist', (name) => {
    expect(nearest(name, known)).toBeUndefined()
  })

  test.each<[name: string, known: string[], wanted: string | undefined]>([
    // About 40 % of the characters, rounded down, and one of a short name.
    ['a', ['ab'], 'ab'],
    ['a', ['abc'], undefined],
    ['abcd', ['abxd'], 'abxd'],
    ['abcd', ['axxd'], undefined],
    ['abcde', ['abcxy'], 'abcxy'],
    ['abcde', ['abxyz'], undefined],
    ['x'.repeat(201), ['x'.repeat(200)], 'x'.repeat(200)],
    ['x'.repeat(250), ['x'.repeat(280)], 'x'.repeat(280)],
    ['x'.repeat(250), ['x'.repeat(281)], undefined],
    // The nearest one, or the first of several.
    ['total', ['tally', 'totals', 'tota'], 'totals'],
    ['memo', ['memory', 'memo2', 'demo'], 'memo2'],
    ['memo', [], undefined],
  ])('of %j among %j is %j', (name, names, wanted) => expect(nearest(name, names)).toBe(wanted))
})

test('a suggestion is a part of a sentence, or empty', () => {
  expect(suggestion('memos', ['memo'])).toBe('; did you mean `memo`?')
  expect(suggestion('currency', ['memo'])).toBe('')
})

test.each<[name: string, known: string, isOne: boolean]>([
  ['Request_Body', 'requestBody', true],
  ['request-body', 'requestBody', true],
  ['request body', 'requestBody', true],
  ['requestBody', 'requestBody', false],
  ['requestBodies', 'requestBody', false],
  ['straße', 'strasse', false],
])('%s is a misspelling of %s: %j', (name, known, isOne) => expect(isMisspelling(name, known)).toBe(isOne))

describe('an unknown field', () => {
  const report = (name: string, fields: Parameters<typeof reportUnknown>[1], before = 0) => {
    const errors: Diagnostic[] = Array.from({ length: before }, () => ({ message: 'is wrong' }))
    reportUnknown(name, fields, ['items', 0], { errors })
    return errors.slice(before)
  }
  const fields = { memo: optional(text()), final: optional(text()) }

  test.each<[name: string, message: string]>([
    ['memos', 'is not a known field; did you mean `memo`?'],
    ['currency', 'is not a known field; known here: memo, final'],
  ])('%s is reported at its key, with a hint', (name, message) => {
    expect(report(name, fields)).toEqual([{ path: ['items', 0, name], message, at: 'key' }])
  })

  test('has no hint if an object has no fields', () => {
    expect(report('memo', {})).toEqual([{ path: ['items', 0, 'memo'], message: 'is not a known field', at: 'key' }])
  })

  test('is compared with the known ones until there are 100 errors', () => {
    const messageAfter = (errors: number) => report('memos', fields, errors).map(({ message }) => message)
    expect(messageAfter(99)).toEqual(['is not a known field; did you mean `memo`?'])
    expect(messageAfter(100)).toEqual(['is not a known field; known here: memo, final'])
  })

  test('with an expression in its name has only that problem', () => {
    const name = '${{ a }}'
    const message =
      'contains an unexpanded GitHub expression in its name: GitHub expands expressions only in workflow files; write the name itself'
    expect(report(name, fields)).toEqual([{ path: ['items', 0, name], message, at: 'key' }])
  })
})
