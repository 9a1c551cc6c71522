// Runs a single request: builds it from the payload, delivers it, and follows up on its result.

import type { RotationResult, TokenStore } from '../credentials/complete-rotation.ts'
import type { DeliveryOptions } from '../delivery/deliver.ts'
import type { Reconciled } from '../delivery/reconcile.ts'
import { parseBody } from '../delivery/response.ts'
import { type Diagnostic, Failure, toFailure } from '../failure.ts'
import { type HttpResponse, openNetwork } from '../http/transport.ts'
import type { RequestInputs } from '../inputs/read.ts'
import { droppedSecretsWarning } from '../operations/dropped-secrets.ts'
import { invoiceIds, issuedTokens, outcomeOf, type RequestOutcome } from '../operations/outcome.ts'
import { buildRequest, type MarketplaceRequest, requestPath, requestShape } from '../operations/request.ts'
import { startCheck } from '../payload/check.ts'
import { loadPayload } from '../payload/load.ts'
import { writeOutputs } from '../report/outputs.ts'
import type { StepReport } from '../report/step-report.ts'
import { delayedSignal, deprecationWarnings, openEndpoint, type StepContext } from './context.ts'

/** How long a request in flight may continue after a cancellation, because most responses arrive soon. */
const requestGraceMs = 1000

/**
 * Runs a single request, or only checks it in a dry run.
 *
 * @returns the report, with the failure if there is one
 * @throws {Error} if the externalId output cannot be written; nothing was sent then
 */
export async function runRequestTask(inputs: RequestInputs, context: StepContext): Promise<StepReport> {
  const { operation, destination, dryRun } = inputs
  const { log } = context
  const prepared = await prepareRequest(inputs, context)
  const { request, warnings, failure } = prepared
  const report: StepReport = {
    ...(request && { request }),
    warnings,
    ...(failure && { failure }),
    sandbox: destination.sandbox,
    dryRun,
  }
  if (!request) return report
  const droppedSecrets = droppedSecretsWarning(request)
  if (droppedSecrets) log.info(droppedSecrets)
  if (dryRun) {
    const redactedBody = JSON.stringify(request.redacted() ?? null)
    log.info(`${operation.method} ${requestPath(request)} would be sent with ${redactedBody}`)
    return { ...report, outcome: { status: 'validated' } }
  }
  const result = await sendRequest(request, inputs, context)
  return { ...report, ...result, warnings: [...warnings, ...(result.warnings ?? [])] }
}

/** A request that can be sent, or the failure that says why there is none. */
interface PreparedRequest {
  readonly request?: MarketplaceRequest
  readonly warnings: readonly Diagnostic[]
  readonly failure?: Failure
}

