// The end of a step: outputs, annotations and the job summary.

import { appendFileSync } from 'node:fs'
import type { BatchReport } from '../batch/journal/tally.ts'
import { parseBody, requestId } from '../delivery/response.ts'
import type { Failure } from '../failure.ts'
import { countOf, formatCount } from '../format.ts'
import { invoiceIds, issuedTokens } from '../operations/outcome.ts'
import type { Runner } from '../runtime.ts'
import { mask, type Secrets } from '../secrets.ts'
import { describeDiagnostic, type Log } from './log.ts'
import { type Outputs, writeOutputs } from './outputs.ts'
import type { StepReport } from './step-report.ts'

export interface ReportContext {
  readonly runner: Runner
  readonly log: Log
  readonly secrets: Secrets
  readonly env: NodeJS.ProcessEnv
  readonly wantsSummary: boolean
  /** How long the step took, in milliseconds. */
  readonly ms: number
}

/** @returns the exit code */
export async function publish(report: StepReport, context: ReportContext): Promise<0 | 1> {
  const { runner, log, secrets, env } = context
  const { failure, outcome } = report
  const title = report.name ?? 'Vercel Marketplace'
  secrets.add(issuedTokens(outcome ?? {}))
  writeOutputs(runner, outputsOf(report, secrets))

  if (failure) {
    log.fail(failure.diagnostics.length > 0 ? failure.diagnostics : [{ message: failure.text }], title)
  } else if (report.batch) {
    log.info(`${title}: ${describeBatch(report.batch)}`)
  } else {
    const invoice = outcome?.invoiceId ? `, invoice ${outcome.invoiceId}` : ''
    log.info(`${title}: ${outcome?.status}${invoice}`)
  }
  if (failure?.cause instanceof Error && runner.isDebug()) log.debug(failure.cause.stack ?? '')
  const file = env.GITHUB_STEP_SUMMARY
  if (context.wantsSummary && file) await writeSummary(file, report, context)
  return failure ? 1 : 0
}

function outputsOf(report: StepReport, secrets: Secrets): Outputs {
  const { name, request, outcome, failure } = report
  return {
    ...(name && { operation: name }),
    ...(request && invoiceIds(request)),
    ...outcome,
    ...(report.digest && { digest: report.digest }),
    ...(report.amount && { amount: report.amount }),
    status: secrets.scrub(statusOf(report)),
    ...(report.batch ? batchOutputs(report.batch, secrets) : requestOutputs(report, secrets)),
    ...(failure && { errorCode: secrets.scrub(failure.errorCode), errorMessage: secrets.scrub(failureText(failure)) }),
  }
}

function requestOutputs(report: StepReport, secrets: Secrets): Outputs {
  const { response, attempts } = report.delivery ?? {}
  return {
    result: JSON.stringify(redactedResult(report, secrets) ?? null),
    ...(response && { httpStatus: String(response.status), requestId: secrets.scrub(requestId(response)) }),
    ...(attempts !== undefined && { attempts: String(attempts) }),
  }
}

function batchOutputs({ total, skipped, tally, journalFile }: BatchReport, secrets: Secrets): Outputs {
  const counts = { total, succeeded: tally.succeeded, failed: tally.failed, skipped }
  return {
    ...Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)])),
    ...(journalFile && { journalFile: secrets.scrub(journalFile) }),
    result: JSON.stringify(counts),
  }
}

function statusOf({ failure, outcome, batch }: StepReport): string {
  if (!failure) return outcome?.status ?? 'accepted'
  return batch && batch.tally.succeeded + batch.skipped > 0 ? 'partial' : 'failed'
}

function describeBatch({ total, skipped, tally }: BatchReport): string {
  const parts = [`${formatCount(tally.succeeded)} of ${countOf(total, 'record')} succeeded`]
  if (skipped > 0) parts.push(`${formatCount(skipped)} had succeeded before`)
  if (tally.duplicates > 0) parts.push(`${formatCount(tally.duplicates)} of them were duplicates`)
  return parts.join(', ')
}

/** The response's body without secrets. In a text that is not JSON, nobody knows where the tokens are. */
function redactedResult({ operation, polled, delivery }: StepReport, secrets: Secrets): unknown {
  const response = (operation?.returnsInvoice ? polled : undefined) ?? delivery?.response
  const result = response && parseBody(response)
  return typeof result === 'string' && operation?.issues ? mask : secrets.scrubValue(result)
}

const failureText = (failure: Failure) =>
  failure.diagnostics.length > 0 ? failure.diagnostics.map(describeDiagnostic).join('\n') : failure.text

async function writeSummary(file: string, report: StepReport, context: ReportContext): Promise<void> {
  const markdown = report.batch
    ? await batchSummary(report, report.batch, context)
    : await requestSummary(report, context)
  try {
    appendFileSync(file, markdown)
  } catch (error) {
    // The work is done and reported; a summary that cannot be written does not undo it.
    const message = `the job summary could not be written: ${(error as Error).message}`
    context.log.warn([{ message }], report.name ?? '')
  }
}

const redactedWarnings = ({ warnings = [] }: StepReport, secrets: Secrets) =>
  warnings.map((warning) => secrets.scrub(describeDiagnostic(warning)))

async function batchSummary(report: StepReport, batch: BatchReport, { secrets }: ReportContext): Promise<string> {
  const { renderBatch } = await import('./summary/batch.ts')
  const { sandbox = false, dryRun = false, failure } = report
  return renderBatch({
    ...batch,
    name: report.name ?? '',
    status: statusOf(report),
    sandbox,
    dryRun,
    failure: failure && secrets.scrub(failure.message),
    warnings: redactedWarnings(report, secrets),
  })
}

async function requestSummary(report: StepReport, { secrets, ms }: ReportContext): Promise<string> {
  const { operation, request, delivery, failure, sandbox = false, dryRun = false } = report
  if (!operation) return ''
  const { renderRequest } = await import('./summary/request.ts')
  const { response, attempts } = delivery ?? {}
  return renderRequest({
    operation,
    status: failure ? 'failed' : secrets.scrub(report.outcome?.status ?? 'accepted'),
    params: secrets.scrubValue(request?.params ?? {}) as Record<string, string>,
    body: secrets.scrubValue(request?.redacted()),
    result: redactedResult(report, secrets),
    ...(response && { httpStatus: response.status, requestId: secrets.scrub(requestId(response)) }),
    ...(attempts !== undefined && { attempts }),
    ms: Math.round(ms),
    ...(report.rotation && { rotation: report.rotation }),
    sandbox,
    dryRun,
    warnings: redactedWarnings(report, secrets),
    ...(failure && {
      failure: {
        code: secrets.scrub(failure.errorCode),
        message: secrets.scrub(failure.message),
        ...(failure.hint && { hint: secrets.scrub(failure.hint) }),
        problems: failure.diagnostics.map((diagnostic) => secrets.scrub(describeDiagnostic(diagnostic))),
      },
    }),
  })
}
