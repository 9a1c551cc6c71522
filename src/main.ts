// The whole story of a step: read the inputs, build the request, deliver it, report.

import { resultOf } from './delivery/answer.ts'
import type { DeliveryOptions, Route } from './delivery/deliver.ts'
import type { Time } from './delivery/time.ts'
import { openNetwork } from './delivery/transport.ts'
import type { Wait } from './delivery/wait-for.ts'
import { Failure } from './failure.ts'
import { type Destination, type Inputs, readInputs, readSecrets, wantsSummary } from './inputs.ts'
import { outcomeOf, subjectOf } from './operations/outcome.ts'
import { buildRequest, loadShape, type MarketplaceRequest, requestPath } from './operations/request.ts'
import type { Check } from './payload/check.ts'
import { readTextFile } from './payload/file.ts'
import { loadPayload } from './payload/load.ts'
import { type Log, openLog } from './report/log.ts'
import { writeOutputs } from './report/outputs.ts'
import { publish, type Step } from './report/publish.ts'
import { Secrets } from './report/secrets.ts'

/** What a step runs in. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  readonly time: Time
  readonly random: () => number
  /** Aborted when the step is cancelled. */
  readonly signal: AbortSignal
}

/** How long an exchange may go on after the step was cancelled: most answers are not far. */
const graceMs = 1000

/** Runs one step. @returns the exit code */
export async function main(surroundings: Surroundings): Promise<0 | 1> {
  const { clock } = surroundings.time
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

  const route = await open(destination, inputs.token, house)
  try {
    await send(request, inputs, route, step, house)
  } finally {
    route.transport.close()
  }
}

/** Delivers the request, and waits for what is to come of it. */
async function send(
  request: MarketplaceRequest,
  inputs: Inputs,
  route: Route,
  step: Step,
  house: House,
): Promise<void> {
  const { log, time, random, signal } = house
  const abort = delayed(signal, graceMs)
  const options = { request, route, limits: inputs.limits, log, time, random, signal, abort }
  const { settle } = await import('./delivery/settle.ts')
  const settlement = await settle(options, inputs.onDuplicate)
  step.delivery = settlement
  if (settlement.failure) throw settlement.failure

  const { answer, duplicate, unreadable } = settlement
  if (unreadable)
    warn(step, house, `Vercel accepted the request, but @vercel/sdk cannot read its answer: ${unreadable}`)
  if (answer?.tooLong) warn(step, house, 'The answer is longer than 10 MiB and was not read')
  step.outcome = duplicate
    ? { ...subjectOf(request), status: 'duplicate' }
    : outcomeOf(request, answer && resultOf(answer))
  if (inputs.wait) await wait(inputs.wait, options, step, house)
}

async function wait(wait: Wait, options: DeliveryOptions, step: Step, house: House): Promise<void> {
  const { request } = options
  const { invoiceId, status } = step.outcome ?? {}
  if (invoiceId === undefined) {
    return warn(step, house, `There is nothing to wait for: an invoice that is ${status} has no id in Vercel's answer`)
  }
  // What getInvoice has just read is the first poll.
  const first = request.operation.name === 'getInvoice' ? step.delivery?.answer : undefined
  const params = { ...request.params, invoiceId }
  const { waitFor } = await import('./delivery/wait-for.ts')
  step.polled = await waitFor({ ...options, request: { ...request, params } }, wait, first)
  step.outcome = { ...step.outcome, status: String((resultOf(step.polled) as { state: unknown }).state) }
}

/** From the step's inputs to a request that is known to be right. */
async function prepare(inputs: Inputs, step: Step, house: House): Promise<MarketplaceRequest> {
  const { env, time, secrets, log } = house
  const { operation, parameters } = inputs
  const workspace = env.GITHUB_WORKSPACE || process.cwd()
  const payload = await loadPayload({ text: inputs.payload, file: inputs.payloadFile, workspace })
  if (payload.errors.length > 0)
    throw new Failure('invalid_payload', 'The payload cannot be read', { findings: payload.errors })

  const check: Check = {
    env,
    readFile: (path) => readTextFile(workspace, path),
    now: time.now(),
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
  return operation.name === 'submitInvoice' ? keyed(request, inputs.externalId, log) : request
}

const derive = async (request: MarketplaceRequest) => (await import('./delivery/key.ts')).deriveExternalId(request)

/** An invoice with the key that the step wants for it, which is told before anything is sent. */
async function keyed(request: MarketplaceRequest, wanted: string, log: Log): Promise<MarketplaceRequest> {
  const own = request.body?.externalId
  if (own !== undefined && wanted !== 'auto' && wanted !== own) {
    const rule = wanted === 'none' ? 'is none, but the payload has one' : "differs from the payload's"
    const message = `input \`external-id\` ${rule}: take one of the two away`
    throw new Failure('invalid_input', message, { findings: [{ message }] })
  }
  if (own === undefined && wanted === 'none') return request
  const externalId = own ?? (wanted === 'auto' ? await derive(request) : wanted)
  log.info(
    `externalId ${externalId}${own === undefined && wanted === 'auto' ? ", derived from the invoice's content" : ''}`,
  )
  writeOutputs({ externalId: String(externalId) })
  const shown = { ...(request.shown as object), externalId }
  return { ...request, body: { ...request.body, externalId }, shown }
}

async function open(destination: Destination, token: string | undefined, { env, time }: House): Promise<Route> {
  if (!destination.sandbox) return { transport: openNetwork({ env }), baseUrl: destination.baseUrl, token }
  const { openSandbox, sandboxUrl } = await import('./sandbox/transport.ts')
  return { transport: openSandbox({ env, now: time.now }), baseUrl: sandboxUrl, token }
}

/** A signal that follows another one some time later. */
function delayed(signal: AbortSignal, ms: number): AbortSignal {
  const later = new AbortController()
  signal.addEventListener('abort', () => void setTimeout(() => later.abort(), ms).unref(), { once: true })
  return later.signal
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
