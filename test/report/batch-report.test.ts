// What the log and the outputs say about a batch.

import { expect, test } from 'vitest'
import { Ledger } from '../../src/batch/journal/ledger.ts'
import { type BatchReport, Tally } from '../../src/batch/journal/tally.ts'
import { batchOutputs, describeBatch } from '../../src/report/batch-report.ts'

type Counts = {
  succeeded?: number
  failed?: number
  gone?: number
  skipped?: number
  goneInAll?: number
  there?: number
}

/** The report of a batch of 5,000 records. */
function reportOf({ goneInAll = 0, there = 0, skipped = 0, ...counts }: Counts, change: Partial<BatchReport> = {}) {
  const tally = Object.assign(new Tally(), counts)
  const ledger = Object.assign(new Ledger(), { gone: goneInAll, alreadyThere: there })
  return { path: 'batch.ndjson', operation: 'submitInvoice', total: 5000, skipped, tally, ledger, ...change }
}

test.each<[counts: Counts, line: string]>([
  [{ succeeded: 4000 }, '4,000 of 5,000 records succeeded'],
  [{ succeeded: 1, skipped: 1 }, '1 of 5,000 records succeeded, 1 was done before'],
  [{ skipped: 1500 }, '0 of 5,000 records succeeded, 1,500 were done before'],
  [{ gone: 1, goneInAll: 1 }, '0 of 5,000 records succeeded, 1 no longer exists'],
  // Two of the skipped ones were gone in an earlier run.
  [{ gone: 1, goneInAll: 3, skipped: 7 }, '0 of 5,000 records succeeded, 5 were done before, 3 no longer exist'],
  [{ goneInAll: 2, skipped: 2 }, '0 of 5,000 records succeeded, 2 no longer exist'],
  [{ succeeded: 1, there: 1 }, '1 of 5,000 records succeeded, 1 was there already'],
  [{ succeeded: 3, there: 2 }, '3 of 5,000 records succeeded, 2 were there already'],
])('a batch with %j: %s', (counts, line) => {
  expect(describeBatch(reportOf(counts), false)).toBe(line)
})

test('a batch without a journal has the counts of its run alone', () => {
  const { ledger, ...report } = reportOf({ succeeded: 2, skipped: 1 })
  expect(describeBatch(report, false)).toBe('2 of 5,000 records succeeded, 1 was done before')
  expect(batchOutputs(report)).toEqual({
    total: '5000',
    succeeded: '2',
    failed: '0',
    skipped: '1',
    result: '{"total":5000,"succeeded":2,"failed":0,"skipped":1}',
  })
})

test('a dry run has the number of records', () => {
  expect(describeBatch(reportOf({}), true)).toBe('5,000 records checked, nothing was sent')
  expect(describeBatch(reportOf({}, { total: 1 }), true)).toBe('1 record checked, nothing was sent')
})

test('the outputs of a batch have its counts, and its files if there are any', () => {
  const counts = { succeeded: 5, failed: 1, gone: 2, skipped: 3, goneInAll: 4 }
  expect(batchOutputs(reportOf(counts, { journalFile: '/j', reportFile: '/r' }))).toEqual({
    total: '5000',
    succeeded: '5',
    failed: '1',
    skipped: '5',
    journalFile: '/j',
    reportFile: '/r',
    result: '{"total":5000,"succeeded":5,"failed":1,"skipped":5,"gone":4}',
  })
})
