// The end of a step: outputs, annotations and the job summary, from what is known by then.

import { appendFileSync } from 'node:fs'
import { isDebug } from '@actions/core'
import type { BatchReport } from '../batch/journal/tally.ts'
import type { RotationResult } from '../credentials/complete-rotation.ts'
import type { Delivery } from '../delivery/deliver.ts'
import { parseBody, requestId } from '../delivery/response.ts'
import type { Diagnostic, Failure } from '../failure.ts'
import { countOf, formatCount } from '../format.ts'
import type { HttpResponse } from '../http/transport.ts'
import type { Operation } from '../operations/catalogue.ts'
import { invoiceIds, issuedTokens, issuesTokens, type RequestOutcome } from '../operations/outcome.ts'
import type { MarketplaceRequest } from '../operations/request.ts'
import { mask, type Secrets } from '../secrets.ts'
import { describeDiagnostic, type Log } from './log.ts'
import { type Outputs, writeOutputs } from './outputs.ts'

/** What is known of a step. It grows as the step goes on; a step that fails early knows less. */
export interface Step {
  /** The operation's name in the SDK, or of one of ours. */
  name?: string
  operation?: Operation
  batch?: BatchReport
  request?: MarketplaceRequest
  delivery?: Delivery
  /** The last response to a poll, where the step waited. */
  polled?: HttpResponse
  outcome?: RequestOutcome
  /** What became of a new token and of the one before it. */
  succession?: RotationResult
  failure?: Failure
  warnings: Diagnostic[]
  sandbox: boolean
  dryRun: boolean
  startedAt: number
}

interface ReportContext {
  readonly log: Log
  readonly secrets: Secrets
  readonly wantsSummary: boolean
  readonly clock: () => number
}

/** @returns the exit code */
export async function publish(step: Step, pen: ReportContext): Promise<0 | 1> {
  const { log, secrets } = pen
  const { failure, outcome } = step
  const title = step.name ?? 'Vercel Marketplace'
  secrets.add(issuedTokens(outcome ?? {}))
  writeOutputs(outputsOf(step, secrets))

  if (failure) {
    const findings = failure.findings.length > 0 ? failure.findings : [{ message: sentence(failure) }]
    log.fail(findings, title)
  } else if (step.batch) {
    log.info(`${title}: ${describeBatch(step.batch)}`)
  } else {
    const subject = outcome?.invoiceId ? `, invoice ${outcome.invoiceId}` : ''
    log.info(`${title}: ${outcome?.status}${subject}`)
  }
  if (failure?.cause instanceof Error && isDebug()) log.debug(failure.cause.stack ?? '')
  if (pen.wantsSummary && process.env.GITHUB_STEP_SUMMARY) await writeSummary(step, pen)
  return failure ? 1 : 0
}

const sentence = ({ message, hint }: Failure) => (hint ? `${message}. ${hint}` : message)

function outputsOf(step: Step, secrets: Secrets): Outputs {
  const { name, request, outcome, failure } = step
  return {
    ...(name && { operation: name }),
    ...(request && invoiceIds(request)),
    ...outcome,
    status: secrets.scrub(statusOf(step)),
    ...(step.batch ? batchOutputs(step.batch, secrets) : requestOutputs(step, secrets)),
    ...(failure && { errorCode: secrets.scrub(failure.code), errorMessage: secrets.scrub(failureText(failure)) }),
  }
}

function requestOutputs(step: Step, secrets: Secrets): Outputs {
  const { response, attempts } = step.delivery ?? {}
  return {
    result: JSON.stringify(shownResult(step, secrets) ?? null),
    ...(response && { httpStatus: String(response.status), requestId: secrets.scrub(requestId(response)) }),
    ...(attempts !== undefined && { attempts: String(attempts) }),
  }
}

function batchOutputs({ total, skipped, tally, journalFile }: BatchReport, secrets: Secrets): Outputs {
  const counts = { total, succeeded: tally.succeeded, failed: tally.failed, skipped }
  const texts = Object.entries(counts).map(([name, count]) => [name, String(count)])
  return {
    ...Object.fromEntries(texts),
    ...(journalFile && { journalFile: secrets.scrub(journalFile) }),
    result: JSON.stringify(counts),
  }
}

