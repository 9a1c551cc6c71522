// The task of one request: build it from the payload, deliver it, and follow its result up.

import type { RotationResult, TokenStore } from '../credentials/complete-rotation.ts'
import { gitHubApiUrl } from '../credentials/github-api-url.ts'
import type { DeliveryOptions } from '../delivery/deliver.ts'
import type { Reconciled } from '../delivery/reconcile.ts'
import { parseBody } from '../delivery/response.ts'
import { type Diagnostic, Failure, toFailure } from '../failure.ts'
import type { HttpResponse, Transport } from '../http/transport.ts'
import type { RequestInputs } from '../inputs/read.ts'
import { droppedSecretsWarning } from '../operations/dropped-secrets.ts'
import { invoiceIds, issuedTokens, outcomeOf, type RequestOutcome } from '../operations/outcome.ts'
import { buildRequest, type MarketplaceRequest, requestPath, requestShape } from '../operations/request.ts'
import { startCheck } from '../payload/check.ts'
import { loadPayload } from '../payload/load.ts'
import { writeOutputs } from '../report/outputs.ts'
import type { StepReport } from '../report/step-report.ts'
import { delayedSignal, deprecationOf, openEndpoint, type StepContext } from './context.ts'

/** How long an exchange may go on after the step was cancelled: most responses are about to arrive. */
const requestGraceMs = 1000

export async function runRequestTask(inputs: RequestInputs, context: StepContext): Promise<StepReport> {
  const { operation, destination, dryRun } = inputs
  const { log } = context
  const prepared = await prepare(inputs, context)
  const report = { ...prepared, sandbox: destination.sandbox, dryRun }
  const { request } = prepared
  if (!request) return report
  const dropped = droppedSecretsWarning(request)
  if (dropped) log.info(dropped)
  if (dryRun) {
    const shown = JSON.stringify(request.redacted() ?? null)
    log.info(`${operation.method} ${requestPath(request)} would be sent with ${shown}`)
    return { ...report, outcome: { status: 'validated' } }
  }
  const sent = await send(request, inputs, context)
  return { ...report, ...sent, warnings: [...prepared.warnings, ...(sent.warnings ?? [])] }
}

interface Prepared {
  readonly request?: MarketplaceRequest
  readonly warnings: readonly Diagnostic[]
  readonly failure?: Failure
}

/** Builds the request from the step's payload and parameters. */
async function prepare(inputs: RequestInputs, context: StepContext): Promise<Prepared> {
  const { env, workspace, clock, secrets, log } = context
  const { operation, parameters } = inputs
  const payload = await loadPayload({ text: inputs.payload, file: inputs.payloadFile, workspace })
  if (payload.errors.length > 0) {
    return { warnings: [], failure: invalidPayload('The payload cannot be read', payload.errors) }
  }
  const check = startCheck(env, workspace, clock.now())
  const request = buildRequest(requestShape(operation), payload.value, parameters, check)
  secrets.add(check.secrets)
  const warnings = [...payload.warnings, ...check.warnings.map(payload.place), ...deprecationOf(operation)]
  if (warnings.length > 0) log.warn(warnings, operation.sdkName)
  if (!request) {
    return {
      warnings,
      failure: invalidPayload('The payload contains errors, and nothing was sent', check.errors.map(payload.place)),
    }
  }
  if (operation.retry !== 'idempotency-key') return { request, warnings }
  return { warnings, ...(await withIdempotencyKey(request, inputs.externalId, context)) }
}

const invalidPayload = (message: string, diagnostics: readonly Diagnostic[]) =>
  new Failure('invalid_payload', message, { diagnostics })

/** An invoice with its `externalId`, which is logged and set as an output before anything is sent. */
async function withIdempotencyKey(
  request: MarketplaceRequest,
  wanted: string,
  { log, runner }: StepContext,
): Promise<{ readonly request: MarketplaceRequest } | { readonly failure: Failure }> {
  const { keyProblem, withKey } = await import('../delivery/idempotency-key.ts')
  const message = keyProblem(request, wanted)
  if (message) return { failure: new Failure('invalid_input', message, { diagnostics: [{ message }] }) }
  const keyed = withKey(request, wanted)
  const externalId = keyed.request.body?.externalId
  if (externalId === undefined) return { request }
  log.info(`externalId ${externalId}${keyed.derived ? ", derived from the invoice's content" : ''}`)
  writeOutputs(runner, { externalId: String(externalId) })
  return { request: keyed.request }
}

type Sent = Pick<StepReport, 'delivery' | 'outcome' | 'polled' | 'rotation' | 'warnings' | 'failure'>

