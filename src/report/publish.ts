// The end of a step: its result in the log, outputs, annotations and the job summary.

import { appendFileSync } from 'node:fs'
import { parseBody, requestId } from '../delivery/response.ts'
import type { Diagnostic, Failure } from '../failure.ts'
import { issuedTexts, redactIssued } from '../operations/issued-fields.ts'
import { onlyReads } from '../operations/operation.ts'
import { invoiceIds, issuedTokens } from '../operations/outcome.ts'
import type { Runner } from '../runtime.ts'
import type { Secrets } from '../secrets.ts'
import { describeDiagnostic, type Log } from './log.ts'
import { type Outputs, statusText, writeOutputs } from './outputs.ts'
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

/** How batches are reported: a chunk of its own. */
type BatchWords = typeof import('./batch-report.ts')

/** The title of a step whose operation is not known. */
const defaultTitle = 'Vercel Marketplace'

/**
 * Reports a step. What happened is printed first; then outputs, annotations and summary are written, each of which can
 * fail without hiding the others.
 *
 * @returns the exit code: 1 if the step failed, or its outputs could not be written
 */
export async function publish(report: StepReport, context: ReportContext): Promise<0 | 1> {
  const { runner, log, secrets, env } = context
  const { failure } = report
  const title = report.name ?? defaultTitle
  const problems: Diagnostic[] = []
  const attempt = (what: string, act: () => void) => {
    try {
      act()
    } catch (error) {
      problems.push({ message: `${what}: ${describeThrown(error)}` })
    }
  }
  attempt('Not all tokens in the response could be masked', () => secrets.add(issuedSecrets(report)))
  const words = report.batch && (await import('./batch-report.ts'))
  attempt('The result could not be printed', () => printResult(report, title, log, words))

  const { leftOut, unwritten } = reportOutputs(report, context, words)
  problems.push(...leftOut.map(leftOutWarning))
  if (problems.length > 0) attempt('Warnings could not be printed', () => log.warn(problems, title))
  if (failure?.cause instanceof Error && runner.isDebug()) {
    const { stack = '' } = failure.cause
    attempt('The stack could not be printed', () => log.debug(stack))
  }
  const file = env.GITHUB_STEP_SUMMARY
  if (context.wantsSummary && file) {
    const warnings = [...(report.warnings ?? []), ...problems, ...(unwritten ? [{ message: unwritten }] : [])]
    await writeSummary(file, { ...report, warnings }, context)
  }
  if (!unwritten) return failure ? 1 : 0
  log.fail([{ message: `${unwritten}. What happened: ${resultLine(report, words)}. ${adviceFor(report)}` }], title)
  return 1
}

const describeThrown = (error: unknown) => (error instanceof Error ? error.message : String(error))

const leftOutWarning = (name: string): Diagnostic => ({
  message: `The output ${name} is left out: the token contains a blank, a line break or a character that is not ASCII`,
})

/** Writes the outputs. @returns the tokens that were left out, and a sentence if any output could not be written */
function reportOutputs(
  report: StepReport,
  { runner, secrets }: ReportContext,
  words: BatchWords | undefined,
): { readonly leftOut: readonly string[]; readonly unwritten: string | undefined } {
  try {
    const { leftOut, failure } = writeOutputs(runner, outputsOf(report, secrets, words), secrets)
    return { leftOut, unwritten: failure?.message }
  } catch (error) {
    return { leftOut: [], unwritten: `The outputs could not be written: ${describeThrown(error)}` }
  }
}

/** What must not show in anything that is written about a step. */
function issuedSecrets({ outcome, operation, delivery }: StepReport): string[] {
  const tokens = issuedTokens(outcome ?? {})
  const { response } = delivery ?? {}
  if (!operation?.issues || !response) return tokens
  return [...tokens, ...issuedTexts({ operation, status: response.status, value: parseBody(response) })]
}

/** Prints the result of the step: a line, or an annotation for each problem. */
function printResult(report: StepReport, title: string, log: Log, words: BatchWords | undefined): void {
  const { failure } = report
  if (!failure) log.info(`${title}: ${resultLine(report, words)}`)
  else log.fail(failure.diagnostics.length > 0 ? failure.diagnostics : [{ message: failure.text }], title)
}

function resultLine(report: StepReport, words: BatchWords | undefined): string {
  const { failure, outcome, batch, tracking } = report
  if (failure) return `failed, ${failure.text}`
  if (tracking) return `${tracking.status}, ${tracking.headline}`
  if (batch && words) return words.describeBatch(batch, report.dryRun ?? false)
  return `${outcome?.status ?? 'accepted'}${outcome?.invoiceId ? `, invoice ${outcome.invoiceId}` : ''}`
}

function adviceFor({ operation, delivery, batch, failure }: StepReport): string {
  const changes = batch !== undefined || (delivery && operation && !onlyReads(operation))
  const fix = 'Make the file GITHUB_OUTPUT writable, for example free disk space on the runner'
  return changes && !failure ? `Do not send it again. ${fix}` : fix
}

