// What the log, the outputs and the summary say about a batch.

import type { BatchReport } from '../batch/journal/tally.ts'
import type { Failure } from '../failure.ts'
import { countOf, formatCount } from '../format.ts'
import { loadOperationByName } from '../operations/load.ts'
import type { Secrets } from '../secrets.ts'
import { describeDiagnostic } from './log.ts'
import type { Outputs } from './outputs.ts'
import type { StepReport } from './step-report.ts'

/** The outputs of a batch. */
export function batchOutputs({ total, skipped, tally, ledger, journalFile, reportFile }: BatchReport): Outputs {
  const { succeeded, failed } = tally
  const counts = { total, succeeded, failed, skipped: skipped + tally.gone }
  // Those that an earlier run found are a part of `skipped` too.
  const gone = ledger?.gone ?? 0
  return {
    ...Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)])),
    ...(journalFile && { journalFile }),
    ...(reportFile && { reportFile }),
    result: JSON.stringify({ ...counts, ...(gone > 0 && { gone }) }),
  }
}

/** The line of the log that says how far a batch got. */
export function describeBatch({ total, skipped, tally, ledger }: BatchReport, isDryRun: boolean): string {
  if (isDryRun) return `${countOf(total, 'record')} checked, nothing was sent`
  const { succeeded } = tally
  const gone = ledger?.gone ?? 0
  const before = skipped - (gone - tally.gone)
  const parts = [`${formatCount(succeeded)} of ${countOf(total, 'record')} succeeded`]
  if (before > 0) parts.push(`${formatCount(before)} ${before === 1 ? 'was' : 'were'} done before`)
  if (gone > 0) parts.push(`${formatCount(gone)} no longer ${gone === 1 ? 'exists' : 'exist'}`)
  const there = ledger?.alreadyThere ?? 0
  if (there > 0) parts.push(`${formatCount(there)} ${there === 1 ? 'was' : 'were'} there already`)
  return parts.join(', ')
}

export interface BatchSummaryOptions {
  readonly report: StepReport
  readonly batch: BatchReport
  /** The output `status`. */
  readonly status: string
  /** Without secrets. */
  readonly warnings: readonly string[]
  readonly secrets: Secrets
}

/** The job summary of a batch, or of its plan if nothing was sent. */
export async function batchSummary({ report, batch, status, warnings, secrets }: BatchSummaryOptions): Promise<string> {
  if (report.plan) return (await import('./plan-summary.ts')).planSummary(report, report.plan, secrets)
  const { renderBatch } = await import('./summary/batch.ts')
  // Merged journals have an operation of their own.
  const { money } = (await loadOperationByName(batch.operation)) ?? {}
  const { sandbox = false, dryRun = false, failure } = report
  return renderBatch({
    ...batch,
    name: report.name ?? '',
    status,
    sandbox,
    dryRun,
    failure: failure && secrets.scrub(failure.text),
    problems: batch.ledger || !failure ? [] : problemsOf(failure).map((problem) => secrets.scrub(problem)),
    amountLabel: money?.label,
    warnings,
  })
}

/** The diagnostics of a failure, apart from its message. */
const problemsOf = ({ message, text, diagnostics }: Failure): string[] =>
  diagnostics.map(describeDiagnostic).filter((problem) => problem !== message && problem !== text)
