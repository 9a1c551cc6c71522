import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { failureDiagnostics, fixFor, isPermanent } from '../../../src/batch/journal/failure-diagnostics.ts'
import { type FailureGroup, generalize } from '../../../src/batch/journal/failure-groups.ts'

test.each([
  [
    'Vercel refused submitInvoice with 409 conflict: It exists (request iad1::abc-1)',
    'Vercel refused submitInvoice with 409 conflict: It exists',
  ],
  ['An invoice with the externalId "auto-0f3c" exists already', 'An invoice with the externalId "…" exists already'],
  [
    'The invoice inv_17 has 4.00 left (total 30.00, refunded 26.00).',
    'The invoice … has … left (total …, refunded …).',
  ],
  ['no response within 30 s', 'no response within 30 s'],
  [
    'run the step again at 2026-11-28T13:00:00Z, or raise retry-timeout',
    'run the step again at …, or raise retry-timeout',
  ],
  [
    'The fault is with Vercel: see https://www.vercel-status.com',
    'The fault is with Vercel: see https://www.vercel-status.com',
  ],
])('what differs between records is left out of a message: %s', (message, expected) => {
  expect(generalize(message)).toBe(expected)
})

test('messages that differ only in ids, quoted texts and amounts are grouped', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{1,5}$/), fc.nat(), fc.nat(), (word, one, other) => {
      const text = (id: number) => `${word} inv_${id}, "${id}" (request iad1::${id}): ${word} ${id}.50 at ${word}.`
      expect(generalize(text(one))).toBe(generalize(text(other)))
    }),
  )
})

test('a long hostile message takes linear time', () => {
  const pieces = ['"', '(request ', '.'.repeat(50_000), '1'.repeat(50_000), ' '.repeat(50_000), '"\\'.repeat(25_000)]
  for (const piece of pieces) expect(generalize(piece + piece).length).toBeLessThanOrEqual(2 * piece.length + 1)
})

const group = (change: Partial<FailureGroup>): FailureGroup => ({
  event: 'failed',
  code: 'forbidden',
  httpStatus: 403,
  message: 'Refused',
  hint: 'Store the token',
  count: 1,
  lines: [7],
  installation: 'icfg_1',
  ...change,
})

describe('a group of failures is one annotation', () => {
  test.each<[what: string, change: Partial<FailureGroup>, file: string | undefined, message: string]>([
    ['of one record', {}, 'b.ndjson', 'icfg_1: Refused. Store the token'],
    ['of one record of merged journals', {}, undefined, 'line 7, icfg_1: Refused. Store the token'],
    [
      'of one record whose installation is not known',
      { installation: undefined },
      'b.ndjson',
      'line 7: Refused. Store the token',
    ],
    [
      'of a few records',
      { count: 2, lines: [7, 1234] },
      'b.ndjson',
      '2 records (lines 7, 1,234): Refused. Store the token',
    ],
    [
      'of many records',
      { count: 1200, lines: [7, 8] },
      undefined,
      '1,200 records (lines 7, 8 …): Refused. Store the token',
    ],
    ['with an unknown outcome', { event: 'unknown', hint: '' }, 'b.ndjson', 'icfg_1: Refused (the outcome is unknown)'],
    [
      'with an unknown outcome that it mentions',
      { event: 'unknown', hint: 'The outcome is unknown' },
      'b.ndjson',
      'icfg_1: Refused. The outcome is unknown',
    ],
  ])('%s', (_, change, file, message) => {
    const [diagnostic] = failureDiagnostics([group(change)], file)
    expect(diagnostic?.message).toBe(message)
    expect(diagnostic?.position).toEqual(file && { line: 7, column: 1 })
  })

  test.each([1, 9, 10, 30])('and %i groups are nine annotations at most, which count every record', (count) => {
    const groups = Array.from({ length: count }, (_, index) => group({ code: `c${index}`, count: 2 }))
    const messages = failureDiagnostics(groups, 'b.ndjson').map(({ message }) => message)
    expect(messages).toHaveLength(Math.min(count, 9))
    if (count > 9)
      expect(messages[8]).toBe(
        `and ${2 * (count - 8)} records with ${count - 8} other causes: the journal has them all`,
      )
  })
})

test.each<[what: string, change: Partial<FailureGroup>, fix: string]>([
  ["the journal's own hint", {}, 'Store the token'],
  ['a rejection of what the record says', { httpStatus: 422, code: 'no_plan', hint: '' }, 'Correct the record'],
  ['several such rejections', { httpStatus: 400, code: 'http_400', hint: '', count: 3 }, 'Correct the records'],
  [
    'a code of the register',
    { httpStatus: undefined, code: 'refund_too_large', hint: '' },
    'Refund at most the amount that the message names',
  ],
  ['a code that nobody knows', { httpStatus: undefined, code: 'constructor', hint: '' }, ''],
])('the fix of %s', (_, change, fix) => {
  expect(fixFor(group(change))).toBe(fix)
})

test('a rejection of what a record says is permanent; one of a token, a state or a rate is not', () => {
  const permanent = [400, 413, 422, 401, 403, 404, 409, 410, 429, 500].filter((httpStatus) =>
    isPermanent(group({ httpStatus })),
  )
  expect(permanent).toEqual([400, 413, 422])
  expect(isPermanent(group({ event: 'unknown', httpStatus: 422 }))).toBe(false)
})
