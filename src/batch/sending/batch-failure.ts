// The failure of a batch: why it stopped or what failed, how many records were not started, and how to continue.

import type { Limits } from '../../delivery/retry.ts'
import { Failure, type FailureCode } from '../../failure.ts'
import { countOf, formatCount, formatDuration } from '../../format.ts'
import type { Operation } from '../../operations/operation.ts'
import type { JournalError } from '../journal/journal-format.ts'
import type { Tally } from '../journal/tally.ts'

/** What the messages of a batch's failure need. */
export interface BatchEnd {
  readonly operation: Operation
  readonly tally: Tally
  /** Path of the batch file. */
  readonly path: string
  /** Records that were not started. */
  readonly notStarted: number
  readonly limits: Pick<Limits, 'retryTimeoutMs'>
  /** When Vercel accepts requests again, if the batch was throttled for too long. */
  readonly throttledUntil?: Date | undefined
  /** Why the journal cannot be written, if it cannot. */
  readonly journalFailure?: JournalError | undefined
  readonly now: Date
}

/** Why a batch failed. */
export type BatchFailureCode = FailureCode &
  ('cancelled' | 'journal_failed' | 'throttled' | 'too_many_failures' | 'batch_failed')

const resumeAdvice =
  'Run it again with the same batch file and journal: it resumes where it stopped, and sends nothing twice'

/** A failure whose first diagnostic is its message, followed by the failed records. */
export function batchFailure(code: BatchFailureCode, end: BatchEnd): Failure {
  const message = stopMessage(code, end)
  return new Failure(code, message, { diagnostics: [{ message }, ...end.tally.diagnostics(end.path)] })
}

function stopMessage(code: BatchFailureCode, end: BatchEnd): string {
  const { operation, tally } = end
  const notStarted = `${countOf(end.notStarted, 'record')} ${end.notStarted === 1 ? 'was' : 'were'} not started`
  switch (code) {
    case 'cancelled':
      return `The batch was cancelled; ${notStarted}. ${resumeAdvice}`
    case 'journal_failed':
      return `The journal ${end.journalFailure?.message}; ${notStarted}. ${end.journalFailure?.fix}. ${resumeAdvice}`
    case 'throttled':
      return `${rateLimit(end)}; ${notStarted}. Run again after that, or raise retry-timeout: the batch resumes where it stopped, and sends nothing twice`
    case 'too_many_failures':
      return `${countOf(tally.failed, 'record')} failed, which is as many as max-failures allows; ${notStarted}. Fix the errors. ${resumeAdvice}`
    case 'batch_failed': {
      if (areAllDuplicates(end)) {
        const subject = tally.failed === 1 ? 'The record was' : `All ${formatCount(tally.failed)} were`
        return `${subject} already submitted (409). Set on-duplicate: succeed`
      }
      const sent = countOf(tally.failed + tally.succeeded, `${operation.sdkName} record`)
      return `${formatCount(tally.failed)} of ${sent} failed. ${resumeAdvice}`
    }
  }
}

/** Error codes that say that the invoice exists, unlike a 409 for another reason such as `installation_finalized`. */
const duplicateCode = /^(http_409|conflict)$|exist|duplicate|already/i

/** Whether every record of this run failed because its invoice exists already. */
const areAllDuplicates = ({ operation, tally }: BatchEnd): boolean =>
  operation.retry === 'idempotency-key' &&
  tally.succeeded === 0 &&
  tally.failedHttpStatuses.get(409) === tally.failed &&
  [...tally.codes.keys()].every((code) => duplicateCode.test(code))

function rateLimit({ throttledUntil, limits, now }: BatchEnd): string {
  const until = throttledUntil ? ` until ${formatMinute(throttledUntil, now)}` : ''
  return `Rate limited by Vercel${until}, longer than retry-timeout (${formatDuration(limits.retryTimeoutMs)})`
}

const minuteMs = 60_000

/** `22:38 UTC`, rounded up so that it is never too early; with the date if that is not today's. */
function formatMinute(time: Date, now: Date): string {
  const text = new Date(Math.ceil(time.getTime() / minuteMs) * minuteMs).toISOString()
  const date = text.slice(0, 10) === now.toISOString().slice(0, 10) ? '' : `${text.slice(0, 10)} `
  return `${date}${text.slice(11, 16)} UTC`
}
