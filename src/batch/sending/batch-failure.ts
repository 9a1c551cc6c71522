// The failure of a batch: why it stopped or what failed, how many records were not started, and how to continue.

import type { Limits } from '../../delivery/retry.ts'
import { Failure, type FailureCode } from '../../failure.ts'
import { countOf, formatCount, formatDuration } from '../../format.ts'
import type { Operation } from '../../operations/operation.ts'
import type { Tally } from '../journal/tally.ts'
import type { GivenUp } from './slot.ts'

/** What the messages of a batch's failure need. */
export interface BatchEnd {
  readonly operation: Operation
  readonly tally: Tally
  /** Path of the batch file. */
  readonly path: string
  /** Records that were not started. */
  readonly notStarted: number
  readonly limits: Pick<Limits, 'retryTimeoutMs'>
  /** Why the batch gave up, if it did: a rate limit, or an outage. */
  readonly givenUp?: GivenUp | undefined
  /** Why the journal cannot be written, if it cannot. */
  readonly journalFailure?: Error | undefined
  readonly now: Date
}

/** Why a batch failed. */
export type BatchFailureCode = FailureCode &
  ('cancelled' | 'journal_failed' | 'throttled' | 'unopened' | 'too_many_failures' | 'batch_failed')

const resumes = 'the batch resumes where it stopped, and sends nothing twice'
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
      return `The journal ${end.journalFailure?.message}; ${notStarted}. Free disk space. ${resumeAdvice}`
    case 'throttled':
      return end.givenUp
        ? `${rateLimit(end)}; ${notStarted}. Run again after that, or raise retry-timeout: ${resumes}`
        : `Rate limits of ${countOf(tally.failed, 'record')} last longer than retry-timeout (${retryTimeout(end)}). Run again after the times that the annotations name, or raise retry-timeout: ${resumes}`
    case 'unopened':
      return `No connection could be opened for retry-timeout (${retryTimeout(end)}): ${end.givenUp?.detail}; ${notStarted}. Run again when the host can be reached, or raise retry-timeout: ${resumes}`
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

function rateLimit(end: BatchEnd): string {
  const until = end.givenUp ? ` until ${formatMinute(end.givenUp.until, end.now)}` : ''
  return `Rate limited by Vercel${until}, longer than retry-timeout (${retryTimeout(end)})`
}

const retryTimeout = ({ limits }: BatchEnd): string => formatDuration(limits.retryTimeoutMs)

/** Whether every failed record waited in vain for the rate limit of its installation. */
export const areAllThrottled = ({ failed, codes }: Tally): boolean => failed > 0 && codes.get('throttled') === failed

const minuteMs = 60_000

/** `22:38 UTC`, rounded up so that it is never too early; with the date if that is not today's. */
function formatMinute(time: Date, now: Date): string {
  const text = new Date(Math.ceil(time.getTime() / minuteMs) * minuteMs).toISOString()
  const date = text.slice(0, 10) === now.toISOString().slice(0, 10) ? '' : `${text.slice(0, 10)} `
  return `${date}${text.slice(11, 16)} UTC`
}
