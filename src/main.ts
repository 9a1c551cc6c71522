// The overview of a step: mask secrets, read the inputs, run the task, publish the report.

import { toFailure } from './failure.ts'
import { proxyPasswords, readProxies } from './http/proxy.ts'
import { type Inputs, readInputs, readOperation, readSecrets, wantsSummary } from './inputs/read.ts'
import { openLog } from './report/log.ts'
import { publish } from './report/publish.ts'
import type { StepReport } from './report/step-report.ts'
import type { Runtime } from './runtime.ts'
import { Secrets } from './secrets.ts'
import { runBatchTask } from './tasks/batch.ts'
import type { StepContext } from './tasks/context.ts'
import { runMergeTask } from './tasks/merge-journals.ts'
import { runRequestTask } from './tasks/request.ts'

/** Runs one step. @returns the exit code */
export async function main(runtime: Runtime): Promise<0 | 1> {
  const { env, clock, random, signal, runner } = runtime
  const startedAt = clock.monotonic()
  const secrets = new Secrets(runner.setSecret)
  secrets.add([...readSecrets(runner), ...proxyPasswords(env)])
  const log = openLog(runner, secrets)
  const workspace = env.GITHUB_WORKSPACE || runtime.folder
  const report = await run({ env, workspace, clock, random, signal, runner, secrets, log })
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
  let subject = {}
  try {
    subject = readOperation(context.runner)
    const inputs = readInputs(context.runner, context.env)
    // A batch would open its journal first, and a dry run never gets to the network.
    if (inputs.task !== 'merge' && !inputs.destination.sandbox) readProxies(context.env)
    return { ...subject, ...(await runTask(inputs, context)) }
  } catch (error) {
    return { ...subject, failure: toFailure(error) }
  }
}

function runTask(inputs: Inputs, context: StepContext): Promise<StepReport> {
  switch (inputs.task) {
    case 'request':
      return runRequestTask(inputs, context)
    case 'batch':
      return runBatchTask(inputs, context)
    case 'merge':
      return runMergeTask(inputs, context)
  }
}
