// The whole story of a step: read the inputs, build the request, deliver it, report.

import { isDebug, setSecret } from '@actions/core'
import type { TokenStore } from './credentials/complete-rotation.ts'
import type { DeliveryOptions, Endpoint } from './delivery/deliver.ts'
import { parseBody } from './delivery/response.ts'
import type { Wait } from './delivery/wait-for.ts'
import { type Diagnostic, Failure } from './failure.ts'
import { openNetwork, proxyPasswords } from './http/transport.ts'
import {
  type BatchStepInputs,
  type Destination,
  type MergeInputs,
  type RequestInputs,
  readInputs,
  readSecrets,
  wantsSummary,
} from './inputs/read.ts'
import type { Operation } from './operations/catalogue.ts'
import { droppedSecretsWarning } from './operations/dropped-secrets.ts'
import { invoiceIds, issuedTokens, outcomeOf } from './operations/outcome.ts'
import { buildRequest, loadShape, type MarketplaceRequest, requestPath } from './operations/request.ts'
import { startCheck } from './payload/check.ts'
import { loadPayload } from './payload/load.ts'
import { type Log, openLog } from './report/log.ts'
import { writeOutputs } from './report/outputs.ts'
import { publish, type Step } from './report/publish.ts'
import type { Clock } from './runtime.ts'
import { Secrets } from './secrets.ts'

/** What a step runs in. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly random: () => number
  /** Aborted when the step is cancelled. */
  readonly signal: AbortSignal
}

/** How long an exchange may go on after the step was cancelled: most answers are not far. */
const graceMs = 1000
/** The same for a batch, which has many of them: the runner kills after ten seconds. */
const batchGraceMs = 5000

/** Runs one step. @returns the exit code */
export async function main(surroundings: Surroundings): Promise<0 | 1> {
  const { monotonic: clock } = surroundings.clock
  const secrets = new Secrets(setSecret)
  secrets.add([...readSecrets(), ...proxyPasswords(surroundings.env)])
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
  switch (inputs.task) {
    case 'request':
      return request(inputs, step, house)
    case 'batch':
      return batch(inputs, step, house)
    case 'merge':
      return merge(inputs, step, house)
  }
}

async function request(inputs: RequestInputs, step: Step, house: House): Promise<void> {
  const { operation, destination, dryRun } = inputs
  step.sandbox = destination.sandbox
  step.dryRun = dryRun
  const request = await prepare(inputs, step, house)
  step.request = request
  const replacement = droppedSecretsWarning(request)
  if (replacement) house.log.info(replacement)
  if (dryRun) {
    house.log.info(
      `${operation.method} ${requestPath(request)} would be sent with ${JSON.stringify(request.redacted() ?? null)}`,
    )
    step.outcome = { status: 'validated' }
    return
  }

  const store = inputs.store && (await openKeeper(inputs.store, inputs, house))
  const endpoint = { ...(await open(destination, house)), token: inputs.token }
  try {
    await send(request, inputs, { endpoint, store }, step, house)
  } finally {
    endpoint.transport.close()
  }
}

async function batch(inputs: BatchStepInputs, step: Step, house: House): Promise<void> {
  const { operation, destination, dryRun, concurrency } = inputs
  step.sandbox = destination.sandbox
  step.dryRun = dryRun
  deprecate(operation, step)
  const { runBatch } = await import('./batch/run.ts')
  const batchHouse = {
    ...house,
    workspace: workspaceOf(house),
    hidden: proxyPasswords(house.env),
    abort: delayed(house.signal, batchGraceMs),
    warn(findings: readonly Diagnostic[]) {
      step.warnings.push(...findings)
      if (step.warnings.length > 0) house.log.warn(step.warnings, operation.sdkName)
    },
    debug: isDebug() ? house.log.debug : undefined,
    open: () => open(destination, house, concurrency),
  }
  const api = destination.sandbox ? 'sandbox' : new URL(destination.baseUrl).hostname
  await runBatch({ ...inputs, api }, batchHouse, (report) => {
    step.batch = report
  })
  step.outcome = { status: dryRun ? 'validated' : 'succeeded' }
}

async function merge({ journals }: MergeInputs, step: Step, house: House): Promise<void> {
  const { mergeJournals } = await import('./batch/journal/merge.ts')
  const { report, failure } = mergeJournals(journals, workspaceOf(house))
  step.batch = report
  if (failure) throw failure
  step.outcome = { status: 'succeeded' }
}

/** Delivers the request, and waits for what is to come of it. */
async function send(
  request: MarketplaceRequest,
  inputs: RequestInputs,
  { endpoint, store }: { readonly endpoint: Endpoint; readonly store: TokenStore | undefined },
  step: Step,
  house: House,
): Promise<void> {
  const { log, clock, random, signal } = house
  const abort = delayed(signal, graceMs)
  const options = { request, endpoint, limits: inputs.limits, log, clock, random, signal, abort }
  const { deliverAndReconcile: settle } = await import('./delivery/reconcile.ts')
  const reconciled = await settle(options, inputs.onDuplicate)
  step.delivery = reconciled
  if (reconciled.failure) throw reconciled.failure

  const { response, duplicate, unreadable } = reconciled
  if (unreadable) {
    const message = `Vercel accepted the request, but @vercel/sdk cannot read its response: ${unreadable}`
    warn(step, house, `${message}. \`result\` holds it as it came`)
  }
  if (response?.tooLong) {
    warn(
      step,
      house,
      'Vercel accepted the request, but its response is longer than 10 MiB and was not read: `result` is null',
    )
  }
  step.outcome = duplicate
    ? { ...invoiceIds(request), status: 'duplicate' }
    : outcomeOf(request, response && parseBody(response))
  // Before anything else can print them.
  house.secrets.add(issuedTokens(step.outcome))
  if (inputs.wait) await wait(inputs.wait, options, step, house)
  if (store) {
    const { completeRotation: succeed } = await import('./credentials/complete-rotation.ts')
    const revokesPrevious = inputs.store?.revokesPrevious ?? false
    step.succession = await succeed({
      rotation: options,
      token: step.outcome.accessToken,
      store,
      revokesPrevious,
    })
  }
}

