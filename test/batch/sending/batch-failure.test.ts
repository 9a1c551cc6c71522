import { describe, expect, test } from 'vitest'
import { Tally } from '../../../src/batch/journal/tally.ts'
import { type BatchEnd, batchFailure } from '../../../src/batch/sending/batch-failure.ts'
import { operationNamed } from '../../../src/operations/catalogue.ts'
import { outcome, succeeded } from '../journals.ts'

const now = new Date('2025-03-15T22:00:00Z')

const endOf = (outcomes: readonly Parameters<Tally['add']>[0][], change: Partial<BatchEnd> = {}): BatchEnd => {
  const tally = new Tally()
  for (const event of outcomes) tally.add(event)
  return {
    operation: operationNamed('submitInvoice'),
    tally,
    path: 'b.ndjson',
    notStarted: 0,
    limits: { retryTimeoutMs: 300_000 },
    now,
    ...change,
  }
}

const resumes = 'it resumes where it stopped, and sends nothing twice'
const conflict = (code = 'conflict') =>
  outcome('a', 'failed', { httpStatus: 409, code, message: 'It exists already', attempts: 1 })
const failed = outcome('b', 'failed', { httpStatus: 403, code: 'forbidden', message: 'No' })

test('a failure shows its message first, and then the failed records with their lines', () => {
  const { code, message, diagnostics } = batchFailure('batch_failed', endOf([succeeded('a'), failed]))
  expect(code).toBe('batch_failed')
  expect(message).toBe(
    `1 of 2 submitInvoice records failed. Run it again with the same batch file and journal: ${resumes}`,
  )
  expect(diagnostics).toEqual([
    { message },
    { message: 'icfg_1: No', file: 'b.ndjson', position: { line: 1, column: 1 } },
  ])
})

describe('a batch that was submitted before', () => {
  const duplicates = Array.from({ length: 30 }, () => conflict())

  test('is reported as such if every record of the run was', () => {
    expect(batchFailure('batch_failed', endOf(duplicates)).message).toBe(
      'All 30 were already submitted (409). Set on-duplicate: succeed',
    )
    expect(batchFailure('batch_failed', endOf([conflict('http_409')])).message).toBe(
      'The record was already submitted (409). Set on-duplicate: succeed',
    )
  })

  test.each<[what: string, end: BatchEnd]>([
    ['another record failed for another reason', endOf([...duplicates, failed])],
    ['another record succeeded', endOf([...duplicates, succeeded('b')])],
    ['an outcome is unknown', endOf([...duplicates, outcome('b', 'unknown', { httpStatus: 409, code: 'conflict' })])],
    ['the conflict is about something else', endOf([conflict('installation_finalized')])],
    ['the operation is not submitInvoice', endOf(duplicates, { operation: operationNamed('updateInvoice') })],
  ])('is not reported as such if %s', (_, end) => {
    expect(batchFailure('batch_failed', end).message).toMatch(/^\d+ of \d+ \w+ records? failed\. /)
  })
})

describe('a throttled batch names the time at which Vercel accepts requests again', () => {
  const messageAt = (throttledUntil: string) =>
    batchFailure(
      'throttled',
      endOf([succeeded('a')], { notStarted: 1992, givenUp: { reason: 'throttled', until: new Date(throttledUntil) } }),
    ).message

  test('with the number of records that were not started', () => {
    expect(messageAt('2025-03-15T22:38:00Z')).toBe(
      `Rate limited by Vercel until 22:38 UTC, longer than retry-timeout (5 min); 1,992 records were not started. Run again after that, or raise retry-timeout: the batch resumes where it stopped, and sends nothing twice`,
    )
  })

  test('or tells where they are, if the limits of single installations last too long', () => {
    const throttled = outcome('b', 'failed', { code: 'throttled', message: 'Rate limit' })
    expect(batchFailure('throttled', endOf([succeeded('a'), throttled])).message).toBe(
      `Rate limits of 1 record last longer than retry-timeout (5 min). Run again after the times that the annotations name, or raise retry-timeout: the batch resumes where it stopped, and sends nothing twice`,
    )
  })

  test('rounded up to a minute, and with its date if that is not today', () => {
    expect(messageAt('2025-03-15T22:37:00.001Z')).toContain('until 22:38 UTC,')
    expect(messageAt('2025-03-15T23:59:01Z')).toContain('until 2025-03-16 00:00 UTC,')
  })
})

test('a batch whose host cannot be reached says why, and what to do', () => {
  const givenUp = { reason: 'unopened', until: now, detail: 'the host refused the connection (ECONNREFUSED)' } as const
  expect(batchFailure('unopened', endOf([], { notStarted: 3, givenUp })).message).toBe(
    'No connection could be opened for retry-timeout (5 min): the host refused the connection (ECONNREFUSED); 3 records were not started. Run again when the host can be reached, or raise retry-timeout: the batch resumes where it stopped, and sends nothing twice',
  )
})

test.each([
  ['cancelled' as const, 1, /^The batch was cancelled; 1 record was not started\. Run it again/],
  ['journal_failed' as const, 2, /^The journal is full; 2 records were not started\. Free disk space\. Run it again/],
  ['too_many_failures' as const, 3, /^1 record failed, which is as many as max-failures allows; 3 records were not/],
])('%s says how many records were not started, and how to continue', (code, notStarted, message) => {
  const failure = batchFailure(code, endOf([failed], { notStarted, journalFailure: new Error('is full') }))
  expect(failure.code).toBe(code)
  expect(failure.message).toMatch(message)
  expect(failure.message).toContain(resumes)
})
