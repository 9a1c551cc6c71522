import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { failureDiagnostics, fixFor, isPermanent } from '../../../src/batch/journal/failure-diagnostics.ts'
import { type FailureGroup, FailureGroups, type OpenOutcome } from '../../../src/batch/journal/failure-groups.ts'
import type { OutcomeEvent } from '../../../src/batch/journal/journal-format.ts'
import { CommonMessage, patternOf } from '../../../src/batch/journal/message-pattern.ts'

/** The groups of failed records, the first of which is on line 1. */
function groupsOf(records: readonly Partial<OutcomeEvent>[]): FailureGroup[] {
  const groups = new FailureGroups()
  const lines = new Map<number, number[]>()
  for (const [index, record] of records.entries()) {
    const line = index + 1
    const event = { event: 'failed' as const, code: 'conflict', installation: `icfg_${line}`, line, ...record }
    const group = groups.add(event as OpenOutcome)
    lines.set(group, [...(lines.get(group) ?? []), line])
  }
  return groups.list(lines)
}

describe('a group shows what its records have in common, and … for what differs', () => {
  test.each<[what: string, messages: string[], shown: string]>([
    [
      'the same sentence with quotes, times and amounts is whole',
      Array(3).fill('Period "2026-10" was closed on 2026-11-05. Limit of 5,000.00 USD reached: =1+1 line2'),
      'Period "2026-10" was closed on 2026-11-05. Limit of 5,000.00 USD reached: =1+1 line2',
    ],
    [
      'ids, but not the date that all share',
      ['inv_17 was paid on 2026-11-05', 'inv_18 was paid on 2026-11-05'],
      '… was paid on 2026-11-05',
    ],
    ['short numbers', ['Item 1 is wrong', 'Item 2 is wrong', 'Item 1001 is wrong'], 'Item … is wrong'],
    ['amounts as a whole', ['Limit of 5,000.00 USD', 'Limit of 5.00 USD'], 'Limit of … USD'],
    ['what is quoted', ['No plan "gold mine".', 'No plan "silver".'], 'No plan "…".'],
    ['times as a whole', ['until 2026-11-05 12:00:05 UTC, or', 'until 2026-11-06 12:00:05 UTC, or'], 'until …, or'],
    ['durations', ['within 55 s (1 min)', 'within 2 min 5 s (1 min)'], 'within … (1 min)'],
    ['request ids, which are left out', ['No (request a::1): x', 'No (request a::2): x'], 'No: x'],
    ['the installation, also without a digit', ['icfg_a is gone', 'icfg_b is gone'], '… is gone'],
  ])('%s', (_, messages, shown) => {
    const installation = (message: string) => /icfg_[a-z]/.exec(message)?.[0]
    const records = messages.map((message) => ({
      message,
      ...(installation(message) && { installation: installation(message) as string }),
    }))
    const groups = groupsOf(records)
    expect(groups.map(({ message, count }) => [message, count])).toEqual([[shown, messages.length]])
  })

  test('and different words are different causes', () => {
    const messages = ['The token is expired', 'The token is revoked'].map((message) => ({ message }))
    expect(groupsOf(messages)).toHaveLength(2)
  })

  test('a fix that names times names the latest, so that it holds for all', () => {
    const hints = ['12:00:05', '14:30:00', '13:00:00'].map((at) => `Run again after 2026-11-05 ${at} UTC, or wait`)
    const groups = groupsOf(hints.map((hint) => ({ message: `Throttled. ${hint}`, hint })))
    expect(groups).toMatchObject([
      { count: 3, message: 'Throttled', hint: 'Run again after 2026-11-05 14:30:00 UTC, or wait' },
    ])
  })

  test('a record alone in its group keeps everything, and a group that became empty begins again', () => {
    const message = 'No (request a::1): 17'
    expect(groupsOf([{ message }])).toMatchObject([{ message, installation: 'icfg_1' }])
    const groups = new FailureGroups()
    const failure = { event: 'failed' as const, code: 'conflict', installation: 'icfg_1', line: 1 }
    groups.remove(groups.add({ ...failure, message: 'Item 1 is wrong' }))
    groups.add({ ...failure, message: 'Item 2 is wrong' })
    groups.add({ ...failure, message: 'Item 2 is wrong' })
    expect(groups.list(new Map([[0, [1]]]))).toMatchObject([{ count: 2, message: 'Item 2 is wrong' }])
  })
})

test('messages that differ only in ids, quoted texts and amounts are grouped', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{1,5}$/), fc.nat(), fc.nat(), (word, one, other) => {
      const text = (id: number) => `${word} inv_${id}, "${id}" (request iad1::${id}): ${word} ${id}.50 at ${word}.`
      expect(groupsOf([{ message: text(one) }, { message: text(other) }])).toHaveLength(1)
    }),
  )
})

test('the common text of equal messages is the message', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200, unit: 'grapheme-ascii' }), (message) => {
      const pattern = patternOf(message.replaceAll('(', ''))
      const common = new CommonMessage(pattern, { keepsLatest: false })
      common.add(pattern)
      expect(common.text).toBe(message.replaceAll('(', ''))
    }),
  )
})

test('the groups of many different failures stay bounded', () => {
  const groups = new FailureGroups()
  for (let index = 0; index < 5000; index++) {
    const letters = [...String(index)].map((digit) => 'abcdefghij'[Number(digit)]).join('')
    const cause = index % 2 === 0 ? { code: 'conflict', message: letters } : { code: letters, message: 'No' }
    groups.add({ event: 'failed', installation: 'icfg_1', line: index, ...cause })
  }
  const listed = groups.list(new Map())
  expect(listed.length).toBeLessThanOrEqual(701)
  expect(listed.reduce((sum, { count }) => sum + count, 0)).toBe(5000)
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
    expect(messages.filter((message) => message.startsWith('2 records'))).toHaveLength(count > 9 ? 8 : count)
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
    'Lower the refund to what the invoice has left',
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
