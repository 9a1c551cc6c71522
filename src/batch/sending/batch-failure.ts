// The failure of a batch: why it stopped or what failed, how many records were not started, and how to continue.

import type { Limits } from '../../delivery/retry.ts'
import { Failure, type FailureCode } from '../../failure.ts'
import { countOf, formatCount, formatDuration, formatSecond } from '../../format.ts'
import type { Operation } from '../../operations/operation.ts'
import { failureDiagnostics } from '../journal/failure-diagnostics.ts'
import type { JournalError } from '../journal/journal-format.ts'
import type { Ledger } from '../journal/ledger.ts'
import type { Tally } from '../journal/tally.ts'
import { areDuplicates, causeAdvice } from './cause-advice.ts'
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
  /** The input `max-failures`. */
  readonly maxFailures?: number | undefined
  /** Why the batch gave up, if it did: a rate limit, or an outage. */
  readonly givenUp?: GivenUp | undefined
  /** When the last rate limit of an installation ends that lasts too long. */
  readonly heldUntil?: Date | undefined
  /** How the batch file was changed while the batch ran, if it was: a sentence without its full stop. */
  readonly fileChange?: string | undefined
  /** Why the journal cannot be written, if it cannot. */
  readonly journalFailure?: JournalError | undefined
  readonly now: Date
}

/** Why a batch failed. */
export type BatchFailureCode = FailureCode &
  ('cancelled' | 'journal_failed' | 'batch_changed' | 'throttled' | 'unopened' | 'too_many_failures' | 'batch_failed')

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
    case 'batch_changed':
      return `${end.fileChange}; ${notStarted}. Restore the file as it was, and do not change it while the batch runs. ${resumeAdvice(end)}`
    case 'throttled':
      return throttledMessage(end, notStarted)
    case 'unopened': {
      const when = ' when the host can be reached, or raise `retry-timeout`'
      return `No connection could be opened for ${retryTimeout(end)} (\`retry-timeout\`): ${end.givenUp?.detail}; ${notStarted}. ${resumeAdvice(end, when)}`
    }
    case 'too_many_failures':
      return `${countOf(tally.failed, 'record')} failed, so the batch stopped (\`max-failures: ${end.maxFailures}\`); ${notStarted}. Fix the errors. ${advice(end)}`
    case 'batch_failed':
      return failedMessage(end)
  }
}

function throttledMessage(end: BatchEnd, notStarted: string): string {
  const { givenUp, heldUntil, tally } = end
  const longer = `longer than \`retry-timeout\` (${retryTimeout(end)})`
  if (givenUp) {
    const until = formatMinute(givenUp.until, end.now)
    return `Rate limited by Vercel until ${until}, ${longer}; ${notStarted}. ${resumeAdvice(end, ' after that, or raise `retry-timeout`')}`
  }
  const when = heldUntil ? ` after ${formatSecond(heldUntil)}, when the last of these limits ends` : ' later'
  return `Rate limits of ${countOf(tally.failed, 'record')} last ${longer}. ${resumeAdvice(end, `${when}, or raise \`retry-timeout\``)}`
}

function failedMessage(end: BatchEnd): string {
  const { operation, ledger, total } = end
  if (areAllDuplicates(end)) {
    const subject = ledger.failed === 1 ? 'The record was' : `All ${formatCount(ledger.failed)} were`
    return `${subject} already submitted (409). Set on-duplicate: succeed`
  }
  const unknown = ledger.unknown > 0 ? `, ${formatCount(ledger.unknown)} with an unknown outcome` : ''
  const failed = `${formatCount(ledger.failed)} of ${countOf(total, `${operation.sdkName} record`)} failed${unknown}`
  return `${failed}. ${advice(end)}`
}

/** What to do about each cause, and how to continue, as far as that helps. */
function advice(end: BatchEnd): string {
  const { before, instead, canResume } = causeAdvice(end, end.ledger.failures(), end.ledger.failed)
  return [...before, ...(canResume || end.notStarted > 0 ? [resumeAdvice(end)] : []), ...instead].join('. ')
}

/**
 * How to continue. A journal that the step did not name is in RUNNER_TEMP, which the runner deletes.
 *
 * @param when  when to run the batch again, if not at once: a clause after a space
 */
function resumeAdvice(end: BatchEnd, when = ''): string {
  const resumes = 'it resumes where it stopped, and sends nothing twice'
  if (end.keepsJournal) return `Run it again with the same batch file and journal${when}: ${resumes}`
  return `Run it again in this job${when}: ${resumes}. The journal is deleted with the job: to resume in a later one, set \`journal-file\` and keep the file as an artifact. Without the journal, ${adviceWithoutJournal(end)}`
}

function adviceWithoutJournal({ operation, externalId }: BatchEnd): string {
  if (operation.retry === 'idempotent') return 'run the batch again: repeating its requests does no harm'
  if (operation.retry === 'idempotency-key' && externalId !== 'none')
    return 'run the batch again with `on-duplicate: succeed`: the externalId keeps invoices from being billed twice'
  return 'remove the records that succeeded from the batch before you run it again'
}

/** Whether the invoice of every record exists already, and this batch submitted no invoice. */
const areAllDuplicates = ({ operation, ledger }: BatchEnd): boolean =>
  ledger.succeeded === 0 && ledger.gone === 0 && ledger.failures().every((group) => areDuplicates(operation, group))

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
