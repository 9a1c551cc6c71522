// Runs a batch: many requests from a file.

import type { GuardedPlan } from '../batch/plan/start-plan.ts'
import { proxyPasswords } from '../http/proxy.ts'
import type { BatchStepInputs } from '../inputs/read.ts'
import { apiOf } from '../operations/request-digest.ts'
import type { StepReport } from '../report/step-report.ts'
import { delayedSignal, deprecationWarnings, identitiesOf, openEndpoint, type StepContext } from './context.ts'

/**
 * How long requests in flight may continue after a cancellation. The runner kills the process after ten seconds.
 * See https://docs.github.com/actions/reference/workflows-and-actions/workflow-cancellation
 */
const batchGraceMs = 5000

/**
 * Runs a batch, or only checks it in a dry run. The report has the failure, if there is one.
 *
 * @throws {Failure} if `tokens-key` is not a key
 */
export async function runBatchTask(inputs: BatchStepInputs, context: StepContext): Promise<StepReport> {
  const { operation, destination, dryRun, concurrency } = inputs
  const { env, cutProblem, workspace, clock, random, signal, takeLock, runner, secrets, log } = context
  const deprecation = deprecationWarnings(operation)
  const tokensKey = await identitiesOf(inputs.tokensKey)
  const { runBatch } = await import('../batch/run.ts')
  const { report, plan, warnings, failure } = await runBatch(
    {
      operation,
      path: inputs.path,
      token: inputs.token,
      tokens: inputs.tokens,
      tokensFile: inputs.tokensFile,
      tokensKey,
      baseUrl: destination.sandbox ? undefined : destination.baseUrl,
      externalId: inputs.externalId,
      onDuplicate: inputs.onDuplicate,
      onGone: inputs.onGone,
      limits: inputs.limits,
      concurrency,
      shard: inputs.shard,
      journalFile: inputs.journalFile,
      maxFailures: inputs.maxFailures,
      maxAmount: inputs.maxAmount,
      maxTotal: inputs.maxTotal,
      maxChange: inputs.maxChange,
      compareWith: inputs.compareWith,
      expectDigest: inputs.expectDigest,
      newTokensFile: inputs.newTokensFile,
      reportFile: inputs.reportFile,
      revokesPrevious: inputs.revokesPrevious,
      dryRun,
      failsOnWarning: inputs.failsOnWarning,
      api: apiOf(destination.sandbox ? undefined : destination.baseUrl),
    },
    {
      env,
      cutProblem,
      workspace,
      extraSecrets: proxyPasswords(env),
      clock,
      random,
      signal,
      abort: delayedSignal(signal, batchGraceMs),
      scrub: (text) => secrets.scrub(text),
      log,
      debug: runner.isDebug() ? log.debug : undefined,
      takeLock,
      warn: (diagnostics) => log.warn([...deprecation, ...diagnostics], operation.sdkName),
      open: () => openEndpoint(destination, context, concurrency),
    },
  )
  const { amountOfBatch } = await import('../batch/journal/tally.ts')
  const amount = report && amountOfBatch(report, operation)
  return {
    sandbox: destination.sandbox,
    ...(amount !== undefined && { amount }),
    dryRun,
    warnings: [...deprecation, ...warnings],
    ...(report && { batch: report }),
    ...planReport(plan, dryRun),
    ...(failure ? { failure } : { outcome: { status: dryRun ? 'validated' : 'succeeded' } }),
  }
}

/** The plan is shown if nothing was sent. The amount of a run is what it has sent, and not what it planned. */
const planReport = (
  plan: GuardedPlan | undefined,
  dryRun: boolean,
): Pick<StepReport, 'plan' | 'digest' | 'amount'> => ({
  ...(plan && { digest: plan.digest }),
  ...(plan && (dryRun || plan.broken.length > 0) && { plan }),
  ...(plan?.amount !== undefined && dryRun && { amount: plan.amount }),
})