/** Delivers the request, and follows its result up. */
async function send(request: MarketplaceRequest, inputs: RequestInputs, context: StepContext): Promise<Sent> {
  const { log, clock, random, signal, secrets } = context
  let close = () => {}
  let delivery: Reconciled | undefined
  try {
    const endpoint = await openEndpoint(inputs.destination, context)
    close = endpoint.transport.close
    const store = inputs.store && (await openTokenStore(inputs.store, endpoint.transport, inputs, context))
    const options: DeliveryOptions = {
      request,
      endpoint: { ...endpoint, token: inputs.token },
      limits: inputs.limits,
      log,
      clock,
      random,
      signal,
      abort: delayedSignal(signal, requestGraceMs),
    }
    const { deliverAndReconcile } = await import('../delivery/reconcile.ts')
    delivery = await deliverAndReconcile(options, inputs.onDuplicate)
    if (delivery.failure) return { delivery, failure: delivery.failure }

    const outcome = delivery.duplicate
      ? { ...invoiceIds(request), status: 'duplicate' }
      : outcomeOf(request, delivery.response && parseBody(delivery.response))
    // Before anything else can print them.
    secrets.add(issuedTokens(outcome))
    const unread = unreadResponse(delivery)
    if (unread.length > 0) log.warn(unread, request.operation.sdkName)
    const followed = await followUp({ delivery, outcome, store }, options, inputs, context)
    return { delivery, outcome, ...followed, warnings: [...unread, ...(followed.warnings ?? [])] }
  } catch (error) {
    return { ...(delivery && { delivery }), failure: toFailure(error) }
  } finally {
    close()
  }
}

/** Warnings about a 2xx response that could not be read. */
function unreadResponse({ unreadable, response }: Reconciled): Diagnostic[] {
  const warnings: Diagnostic[] = []
  if (unreadable) {
    const message = `Vercel accepted the request, but @vercel/sdk cannot read its answer: ${unreadable}. \`result\` holds it as it came`
    warnings.push({ message })
  }
  if (response?.tooLong) {
    const message =
      'Vercel accepted the request, but its answer is longer than 10 MiB and was not read: `result` is null'
    warnings.push({ message })
  }
  return warnings
}

interface Accepted {
  readonly delivery: Reconciled
  readonly outcome: RequestOutcome
  readonly store: TokenStore | undefined
}

/** Waits for the invoice's state, and puts a new token into use. */
async function followUp(
  { delivery, outcome, store }: Accepted,
  options: DeliveryOptions,
  inputs: RequestInputs,
  { log }: StepContext,
): Promise<Sent> {
  let polled: HttpResponse | undefined
  let current = outcome
  let rotation: RotationResult | undefined
  try {
    const { invoiceId } = outcome
    if (inputs.wait && invoiceId === undefined) {
      const message = `There is nothing to wait for: an invoice that is ${outcome.status} has no id in Vercel's answer`
      log.warn([{ message }], options.request.operation.sdkName)
      return { warnings: [{ message }] }
    }
    if (inputs.wait && invoiceId !== undefined) {
      const { waitFor } = await import('../delivery/wait-for.ts')
      const params = { ...options.request.params, invoiceId }
      // The invoice that getInvoice has just read is the first poll.
      const first = options.request.operation.returnsInvoice ? delivery.response : undefined
      polled = await waitFor({ ...options, request: { ...options.request, params } }, inputs.wait, first)
      current = { ...outcome, status: String((parseBody(polled) as { state: unknown }).state) }
    }
    if (store) {
      const { completeRotation } = await import('../credentials/complete-rotation.ts')
      const revokesPrevious = inputs.store?.revokesPrevious ?? false
      rotation = await completeRotation({ rotation: options, token: outcome.accessToken, store, revokesPrevious })
    }
    return { outcome: current, ...(polled && { polled }), ...(rotation && { rotation }) }
  } catch (error) {
    return { outcome: current, ...(polled && { polled }), failure: toFailure(error) }
  }
}

/** Where the new token is stored. It must be accessible, or the rotation does not begin. */
async function openTokenStore(
  store: NonNullable<RequestInputs['store']>,
  transport: Transport,
  { destination, limits }: RequestInputs,
  { env, clock, random, signal, log }: StepContext,
): Promise<TokenStore> {
  if (destination.sandbox) {
    // A token of the sandbox in place of a real one would do harm that nobody expects of a trial.
    const label = `the secret ${store.name} (in the sandbox nothing is stored)`
    return { label, recoveryHint: '', save: async () => {} }
  }
  // Before the import: @actions/github reads the same variable as it is loaded, and fails if it is not a URL.
  const apiUrl = gitHubApiUrl(env)
  const { openSecret } = await import('../credentials/github-secret.ts')
  const secret = openSecret({
    place: store,
    token: store.githubToken,
    apiUrl,
    transport,
    limits,
    clock,
    random,
    signal,
    abort: delayedSignal(signal, requestGraceMs),
    log,
  })
  await secret.verifyAccess()
  return secret
}