/** Where the new token is kept. It is within reach, or the rotation does not begin. */
async function openKeeper(
  store: NonNullable<RequestInputs['store']>,
  inputs: RequestInputs,
  house: House,
): Promise<TokenStore> {
  if (inputs.destination.sandbox) {
    // A token of the sandbox in the place of a real one would be a harm that nobody expects of a trial.
    const place = `the secret ${store.name} (in the sandbox nothing is stored)`
    return { label: place, recoveryHint: '', save: async () => {} }
  }
  const { openSecret } = await import('./credentials/github-secret.ts')
  const { limits } = inputs
  const abort = delayed(house.signal, graceMs)
  const transport = openNetwork({ env: house.env })
  const secret = openSecret({ ...house, transport, place: store, token: store.githubToken, limits, abort })
  await secret.verifyAccess()
  return secret
}

async function wait(wait: Wait, options: DeliveryOptions, step: Step, house: House): Promise<void> {
  const { request } = options
  const { invoiceId, status } = step.outcome ?? {}
  if (invoiceId === undefined) {
    return warn(
      step,
      house,
      `There is nothing to wait for: an invoice that is ${status} has no id in Vercel's response`,
    )
  }
  // What getInvoice has just read is the first poll.
  const first = request.operation.name === 'getInvoice' ? step.delivery?.response : undefined
  const params = { ...request.params, invoiceId }
  const { waitFor } = await import('./delivery/wait-for.ts')
  step.polled = await waitFor({ ...options, request: { ...request, params } }, wait, first)
  step.outcome = { ...step.outcome, status: String((parseBody(step.polled) as { state: unknown }).state) }
}

/** From the step's inputs to a request that is known to be right. */
async function prepare(inputs: RequestInputs, step: Step, house: House): Promise<MarketplaceRequest> {
  const { env, clock, secrets, log } = house
  const { operation, parameters } = inputs
  const workspace = workspaceOf(house)
  const payload = await loadPayload({ text: inputs.payload, file: inputs.payloadFile, workspace })
  if (payload.errors.length > 0)
    throw new Failure('invalid_payload', 'The payload cannot be read', { findings: payload.errors })

  const check = startCheck(env, workspace, clock.now())
  const request = buildRequest(await loadShape(operation), payload.value, parameters, check)
  secrets.add(check.secrets)
  step.warnings.push(...payload.warnings, ...check.warnings.map(payload.place))
  deprecate(operation, step)
  if (step.warnings.length > 0) log.warn(step.warnings, operation.sdkName)
  if (!request) {
    throw new Failure('invalid_payload', 'The payload is not right, and nothing was sent', {
      findings: check.errors.map(payload.place),
    })
  }
  return operation.name === 'submitInvoice' ? keyed(request, inputs.externalId, log) : request
}

/** An invoice with the key that the step wants for it, which is told before anything is sent. */
async function keyed(request: MarketplaceRequest, wanted: string, log: Log): Promise<MarketplaceRequest> {
  const { keyProblem, withKey } = await import('./delivery/idempotency-key.ts')
  const message = keyProblem(request, wanted)
  if (message) throw new Failure('invalid_input', message, { findings: [{ message }] })
  const keyed = withKey(request, wanted)
  const externalId = keyed.request.body?.externalId
  if (externalId === undefined) return request
  log.info(`externalId ${externalId}${keyed.derived ? ", derived from the invoice's content" : ''}`)
  writeOutputs({ externalId: String(externalId) })
  return keyed.request
}

/** @param sockets  how many connections may be open at once */
async function open(
  destination: Destination,
  { env, clock }: House,
  sockets?: number,
): Promise<Omit<Endpoint, 'token'>> {
  if (!destination.sandbox)
    return { transport: openNetwork({ env, ...(sockets && { sockets }) }), baseUrl: destination.baseUrl }
  const { openSandbox, sandboxUrl } = await import('./sandbox/transport.ts')
  return { transport: openSandbox({ env, now: clock.now }), baseUrl: sandboxUrl }
}

const workspaceOf = ({ env }: House): string => env.GITHUB_WORKSPACE || process.cwd()

function deprecate({ sdkName, successor }: Operation, step: Step): void {
  if (successor) step.warnings.push({ message: `${sdkName} is deprecated: use ${successor}` })
}

/** A signal that follows another one some time later. */
function delayed(signal: AbortSignal, ms: number): AbortSignal {
  const later = new AbortController()
  signal.addEventListener('abort', () => void setTimeout(() => later.abort(), ms).unref(), { once: true })
  return later.signal
}

function warn(step: Step, { log }: House, message: string): void {
  step.warnings.push({ message })
  log.warn([{ message }], step.name ?? '')
}

const unexpected = (cause: unknown) =>
  new Failure('internal_error', `The action itself failed: ${cause instanceof Error ? cause.message : String(cause)}`, {
    hint: 'Please report this; with debug logging (ACTIONS_STEP_DEBUG) the log shows where',
    cause,
  })
