// The failure of a batch: why it stopped or what failed, how many records were not started, and how to continue.

import type { Limits } from '../../delivery/retry.ts'
import { Failure, type FailureCode } from '../../failure.ts'
import { countOf, formatCount, formatDuration } from '../../format.ts'
import type { Operation } from '../../operations/operation.ts'
import { failureDiagnostics, isPermanent } from '../journal/failure-diagnostics.ts'
import type { FailureGroup } from '../journal/failure-groups.ts'
import type { JournalError } from '../journal/journal-format.ts'
import type { Ledger } from '../journal/ledger.ts'
import type { Tally } from '../journal/tally.ts'
import type { GivenUp } from './slot.ts'

/** What the messages of a batch's failure need. */
export interface BatchEnd {
  readonly operation: Operation
  /** The input `external-id`. */
  readonly externalId: string
  /** This run. */
  readonly tally: Tally
  /** All runs. */
  readonly ledger: Ledger
  /** Path of the batch file. */
  readonly path: string
  /** Records of the shard. */
  readonly total: number
  /** Records that this run did not start. */
  readonly notStarted: number
  /** Whether the input `journal-file` is set; otherwise the journal is deleted with the job. */
  readonly keepsJournal: boolean
  readonly limits: Pick<Limits, 'retryTimeoutMs'>
  /** Why the batch gave up, if it did: a rate limit, or an outage. */
  readonly givenUp?: GivenUp | undefined
  /** Why the journal cannot be written, if it cannot. */
  readonly journalFailure?: JournalError | undefined
  readonly now: Date
}

/** Why a batch failed. */
export type BatchFailureCode = FailureCode &
  ('cancelled' | 'journal_failed' | 'throttled' | 'unopened' | 'too_many_failures' | 'batch_failed')

const resumes = 'the batch resumes where it stopped, and sends nothing twice'

/** A failure whose first diagnostic is its message, followed by the failures by cause. */
export function batchFailure(code: BatchFailureCode, end: BatchEnd): Failure {
  const message = stopMessage(code, end)
  return new Failure(code, message, {
    diagnostics: [{ message }, ...failureDiagnostics(end.ledger.failures(), end.path)],
  })
}

function stopMessage(code: BatchFailureCode, end: BatchEnd): string {
  const { tally } = end
  const notStarted = `${countOf(end.notStarted, 'record')} ${end.notStarted === 1 ? 'was' : 'were'} not started`
  switch (code) {
    case 'cancelled':
      return `The batch was cancelled; ${notStarted}. ${resumeAdvice(end)}`
    case 'journal_failed':
      return `The journal ${end.journalFailure?.message}; ${notStarted}. ${end.journalFailure?.fix}. ${resumeAdvice(end)}`
    case 'throttled':
      return end.givenUp
        ? `${rateLimit(end)}; ${notStarted}. Run again after that, or raise retry-timeout: ${resumes}`
        : `Rate limits of ${countOf(tally.failed, 'record')} last longer than retry-timeout (${retryTimeout(end)}). Run again after the times that the annotations name, or raise retry-timeout: ${resumes}`
    case 'unopened':
      return `No connection could be opened for retry-timeout (${retryTimeout(end)}): ${end.givenUp?.detail}; ${notStarted}. Run again when the host can be reached, or raise retry-timeout: ${resumes}`
    case 'too_many_failures':
      return `${countOf(tally.failed, 'record')} failed, which is as many as max-failures allows; ${notStarted}. Fix the errors. ${resumeAdvice(end)}`
    case 'batch_failed':
      return failedMessage(end)
  }
}

function failedMessage(end: BatchEnd): string {
  const { operation, ledger, total } = end
  const groups = ledger.failures()
  if (areAllDuplicates(end, groups)) {
    const subject = ledger.failed === 1 ? 'The record was' : `All ${formatCount(ledger.failed)} were`
    return `${subject} already submitted (409). Set on-duplicate: succeed`
  }
  const unknown = ledger.unknown > 0 ? `, ${formatCount(ledger.unknown)} with an unknown outcome` : ''
  const failed = `${formatCount(ledger.failed)} of ${countOf(total, `${operation.sdkName} record`)} failed${unknown}`
  const permanent = groups.filter(isPermanent).reduce((sum, { count }) => sum + count, 0)
  const correct =
    'correct them, and send them in a batch file of their own, because a journal does not accept changed records'
  if (permanent === ledger.failed) return `${failed}. Vercel rejects them as they are: ${correct}`
  if (permanent === 0) return `${failed}. ${resumeAdvice(end)}`
  return `${failed}. ${resumeAdvice(end)}. Vercel rejects ${formatCount(permanent)} of them as they are: ${correct}`
}

/** How to continue. A journal that the step did not name is in RUNNER_TEMP, which the runner deletes. */
function resumeAdvice(end: BatchEnd): string {
  const resumes = 'it resumes where it stopped, and sends nothing twice'
  if (end.keepsJournal) return `Run it again with the same batch file and journal: ${resumes}`
  return `Run it again in this job: ${resumes}. The journal is deleted with the job: to resume in a later one, set \`journal-file\` and keep the file as an artifact. Without the journal, ${adviceWithoutJournal(end)}`
}

function adviceWithoutJournal({ operation, externalId }: BatchEnd): string {
  if (operation.retry === 'idempotent') return 'run the batch again: repeating its requests does no harm'
  if (operation.retry === 'idempotency-key' && externalId !== 'none')
    return 'run the batch again with `on-duplicate: succeed`: the externalId keeps invoices from being billed twice'
  return 'remove the records that succeeded from the batch before you run it again'
}

/** Error codes that say that the invoice exists, unlike a 409 for another reason such as `installation_finalized`. */
const duplicateCode = /^(http_409|conflict)$|exist|duplicate|already/i

/** Whether the invoice of every record exists already, and this batch submitted no invoice. */
const areAllDuplicates = ({ operation, ledger }: BatchEnd, groups: readonly FailureGroup[]): boolean =>
  operation.retry === 'idempotency-key' &&
  ledger.succeeded === 0 &&
  ledger.gone === 0 &&
  groups.every(({ event, httpStatus, code }) => event === 'failed' && httpStatus === 409 && duplicateCode.test(code))

function rateLimit(end: BatchEnd): string {
  const until = end.givenUp ? ` until ${formatMinute(end.givenUp.until, end.now)}` : ''
  return `Rate limited by Vercel${until}, longer than retry-timeout (${retryTimeout(end)})`
}

const retryTimeout = ({ limits }: BatchEnd): string => formatDuration(limits.retryTimeoutMs)

/** Whether every failed record failed because the rate limit of its installation lasts too long. */
export const areAllThrottled = ({ failed, throttled }: Tally): boolean => failed > 0 && throttled === failed

const minuteMs = 60_000

/** `22:38 UTC`, rounded up so that it is never too early; with the date if that is not today's. */
function formatMinute(time: Date, now: Date): string {
  const text = new Date(Math.ceil(time.getTime() / minuteMs) * minuteMs).toISOString()
  const date = text.slice(0, 10) === now.toISOString().slice(0, 10) ? '' : `${text.slice(0, 10)} `
  return `${date}${text.slice(11, 16)} UTC`
}
