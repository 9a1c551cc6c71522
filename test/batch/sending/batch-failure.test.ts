import { describe, expect, test } from 'vitest'
import { JournalError, type OutcomeEvent } from '../../../src/batch/journal/journal-format.ts'
import { Ledger } from '../../../src/batch/journal/ledger.ts'
import { Tally } from '../../../src/batch/journal/tally.ts'
import { type BatchEnd, batchFailure } from '../../../src/batch/sending/batch-failure.ts'
import { operationNamed } from '../../../src/operations/catalogue.ts'
import { outcome, sent, succeeded } from '../journals.ts'

const now = new Date('2025-03-15T22:00:00Z')

/** The end of a batch with these outcomes, of which all are this run's. */
const endOf = (outcomes: readonly OutcomeEvent[], change: Partial<BatchEnd> = {}): BatchEnd => {
  const tally = new Tally()
  const ledger = new Ledger()
  for (const [index, event] of outcomes.entries()) {
    const id = `${event.id}-${index}`
    const line = index + 1
    ledger.apply(sent(id, { line }))
    ledger.apply({ ...event, id, line })
    tally.add(event)
  }
  return {
    operation: operationNamed('submitInvoice'),
    externalId: 'auto',
    tally,
    ledger,
    path: 'b.ndjson',
    total: outcomes.length,
    notStarted: 0,
    keepsJournal: true,
    limits: { retryTimeoutMs: 300_000 },
    now,
    ...change,
  }
}

const resumes = 'it resumes where it stopped, and sends nothing twice'
const conflict = (code = 'conflict') =>
  outcome('a', 'failed', { httpStatus: 409, code, message: 'It exists already', attempts: 1 })
const failed = outcome('b', 'failed', { httpStatus: 403, code: 'forbidden', message: 'No', hint: 'Store the token' })
const invalid = outcome('c', 'failed', { httpStatus: 422, code: 'no_plan', message: 'No such plan' })
const unknown = outcome('d', 'unknown', { code: 'timeout', message: 'No response' })
const messageOf = (...end: Parameters<typeof endOf>) => batchFailure('batch_failed', endOf(...end)).message

test('a failure shows its message first, and then the failures by cause with their first lines', () => {
  const { code, message, diagnostics } = batchFailure('batch_failed', endOf([succeeded('a'), failed, failed]))
  expect(code).toBe('batch_failed')
  expect(message).toBe(
    `2 of 3 submitInvoice records failed. Run it again with the same batch file and journal: ${resumes}`,
  )
  expect(diagnostics).toEqual([
    { message },
    { message: '2 records (lines 2, 3): No. Store the token', file: 'b.ndjson', position: { line: 2, column: 1 } },
  ])
})

test('the counts are those of the whole batch, also if this run had one record left', () => {
  const end = endOf([succeeded('a'), succeeded('a'), succeeded('a'), failed])
  const tally = new Tally()
  tally.add(failed)
  expect(batchFailure('batch_failed', { ...end, tally }).message).toMatch(/^1 of 4 submitInvoice records failed\. /)
})

test('unknown outcomes are counted in the message', () => {
  expect(messageOf([failed, unknown, succeeded('a')])).toMatch(
    /^2 of 3 submitInvoice records failed, 1 with an unknown outcome\. Run it again/,
  )
})

describe('records that Vercel rejects for what they say', () => {
  const correct =
    'correct them, and send them in a batch file of their own, because a journal does not accept changed records'

  test('are to be corrected, and not to be sent again, if there are only such', () => {
    expect(messageOf([invalid, invalid, succeeded('a')])).toBe(
      `2 of 3 submitInvoice records failed. Vercel rejects them as they are: ${correct}`,
    )
  })

  test('are mentioned beside others', () => {
    expect(messageOf([invalid, failed])).toBe(
      `2 of 2 submitInvoice records failed. Run it again with the same batch file and journal: ${resumes}. Vercel rejects 1 of them as it is: ${correct.replaceAll('them', 'it').replace('their', 'its')}`,
    )
  })
})

