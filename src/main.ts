// The overview of a step: mask secrets, read the inputs, run the task, publish the report.

import { toFailure } from './failure.ts'
import { hasProxyVariables } from './http/proxy-variables.ts'
import { readInputs, readOperation, readSecrets, type StepOperation, wantsSummary } from './inputs/read.ts'
import { openLog } from './report/log.ts'
import { publish } from './report/publish.ts'
import type { StepReport } from './report/step-report.ts'
import type { Runtime } from './runtime.ts'
import { Secrets } from './secrets.ts'
import type { StepContext } from './tasks/context.ts'
import { runRequestTask } from './tasks/request.ts'

/** Runs one step. @returns the exit code */
export async function main(runtime: Runtime): Promise<0 | 1> {
  const { env, cutProblem, clock, random, signal, takeLock, runner } = runtime
  const startedAt = clock.monotonic()
  const secrets = new Secrets(runner.setSecret)
  // Before anything else can print.
  secrets.add(readSecrets(runner))
  if (hasProxyVariables(env)) secrets.add((await import('./http/proxy.ts')).proxyPasswords(env))
  const log = openLog(runner, secrets)
  const workspace = env.GITHUB_WORKSPACE || runtime.folder
  const report = await run({ env, cutProblem, workspace, clock, random, signal, takeLock, runner, secrets, log })
  return publish(report, {
    runner,
    log,
    secrets,
    env,
    wantsSummary: wantsSummary(runner),
    ms: clock.monotonic() - startedAt,
  })
}

async function run(context: StepContext): Promise<StepReport> {
  // A failure is reported under the operation's name, so that is read first.
  let subject: StepOperation | undefined
  try {
    subject = await readOperation(context.runner)
    const inputs = await readStepInputs(subject, context)
    // A batch would open its journal first, and a dry run never gets to the network.
    if (inputs.task !== 'merge' && !inputs.destination.sandbox && hasProxyVariables(context.env)) {
      ;(await import('./http/proxy.ts')).readProxies(context.env)
    }
    return { ...subject, ...(await runTask(inputs, context)) }
  } catch (error) {
    return { ...subject, failure: toFailure(error) }
  }
}

async function readStepInputs({ name, operation }: StepOperation, { runner, env }: StepContext) {
  if (operation) return readInputs(runner, operation, env)
  return (await import('./inputs/read-own.ts')).readOwnInputs(runner, name, env)
}

type Inputs = Awaited<ReturnType<typeof readStepInputs>>

async function runTask(inputs: Inputs, context: StepContext): Promise<StepReport> {
  switch (inputs.task) {
    case 'request':
      return runRequestTask(inputs, context)
    case 'batch':
      return (await import('./tasks/batch.ts')).runBatchTask(inputs, context)
    case 'merge':
      return (await import('./tasks/merge-journals.ts')).runMergeTask(inputs, context)
    case 'track':
      return (await import('./tasks/track-invoices.ts')).runTrackTask(inputs, context)
  }
}