/** Builds the request from the step's payload and path parameters. */
async function prepareRequest(inputs: RequestInputs, context: StepContext): Promise<PreparedRequest> {
  const { env, workspace, clock, secrets, log } = context
  const { operation, parameters } = inputs
  const payload = await loadPayload({ text: inputs.payload, file: inputs.payloadFile, workspace })
  if (payload.errors.length > 0) {
    return { warnings: [], failure: invalidPayload('The payload cannot be read', payload.errors) }
  }
  const check = startCheck(env, workspace, clock.now())
  const request = buildRequest(requestShape(operation), payload.value, parameters, check)
  secrets.add(check.secrets)
  const warnings = [...payload.warnings, ...check.warnings.map(payload.place), ...deprecationWarnings(operation)]
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

/**
 * An invoice with its `externalId`, which is logged and set as an output before anything is sent.
 *
 * @param externalId  the input `external-id`
 */
async function withIdempotencyKey(
  request: MarketplaceRequest,
  externalId: string,
  { log, runner }: StepContext,
): Promise<{ readonly request: MarketplaceRequest } | { readonly failure: Failure }> {
  const { keyProblem, withKey } = await import('../delivery/idempotency-key.ts')
  const message = keyProblem(request, externalId)
  if (message) return { failure: new Failure('invalid_input', message, { diagnostics: [{ message }] }) }
  const keyed = withKey(request, externalId)
  const key = keyed.request.body?.externalId
  if (key === undefined) return { request }
  log.info(`externalId ${key}${keyed.derived ? ", derived from the invoice's content" : ''}`)
  writeOutputs(runner, { externalId: String(key) })
  return { request: keyed.request }
}

type RequestResult = Pick<StepReport, 'delivery' | 'outcome' | 'polled' | 'rotation' | 'warnings' | 'failure'>

/** Delivers the request, and follows up on its result. It does not throw: the result has the failure. */
async function sendRequest(
  request: MarketplaceRequest,
  inputs: RequestInputs,
  context: StepContext,
): Promise<RequestResult> {
  const { log, clock, random, signal, secrets } = context
  let close = () => {}
  let delivery: Reconciled | undefined
  try {
    const store = inputs.store && (await openTokenStore(inputs.store, inputs, context))
    const { baseUrl, transport } = await openEndpoint(inputs.destination, context)
    close = transport.close
    const options: DeliveryOptions = {
      request,
      endpoint: { baseUrl, transport, token: inputs.token },
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
    // Masks new tokens before anything can print them.
    secrets.add(issuedTokens(outcome))
    const warnings = responseWarnings(delivery)
    if (warnings.length > 0) log.warn(warnings, request.operation.sdkName)
    const followUp = await followUpOn({ delivery, outcome, store }, options, inputs, context)
    return { delivery, ...followUp, warnings: [...warnings, ...(followUp.warnings ?? [])] }
  } catch (error) {
    return { ...(delivery && { delivery }), failure: toFailure(error) }
  } finally {
    close()
  }
}

/** Warnings about a 2xx response that could not be read. */
function responseWarnings({ unreadable, response }: Reconciled): Diagnostic[] {
  const warnings: Diagnostic[] = []
  if (unreadable) {
    const message = `Vercel accepted the request, but @vercel/sdk cannot read the response: ${unreadable}. \`result\` contains the response body as received`
    warnings.push({ message })
  }
  if (response?.tooLong) {
    const message =
      'Vercel accepted the request, but the response is longer than 10 MiB and was not read: `result` is null'
    warnings.push({ message })
  }
  return warnings
}

interface AcceptedRequest {
  readonly delivery: Reconciled
  readonly outcome: RequestOutcome
  readonly store: TokenStore | undefined
}

/** Waits for the invoice's state, and puts a new token into use. It does not throw: the result has the failure. */
async function followUpOn(
  { delivery, outcome, store }: AcceptedRequest,
  options: DeliveryOptions,
  inputs: RequestInputs,
  { log }: StepContext,
): Promise<RequestResult> {
  let polled: HttpResponse | undefined
  let latestOutcome = outcome
  let rotation: RotationResult | undefined
  try {
    const { invoiceId } = outcome
    if (inputs.wait && invoiceId === undefined) {
      const message =
        outcome.status === 'duplicate'
          ? 'Cannot wait: Vercel does not return the id of an existing invoice. Use getInvoice with its invoiceId'
          : "Cannot wait: Vercel's response contains no invoice id. Use getInvoice with the invoiceId"
      log.warn([{ message }], options.request.operation.sdkName)
      return { outcome, warnings: [{ message }] }
    }
    if (inputs.wait && invoiceId !== undefined) {
      const { waitFor } = await import('../delivery/wait-for.ts')
      const params = { ...options.request.params, invoiceId }
      // The response of getInvoice counts as the first poll.
      const first = options.request.operation.returnsInvoice ? delivery.response : undefined
      polled = await waitFor({ ...options, request: { ...options.request, params } }, inputs.wait, first)
      latestOutcome = { ...outcome, status: String((parseBody(polled) as { state: unknown }).state) }
    }
    if (store) {
      const { completeRotation } = await import('../credentials/complete-rotation.ts')
      const revokesPrevious = inputs.store?.revokesPrevious ?? false
      rotation = await completeRotation({ rotation: options, token: outcome.accessToken, store, revokesPrevious })
    }
    return { outcome: latestOutcome, ...(polled && { polled }), ...(rotation && { rotation }) }
  } catch (error) {
    return { outcome: latestOutcome, ...(polled && { polled }), failure: toFailure(error) }
  }
}

/**
 * Opens the store for the new token.
 *
 * @throws {Failure} if it is not accessible, so that the rotation does not begin
 */
async function openTokenStore(
  store: NonNullable<RequestInputs['store']>,
  { destination, limits }: RequestInputs,
  { env, clock, random, signal, log }: StepContext,
): Promise<TokenStore> {
  if (destination.sandbox) {
    // A token of the sandbox must not replace a real one.
    const label = `the secret ${store.name} (in the sandbox nothing is stored)`
    return { label, recoveryHint: '', save: async () => {} }
  }
  const { openSecret } = await import('../credentials/github-secret.ts')
  const secret = openSecret({
    place: {
      name: store.name,
      repository: store.repository,
      environment: store.environment,
      organization: store.organization,
    },
    token: store.githubToken,
    transport: openNetwork({ env }),
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