describe('without the input journal-file the message says that the journal is deleted with the job', () => {
  const beginning = `1 of 1 submitInvoice record failed. Run it again in this job: ${resumes}. The journal is deleted with the job: to resume in a later one, set \`journal-file\` and keep the file as an artifact. Without the journal, `

  test.each<[what: string, change: Partial<BatchEnd>, advice: RegExp]>([
    ['an invoice with a key', {}, /run the batch again with `on-duplicate: succeed`: the externalId keeps/],
    ['an invoice without one', { externalId: 'none' }, /remove the records that succeeded from the batch/],
    ['a refund', { operation: operationNamed('updateInvoice') }, /remove the records that succeeded from the batch/],
    ['billing data', { operation: operationNamed('submitBillingData') }, /repeating its requests does no harm$/],
  ])('and what to do then: %s', (_, change, advice) => {
    const message = messageOf([failed], { keepsJournal: false, ...change })
    expect(message).toMatch(advice)
    expect(message.replace(/updateInvoice|submitBillingData/, 'submitInvoice').startsWith(beginning), message).toBe(
      true,
    )
    expect(message).not.toContain('same batch file and journal')
  })
})

describe('a batch that was submitted before', () => {
  const duplicates = Array.from({ length: 30 }, () => conflict())

  test('is reported as such if every record was', () => {
    expect(messageOf(duplicates)).toBe('All 30 were already submitted (409). Set on-duplicate: succeed')
    expect(messageOf([conflict('http_409')])).toBe('The record was already submitted (409). Set on-duplicate: succeed')
  })

  test.each<[what: string, end: BatchEnd]>([
    ['another record failed for another reason', endOf([...duplicates, failed])],
    ['another record succeeded', endOf([...duplicates, succeeded('b')])],
    ['an outcome is unknown', endOf([...duplicates, outcome('b', 'unknown', { httpStatus: 409, code: 'conflict' })])],
    ['the conflict is about something else', endOf([conflict('installation_finalized')])],
    ['the operation is not submitInvoice', endOf(duplicates, { operation: operationNamed('updateInvoice') })],
  ])('is not reported as such if %s', (_, end) => {
    expect(batchFailure('batch_failed', end).message).toMatch(/^\d+ of \d+ \w+ records? failed[.,] /)
  })
})

