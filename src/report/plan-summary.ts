// Prepares the plan of a batch for the job summary.

import type { GuardedPlan } from '../batch/plan/start-plan.ts'
import type { Secrets } from '../secrets.ts'
import { describeDiagnostic } from './log.ts'
import type { StepReport } from './step-report.ts'
import { renderPlan } from './summary/plan.ts'

/** The job summary of a plan, without secrets. Warnings about records are part of the plan. */
export function planSummary(report: StepReport, plan: GuardedPlan, secrets: Secrets): string {
  const { name = '', batch, failure, warnings = [], sandbox = false, dryRun = false } = report
  const { operation, ...data } = plan
  return renderPlan({
    plan: { ...(secrets.scrubValue(data) as typeof data), operation },
    name,
    total: batch?.total ?? plan.records,
    dryRun,
    sandbox,
    failure: failure && secrets.scrub(failure.text),
    reportFile: batch?.reportFile && secrets.scrub(batch.reportFile),
    warnings: warnings
      .filter(({ file }) => file === undefined)
      .map((warning) => secrets.scrub(describeDiagnostic(warning))),
  })
}
