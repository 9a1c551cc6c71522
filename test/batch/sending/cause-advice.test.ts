// What to do about each cause of failures.

import { describe, expect, test } from 'vitest'
import type { FailureGroup } from '../../../src/batch/journal/failure-groups.ts'
import { areDuplicates, causeAdvice } from '../../../src/batch/sending/cause-advice.ts'
import { operationNamed } from '../../../src/operations/catalogue.ts'

const submitInvoice = operationNamed('submitInvoice')
const group = (count: number, change: Partial<FailureGroup> = {}): FailureGroup => ({
  event: 'failed',
  code: 'failed',
  httpStatus: undefined,
  message: 'No',
  hint: '',
  count,
  lines: [1],
  installation: undefined,
  ...change,
})
const duplicate = { httpStatus: 409, code: 'conflict' }
const gone = { httpStatus: 410 }
const invalid = { httpStatus: 422 }
const unknown = { event: 'unknown' } as const

/** The advice if `failed` records failed, of which `count` are of a kind. */
const adviceOn = (kind: Partial<FailureGroup>, count: number, failed: number, externalId = 'auto') =>
  causeAdvice({ operation: submitInvoice, externalId }, [group(count, kind), group(failed - count)], failed)

describe('before the next run', () => {
  test.each([
    [1, 1, 'It was'],
    [2, 2, 'They were'],
    [1, 3, '1 of them was'],
    [2000, 3000, '2,000 of them were'],
  ])('%i of %i are not to be submitted a second time', (count, failed, subject) => {
    expect(adviceOn(duplicate, count, failed)).toEqual({
      before: [`${subject} submitted before (409): set \`on-duplicate: succeed\``],
      instead: [],
      canResume: true,
    })
  })

  test.each([
    [1, 1, 'It is of an installation or resource'],
    [2, 2, 'They are of installations or resources'],
    [1, 3, '1 of them is of an installation or resource'],
    [2, 3, '2 of them are of installations or resources'],
  ])('%i of %i are to be skipped', (count, failed, subject) => {
    expect(adviceOn(gone, count, failed)).toEqual({
      before: [`${subject} that Vercel has deleted (410): set \`on-gone: skip\``],
      instead: [],
      canResume: true,
    })
  })

  test('nothing is to be set if the outcome is unknown', () => {
    expect(adviceOn({ ...gone, ...unknown }, 1, 2)).toEqual({ before: [], instead: [], canResume: true })
  })
})

test.each([
  [1, 1, 'it as it is: correct it, and send it', 'its'],
  [2, 2, 'them as they are: correct them, and send them', 'their'],
  [1, 3, '1 of them as it is: correct it, and send it', 'its'],
  [2, 3, '2 of them as they are: correct them, and send them', 'their'],
])('%i of %i are to be corrected', (count, failed, what, own) => {
  expect(adviceOn(invalid, count, failed)).toEqual({
    before: [],
    instead: [
      `Vercel rejects ${what} in a batch file of ${own} own, because a journal does not accept changed records`,
    ],
    canResume: count < failed,
  })
})

test('a test invoice in which Vercel found errors is to be corrected', () => {
  const { instead, canResume } = adviceOn({ code: 'validation_failed', httpStatus: 200 }, 1, 1)
  expect(instead).toEqual([
    expect.stringMatching(/^Vercel rejects it as it is: correct it, and send it in a batch file/),
  ])
  expect(canResume).toBe(false)
})

test.each([
  [1, 1, 'It refunds', 'lower it, and send it in a batch file of its own'],
  [2, 2, 'They refund', 'lower them, and send them in a batch file of their own'],
  [1, 3, '1 of them refunds', 'lower it, and send it in a batch file of its own'],
  [2, 3, '2 of them refund', 'lower them, and send them in a batch file of their own'],
])('%i of %i refunds are to be lowered', (count, failed, what, fix) => {
  expect(adviceOn({ code: 'refund_too_large' }, count, failed)).toEqual({
    before: [],
    instead: [`${what} more than the invoice has left: ${fix}, because a journal does not accept changed records`],
    canResume: count < failed,
  })
})
describe('records with an unknown outcome', () => {
  const instead = (name: Parameters<typeof operationNamed>[0], count: number, externalId = 'none') =>
    causeAdvice({ operation: operationNamed(name), externalId }, [group(count, unknown)], count)
  const inNewBatch = 'in a new batch file with a `journal-file` of its own'

  test('are sent again if that does no harm', () => {
    for (const advice of [instead('submitBillingData', 2), instead('submitInvoice', 2, 'auto')]) {
      expect(advice).toEqual({ before: [], instead: [], canResume: true })
    }
  })

  test.each([
    [
      'submitInvoice',
      `Look for the invoice in Vercel's integration console: if it is missing there, put the record ${inNewBatch}`,
    ],
    ['exchangeSsoToken', `Find out at Vercel whether the request arrived: if it did not, put the record ${inNewBatch}`],
  ] as const)('are not sent again otherwise: %s', (name, advice) => {
    expect(instead(name, 1)).toEqual({
      before: [],
      instead: [`1 record with an unknown outcome is not sent again. ${advice}`],
      canResume: false,
    })
    expect(instead(name, 2).instead).toEqual([`2 records with an unknown outcome are not sent again. ${advice}`])
  })
})

describe('an invoice exists already', () => {
  test('if its hint says what to set', () => {
    const hint = 'An invoice was submitted before. If that is expected, set `on-duplicate: succeed`'
    expect(areDuplicates(submitInvoice, group(1, { ...duplicate, hint }))).toBe(true)
  })

  test.each(['conflict', 'http_409', 'invoice_exists', 'DUPLICATE', 'already_there'])('if the code is %s', (code) => {
    expect(areDuplicates(submitInvoice, group(1, { ...duplicate, code }))).toBe(true)
  })

  test.each<[what: string, change: Partial<FailureGroup>]>([
    ['the code says something else', { code: 'installation_finalized' }],
    ['the code only begins like that', { code: 'conflicting' }],
    ['the status is another', { httpStatus: 400 }],
    ['the outcome is unknown', unknown],
    ['it is about something else', { hint: 'Read the current state at Vercel before you send it again' }],
  ])('but not if %s', (_, change) => {
    expect(areDuplicates(submitInvoice, group(1, { ...duplicate, ...change }))).toBe(false)
  })

  test('but not if the operation has no key', () => {
    expect(areDuplicates(operationNamed('updateInvoice'), group(1, duplicate))).toBe(false)
  })
})