/** The longest output comes last, so that the others are written before the disk is full. */
function outputsOf(report: StepReport, secrets: Secrets, words: BatchWords | undefined): Outputs {
  const { name, request, outcome, failure } = report
  return {
    ...(name && { operation: name }),
    ...(request && invoiceIds(request)),
    ...outcome,
    ...(report.digest && { digest: report.digest }),
    ...(report.amount && { amount: report.amount }),
    status: statusOf(report),
    ...(failure && { errorCode: failure.errorCode, errorMessage: failureText(failure) }),
    ...(report.tracking?.outputs ??
      (report.batch && words ? words.batchOutputs(report.batch) : requestOutputs(report, secrets))),
  }
}

function requestOutputs(report: StepReport, secrets: Secrets): Outputs {
  const { response, attempts } = report.delivery ?? {}
  return {
    ...(response && { httpStatus: String(response.status), requestId: requestId(response) }),
    ...(attempts !== undefined && { attempts: String(attempts) }),
    result: JSON.stringify(redactedResult(report, secrets) ?? null),
  }
}

function statusOf({ failure, outcome, batch, tracking }: StepReport): string {
  if (tracking) return tracking.status
  if (!failure) return outcome?.status ?? 'accepted'
  return batch && batch.tally.succeeded + batch.skipped > 0 ? 'partial' : 'failed'
}

/** The response's body without secrets. */
function redactedResult({ operation, polled, delivery }: StepReport, secrets: Secrets): unknown {
  const response = (operation?.returnsInvoice ? polled : undefined) ?? delivery?.response
  if (!response) return undefined
  return secrets.scrubValue(redactIssued({ operation, status: response.status, value: parseBody(response) }))
}

const failureText = (failure: Failure) =>
  failure.diagnostics.length > 0 ? failure.diagnostics.map(describeDiagnostic).join('\n') : failure.text

/** The step is done and reported; a summary that cannot be written does not change that, and is a warning. */
async function writeSummary(file: string, report: StepReport, context: ReportContext): Promise<void> {
  try {
    appendFileSync(file, await summaryOf(report, context))
  } catch (error) {
    const message = `the job summary could not be written: ${describeThrown(error)}`
    context.log.warn([{ message }], report.name ?? '')
  }
}

async function summaryOf(report: StepReport, context: ReportContext): Promise<string> {
  const { tracking, batch, sandbox = false } = report
  if (batch) {
    const { batchSummary } = await import('./batch-report.ts')
    const warnings = redactedWarnings(report, context.secrets)
    return batchSummary({ report, batch, status: statusOf(report), warnings, secrets: context.secrets })
  }
  if (!tracking) return requestSummary(report, context)
  const { secrets } = context
  const failure = report.failure && secrets.scrub(report.failure.text)
  const warnings = redactedWarnings(report, secrets)
  return (await import('./summary/tracking.ts')).renderTracking({ ...tracking, sandbox, failure, warnings })
}

const redactedWarnings = ({ warnings = [] }: StepReport, secrets: Secrets) =>
  warnings.map((warning) => secrets.scrub(describeDiagnostic(warning)))

async function requestSummary(report: StepReport, { secrets, ms }: ReportContext): Promise<string> {
  const { operation, request, delivery, sandbox = false, dryRun = false } = report
  const { renderFailure, renderRequest } = await import('./summary/request.ts')
  const failure = report.failure && redactedFailure(report.failure, secrets)
  if (!operation) return failure ? renderFailure(report.name ?? defaultTitle, failure) : ''
  const { response, attempts } = delivery ?? {}
  return renderRequest({
    operation,
    status: failure ? 'failed' : statusText(report.outcome?.status ?? 'accepted', secrets),
    params: secrets.scrubValue(request?.params ?? {}) as Record<string, string>,
    body: secrets.scrubValue(request?.redacted()),
    result: redactedResult(report, secrets),
    ...(response && { httpStatus: response.status, requestId: secrets.scrub(requestId(response)) }),
    ...(attempts !== undefined && { attempts }),
    ms: Math.round(ms),
    ...(report.rotation && { rotation: report.rotation }),
    ...(delivery?.duplicate && { duplicate: delivery.arrivedEarlier ? 'this step' : 'earlier' }),
    sandbox,
    dryRun,
    warnings: redactedWarnings(report, secrets),
    ...(failure && { failure }),
  })
}

const redactedFailure = ({ errorCode, message, hint, diagnostics }: Failure, secrets: Secrets) => ({
  code: secrets.scrub(errorCode),
  message: secrets.scrub(message),
  ...(hint && { hint: secrets.scrub(hint) }),
  problems: diagnostics.map((diagnostic) => secrets.scrub(describeDiagnostic(diagnostic))),
})
