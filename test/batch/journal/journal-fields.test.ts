// The fields of each line: which values are believed, and what is said of the others.

import { describe, expect, test } from 'vitest'
import { eventProblem, isHeader } from '../../../src/batch/journal/journal-fields.ts'
import { begun, header, outcome, sent } from '../journals.ts'

const text = 'text'
const count = 'a whole number'
const amount = 'a decimal in quotes'
const time = 'a time such as 2026-01-31T12:00:00.000Z'

const lines = { begun: begun(1), sent: sent('a'), failed: outcome('a', 'failed') }

describe.each<[field: string, line: keyof typeof lines, expected: string, good: unknown[], bad: unknown[]]>([
  [
    'at',
    'sent',
    time,
    ['2026-12-31T23:59:59Z', '2026-01-01T00:00:00.123456789Z'],
    [
      '2026-13-01T00:00:00Z',
      '2026-00-01T00:00:00Z',
      '2026-01-32T00:00:00Z',
      '2026-01-00T00:00:00Z',
      '2026-01-01T24:00:00Z',
      '2026-01-01T00:60:00Z',
      '2026-01-01T00:00:60Z',
      '2026-01-01T00:00:00',
      'x2026-01-01T00:00:00Z',
      '2026-01-01T00:00:00Zx',
      '2026-01-01 00:00:00Z',
      '2026-01-01T00:00:00.Z',
      '2026-01-01T00:00:00.1234567890Z',
      '',
      1,
      null,
      ['2026-01-01T00:00:00Z'],
    ],
  ],
  ['batch', 'begun', text, ['', 'b.ndjson'], [1, null, {}, true]],
  ['total', 'begun', count, [0, 5], [-1, 1.5, '1', null, 2 ** 53]],
  [
    'amount',
    'begun',
    amount,
    ['0', '-1.50', '1'.repeat(200), `1.${'1'.repeat(200)}`],
    ['1'.repeat(201), `1.${'1'.repeat(201)}`, '1.', '.5', '+1', '1e3', 'x1', '1x', '', 1, null],
  ],
  ['id', 'sent', text, ['x'], [1, null]],
  ['line', 'sent', 'a line number', [1, 7], [0, -1, 1.5, '1', null]],
  ['digest', 'sent', text, ['x'], [1, null]],
  ['resumed', 'sent', 'true', [true], [false, 1, 'true', null]],
  ['hadNewToken', 'sent', 'true', [true], [false]],
  ['test', 'failed', 'true', [true], [false]],
  [
    'before',
    'sent',
    'what an invoice showed',
    [{ state: 'paid' }, { state: 'paid', total: '1', refundTotal: '2.5' }],
    [
      {},
      { state: 1 },
      { state: 'paid', total: 1 },
      { state: 'paid', refundTotal: 'x' },
      { state: 'paid', updated: 1 },
      'paid',
      null,
      [],
    ],
  ],
  ['request', 'sent', 'a request', ['{}', {}, { a: [{ b: 1 }], c: null }], [1, null, [], true]],
  ['httpStatus', 'failed', count, [0, 404], [-1, '404', null]],
  ['attempts', 'failed', count, [1], [1.5]],
  ['ms', 'failed', 'a duration', [0, 1.5], ['1', null]],
  ['arrivedEarlier', 'failed', 'true', [true], [false]],
  ['message', 'failed', text, ['x'], [1]],
])('the field %s of %s', (field, line, expected, good, bad) => {
  test('can be', () => {
    for (const value of good)
      expect(eventProblem({ ...lines[line], [field]: value }), JSON.stringify(value)).toBeUndefined()
  })

  test('cannot be', () => {
    for (const value of bad) {
      expect(eventProblem({ ...lines[line], [field]: value }), JSON.stringify(value)).toMatch(
        new RegExp(`^has a field \`${field}\` that must be ${expected}, not `),
      )
    }
  })
})

test.each([
  ['begun', ['at', 'batch', 'total']],
  ['sent', ['id', 'line', 'installation', 'at']],
  ['failed', ['id', 'line', 'installation', 'at']],
] as const)('a line %s without one of %j is refused', (line, fields) => {
  for (const field of fields) {
    expect(eventProblem({ ...lines[line], [field]: undefined })).toBe(`lacks the field \`${field}\``)
  }
})

test('a request that nests too deeply is refused, and not walked through', () => {
  const nested = (depth: number) => {
    let request: unknown = 1
    for (let level = 0; level < depth; level++) request = { first: 0, next: request }
    return { ...lines.sent, request }
  }
  expect(eventProblem(nested(1000))).toBeUndefined()
  for (const depth of [1001, 3000])
    expect(eventProblem(nested(depth))).toMatch(/`request` that must be a request, not an object$/)
})

test.each([
  [[], 'is a list, not an object'],
  [null, 'is null, not an object'],
  ['text', 'is text, not an object'],
  [{ ...lines.sent, crc: 'x' }, 'has a checksum that is not at its end'],
  [{ ...lines.sent, event: 'toString' }, 'has no `event` that this version of the action knows'],
  [{ ...lines.sent, event: ['sent'] }, 'has no `event` that this version of the action knows'],
  [{ ...lines.sent, event: undefined }, 'has no `event` that this version of the action knows'],
])('%j is not an event', (value, problem) => {
  expect(eventProblem(value)).toBe(problem)
})

test('a found text is quoted, and other values are named by their kind', () => {
  expect(eventProblem({ ...lines.sent, at: 'now' })).toBe(`has a field \`at\` that must be ${time}, not "now"`)
  expect(eventProblem({ ...lines.sent, at: [1] })).toBe(`has a field \`at\` that must be ${time}, not a list`)
})

test('a header names its journal, and has its fields', () => {
  expect(isHeader(header)).toBe(true)
  expect(isHeader({ ...header, version: 2, externalId: undefined })).toBe(true)
  for (const change of [
    { journal: 'other' },
    { crc: 'x' },
    { shard: 1 },
    { operation: undefined },
    { externalId: 1 },
  ]) {
    expect(isHeader({ ...header, ...change }), JSON.stringify(change)).toBe(false)
  }
  for (const value of [null, [], 'text', undefined]) expect(isHeader(value)).toBe(false)
})
