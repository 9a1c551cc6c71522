// The whole story of a step: read the inputs, build the request, deliver it, report.

import { resultOf } from './delivery/answer.ts'
import { deliver } from './delivery/deliver.ts'
import { openNetwork, type Transport } from './delivery/transport.ts'
import { Failure } from './failure.ts'
import { type Destination, type Inputs, readInputs, readSecrets, wantsSummary } from './inputs.ts'
import { outcomeOf } from './operations/outcome.ts'
import { buildRequest, loadShape, type MarketplaceRequest, requestPath } from './operations/request.ts'
import type { Check } from './payload/check.ts'
import { readTextFile } from './payload/file.ts'
import { loadPayload } from './payload/load.ts'
import { type Log, openLog } from './report/log.ts'
import { publish, type Step } from './report/publish.ts'
import { Secrets } from './report/secrets.ts'

/** What a step runs in. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  readonly now: () => Date
  /** Milliseconds from any start. */
  readonly clock: () => number
}

/** Runs one step. @returns the exit code */
export async function main(surroundings: Surroundings): Promise<0 | 1> {
  const { clock } = surroundings
  const secrets = new Secrets()
  secrets.add(readSecrets())
  const log = openLog(secrets)
  const step: Step = { warnings: [], sandbox: false, dryRun: false, startedAt: clock() }
  try {
    await run(step, { ...surroundings, secrets, log })
  } catch (error) {
    step.failure = error instanceof Failure ? error : unexpected(error)
  }
  return publish(step, { log, secrets, wantsSummary: wantsSummary(), clock })
}

interface House extends Surroundings {
  readonly secrets: Secrets
  readonly log: Log
}

async function run(step: Step, house: House): Promise<void> {
  const inputs = readInputs(step)
  const { operation, destination, dryRun } = inputs
  step.sandbox = destination.sandbox
  step.dryRun = dryRun
  const request = await prepare(inputs, step, house)
  step.request = request
  if (dryRun) {
    house.log.info(
      `${operation.method} ${requestPath(request)} would be sent with ${JSON.stringify(request.shown ?? null)}`,
    )
    step.outcome = { status: 'validated' }
    return
  }

  const { transport, baseUrl } = await open(destination, house)
  try {
    const { log, clock } = house
    const { token } = inputs
    step.delivery = await deliver({ request, baseUrl, token, transport, log, clock, attemptTimeoutMs: 30_000 })
  } finally {
    transport.close()
  }
  const { answer, failure, unreadable } = step.delivery
  if (failure) throw failure
  if (unreadable)
    warn(step, house, `Vercel accepted the request, but @vercel/sdk cannot read its answer: ${unreadable}`)
  step.outcome = outcomeOf(request, answer && resultOf(answer))
}

/** From the step's inputs to a request that is known to be right. */
async function prepare(inputs: Inputs, step: Step, { env, now, secrets, log }: House): Promise<MarketplaceRequest> {
  const { operation, parameters } = inputs
  const workspace = env.GITHUB_WORKSPACE || process.cwd()
  const payload = await loadPayload({ text: inputs.payload, file: inputs.payloadFile, workspace })
  if (payload.errors.length > 0)
    throw new Failure('invalid_payload', 'The payload cannot be read', { findings: payload.errors })

  const check: Check = {
    env,
    readFile: (path) => readTextFile(workspace, path),
    now: now(),
    errors: [],
    warnings: [],
    secrets: [],
  }
  const request = buildRequest(await loadShape(operation), payload.value, parameters, check)
  secrets.add(check.secrets)
  step.warnings.push(...payload.warnings, ...check.warnings.map(payload.place))
  if (operation.successor) {
    step.warnings.push({ message: `${operation.sdkName} is deprecated: use ${operation.successor}` })
  }
  if (step.warnings.length > 0) log.warn(step.warnings, operation.sdkName)
  if (!request) {
    throw new Failure('invalid_payload', 'The payload is not right, and nothing was sent', {
      findings: check.errors.map(payload.place),
    })
  }
  return request
}

async function open(destination: Destination, { env, now }: House): Promise<{ transport: Transport; baseUrl: string }> {
  if (!destination.sandbox) return { transport: openNetwork({ env }), baseUrl: destination.baseUrl }
  const { openSandbox, sandboxUrl } = await import('./sandbox/transport.ts')
  return { transport: openSandbox({ env, now }), baseUrl: sandboxUrl }
}

function warn(step: Step, { log }: House, message: string): void {
  step.warnings.push({ message })
  log.warn([{ message }], step.operation?.sdkName ?? '')
}

const unexpected = (cause: unknown) =>
  new Failure('internal_error', `The action itself failed: ${cause instanceof Error ? cause.message : String(cause)}`, {
    hint: 'Please report this; with debug logging (ACTIONS_STEP_DEBUG) the log shows where',
    cause,
  })