describe('a cause that a run with the same inputs does not end has its own fix', () => {
  const gone = outcome('g', 'failed', { httpStatus: 410, code: 'gone', message: 'Deleted' })
  const lost = outcome('u', 'unknown', { code: 'outcome_unknown', message: 'It was sent' })
  const refunds = { operation: operationNamed('updateInvoice') }
  const rotations = { operation: operationNamed('rotateInstallationCredential') }

  test.each<[what: string, outcomes: OutcomeEvent[], change: Partial<BatchEnd>, message: RegExp]>([
    [
      'some were submitted before',
      [succeeded('a'), conflict(), conflict()],
      {},
      /failed\. They were submitted before \(409\): set `on-duplicate: succeed`\. Run it again with/,
    ],
    [
      'some were submitted before, others failed',
      [conflict(), failed],
      {},
      /failed\. 1 of them was submitted before \(409\): set `on-duplicate: succeed`\. Run it again with/,
    ],
    [
      'installations were deleted',
      [succeeded('a'), gone, gone],
      {},
      /failed\. They are of installations or resources that Vercel has deleted \(410\): set `on-gone: skip`\. Run/,
    ],
    [
      'an invoice without a key may have arrived',
      [succeeded('a'), lost],
      { externalId: 'none' },
      /1 with an unknown outcome\. 1 record with an unknown outcome is not sent again\. Look for the invoice in Vercel's integration console: if it is missing there, put the record in a new batch file with a `journal-file` of its own$/,
    ],
    [
      'a refund may have arrived',
      [succeeded('a'), lost],
      refunds,
      /1 record with an unknown outcome is not sent again\. Another run reads the invoice again\. .*with getInvoice: if it does not show the refund, put the record in a new batch file with a `journal-file` of its own$/,
    ],
    [
      'a rotation may have arrived',
      [lost, lost],
      rotations,
      /2 records with an unknown outcome are not sent again\. Another run completes a rotation whose new token is in `new-tokens-file`\. .*in a new batch file/,
    ],
  ])('%s', (_, outcomes, change, message) => {
    const text = messageOf(outcomes, change)
    expect(text).toMatch(message)
    // Running the batch again is advised only if that helps.
    const helps = outcomes.some((one) => one.event === 'failed')
    expect(text.includes('Run it again')).toBe(helps)
    expect(text).not.toContain('remove the record')
  })

  test('and an invoice with a key is sent again', () => {
    expect(messageOf([lost])).toMatch(/1 with an unknown outcome\. Run it again/)
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
      `Rate limited by Vercel until 22:38 UTC, longer than \`retry-timeout\` (5 min); 1,992 records were not started. Run it again with the same batch file and journal after that, or raise \`retry-timeout\`: ${resumes}`,
    )
  })

  test('or the time at which the last limit of an installation ends, if such limits last too long', () => {
    const throttled = outcome('b', 'failed', { code: 'throttled', message: 'Rate limit' })
    const heldUntil = new Date('2025-03-15T23:10:00.001Z')
    expect(batchFailure('throttled', endOf([succeeded('a'), throttled], { heldUntil })).message).toBe(
      `Rate limits of 1 record last longer than \`retry-timeout\` (5 min). Run it again with the same batch file and journal after 2025-03-15 23:10:01 UTC, when the last of these limits ends, or raise \`retry-timeout\`: ${resumes}`,
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
    `No connection could be opened for 5 min (\`retry-timeout\`): the host refused the connection (ECONNREFUSED); 3 records were not started. Run it again with the same batch file and journal when the host can be reached, or raise \`retry-timeout\`: ${resumes}`,
  )
})

test('without the input journal-file an outage and a rate limit say that the journal is deleted with the job', () => {
  const givenUp = { until: now, detail: 'no host' }
  for (const reason of ['unopened', 'throttled'] as const) {
    const { message } = batchFailure(reason, endOf([], { givenUp: { ...givenUp, reason }, keepsJournal: false }))
    expect(message).toMatch(/Run it again in this job .*The journal is deleted with the job: .*`on-duplicate: succeed`/)
  }
})

test.each([
  ['cancelled' as const, 1, /^The batch was cancelled; 1 record was not started\. Run it again/],
  ['journal_failed' as const, 2, /^The journal is full; 2 records were not started\. Free disk space\. Run it again/],
  ['too_many_failures' as const, 3, /^1 record failed, so the batch stopped \(`max-failures: 1`\); 3 records were not/],
])('%s says how many records were not started, and how to continue', (code, notStarted, message) => {
  const failure = batchFailure(
    code,
    endOf([failed], { notStarted, maxFailures: 1, journalFailure: new JournalError('is full', 'Free disk space') }),
  )
  expect(failure.code).toBe(code)
  expect(failure.message).toMatch(message)
  expect(failure.message).toContain(resumes)
})

test('installations that are throttled for too long are tried later if it is not known until when', () => {
  expect(batchFailure('throttled', endOf([failed])).message).toBe(
    `Rate limits of 1 record last longer than \`retry-timeout\` (5 min). Run it again with the same batch file and journal later, or raise \`retry-timeout\`: ${resumes}`,
  )
})

test('a batch that stopped is continued although the records that failed have to be corrected', () => {
  expect(batchFailure('too_many_failures', endOf([invalid], { notStarted: 1, maxFailures: 1 })).message).toContain(
    `Fix the errors. Run it again with the same batch file and journal: ${resumes}. Vercel rejects it as it is`,
  )
})

test('a batch with a record of a deleted installation is not one that was submitted before', () => {
  expect(messageOf([conflict(), outcome('g', 'gone', { status: 'gone', httpStatus: 410, code: 'gone' })])).toMatch(
    /^1 of 2 submitInvoice records failed\. /,
  )
})