function statusOf({ failure, outcome, batch }: Step): string {
  if (!failure) return outcome?.status ?? 'accepted'
  return batch && batch.tally.succeeded + batch.skipped > 0 ? 'partial' : 'failed'
}

function describeBatch({ total, skipped, tally }: BatchReport): string {
  const parts = [`${formatCount(tally.succeeded)} of ${countOf(total, 'record')} succeeded`]
  if (skipped > 0) parts.push(`${formatCount(skipped)} had succeeded before`)
  if (tally.duplicates > 0) parts.push(`${formatCount(tally.duplicates)} of them were duplicates`)
  return parts.join(', ')
}

/** The response that the output `result` repeats: to getInvoice that waited, the last one; else the request's own. */
const resultAnswer = ({ operation, delivery, polled }: Step) =>
  (operation?.name === 'getInvoice' ? polled : undefined) ?? delivery?.response

/** The body of an response without its secrets. Where tokens stand in a text that is no JSON, nobody knows. */
function shownResult(step: Step, secrets: Secrets): unknown {
  const response = resultAnswer(step)
  const result = response && parseBody(response)
  const isOpaque = typeof result === 'string' && step.operation && issuesTokens(step.operation)
  return isOpaque ? mask : secrets.scrubValue(result)
}

const failureText = (failure: Failure) =>
  failure.findings.length > 0 ? failure.findings.map(describeDiagnostic).join('\n') : sentence(failure)

async function writeSummary(step: Step, pen: ReportContext): Promise<void> {
  const markdown = step.batch ? await batchSummary(step, step.batch, pen) : await stepSummary(step, pen)
  try {
    appendFileSync(process.env.GITHUB_STEP_SUMMARY ?? '', markdown)
  } catch (error) {
    // The work is done and reported; a summary that cannot be written does not undo it.
    const message = `the job summary could not be written: ${(error as Error).message}`
    pen.log.warn([{ message }], step.name ?? '')
  }
}

async function batchSummary(step: Step, report: BatchReport, { secrets }: ReportContext): Promise<string> {
  const { renderBatch } = await import('./summary/batch.ts')
  const { sandbox, dryRun, failure } = step
  return renderBatch({
    ...report,
    name: step.name ?? '',
    status: statusOf(step),
    sandbox,
    dryRun,
    failure: failure && secrets.scrub(failure.message),
    warnings: step.warnings.map((finding) => secrets.scrub(describeDiagnostic(finding))),
  })
}

async function stepSummary(step: Step, { secrets, clock }: ReportContext): Promise<string> {
  const { operation, request, delivery, failure } = step
  if (!operation) return ''
  const { renderStep } = await import('./summary/step.ts')
  const { response, attempts } = delivery ?? {}
  return renderStep({
    operation,
    status: failure ? 'failed' : secrets.scrub(step.outcome?.status ?? 'accepted'),
    params: secrets.scrubValue(request?.params ?? {}) as Record<string, string>,
    body: secrets.scrubValue(request?.redacted()),
    result: shownResult(step, secrets),
    ...(response && { httpStatus: response.status, requestId: secrets.scrub(requestId(response)) }),
    ...(attempts !== undefined && { attempts }),
    ms: Math.round(clock() - step.startedAt),
    ...(step.succession && { succession: step.succession }),
    sandbox: step.sandbox,
    dryRun: step.dryRun,
    warnings: step.warnings.map((finding) => secrets.scrub(describeDiagnostic(finding))),
    ...(failure && {
      failure: {
        code: secrets.scrub(failure.code),
        message: secrets.scrub(failure.message),
        ...(failure.hint && { hint: secrets.scrub(failure.hint) }),
        problems: failure.findings.map((finding) => secrets.scrub(describeDiagnostic(finding))),
      },
    }),
  })
}
