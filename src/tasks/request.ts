// Runs a single request: builds it from the payload, delivers it, and follows up on its result.

import type { RotationResult, TokenStore } from '../credentials/complete-rotation.ts'
import { gitHubApiUrl } from '../credentials/github-api-url.ts'
import type { DeliveryOptions, Reconciled } from '../delivery/deliver.ts'
import { parseBody } from '../delivery/response.ts'
import { toFailure } from '../failure.ts'
import type { HttpResponse, Transport } from '../http/transport.ts'
import type { RequestInputs } from '../inputs/read.ts'
import { droppedSecretsWarning } from '../operations/dropped-secrets.ts'
import { issuedTexts } from '../operations/issued-fields.ts'
import { invoiceIds, issuedTokens, outcomeOf, type RequestOutcome } from '../operations/outcome.ts'
import { type MarketplaceRequest, requestPath } from '../operations/request.ts'
import type { StepReport } from '../report/step-report.ts'
import { delayedSignal, openEndpoint, type StepContext } from './context.ts'
import { prepareRequest } from './prepare-request.ts'
import { cannotWait, duplicateWarnings, knownWhileWaiting, responseWarnings } from './response-messages.ts'

/** How long a request in flight may continue after a cancellation, because most responses arrive soon. */
const requestGraceMs = 1000

/**
 * Runs a single request, or only checks it in a dry run.
 *
 * @returns the report, with the failure if there is one
 */
export async function runRequestTask(inputs: RequestInputs, context: StepContext): Promise<StepReport> {
  const { operation, destination, dryRun } = inputs
  const { log } = context
  const prepared = await prepareRequest(inputs, context)
  const { request, hasChosenKey = false, digest, amount, warnings, failure } = prepared
  const report: StepReport = {
    ...(request && { request }),
    ...(digest !== undefined && { digest }),
    ...(amount !== undefined && { amount }),
    warnings,
    ...(failure && { failure }),
    sandbox: destination.sandbox,
    dryRun,
  }
  if (!request || failure) return report
  const droppedSecrets = droppedSecretsWarning(request)
  if (droppedSecrets) log.info(droppedSecrets)
  if (dryRun) {
    const redactedBody = JSON.stringify(request.redacted() ?? null)
    const api = destination.sandbox ? '' : destination.baseUrl.replace(/\/+$/, '')
    const to = destination.sandbox ? ' to the sandbox' : ''
    log.info(`${operation.method} ${api}${requestPath(request)} would be sent${to} with ${redactedBody}`)
    log.info(`digest ${digest}: to send exactly this, set expect-digest`)
    return { ...report, outcome: { status: 'validated' } }
  }
  const result = await sendRequest({ request, hasChosenKey }, inputs, context)
  return { ...report, ...result, warnings: [...warnings, ...(result.warnings ?? [])] }
}

type RequestResult = Pick<StepReport, 'delivery' | 'outcome' | 'polled' | 'rotation' | 'warnings' | 'failure'>

/**
 * Delivers the request, and follows up on its result. It does not throw: the result has the failure.
 *
 * @param hasChosenKey  whether the `externalId` was chosen, and not derived from the content
 */
async function sendRequest(
  { request, hasChosenKey }: { readonly request: MarketplaceRequest; readonly hasChosenKey: boolean },
  inputs: RequestInputs,
  context: StepContext,
): Promise<RequestResult> {
  const { log, clock, random, signal, secrets } = context
  let close = () => {}
  let delivery: Reconciled | undefined
  try {
    const { baseUrl, transport } = await openEndpoint(inputs.destination, context)
    close = transport.close
    const store = inputs.store && (await openTokenStore(inputs.store, transport, inputs, context))
    const options: DeliveryOptions = {
      request,
      endpoint: { baseUrl, transport, token: inputs.token },
      limits: inputs.limits,
      log,
      clock,
      random,
      signal,
      abort: delayedSignal(signal, requestGraceMs),
      failsOnWarning: inputs.failsOnWarning,
    }
    const { deliverAndReconcile } = await import('../delivery/reconcile.ts')
    delivery = await deliverAndReconcile(options, inputs.onDuplicate)
    if (delivery.failure) return { delivery, failure: delivery.failure }

    const { response } = delivery
    const body = response && parseBody(response)
    const outcome = delivery.duplicate ? { ...invoiceIds(request), status: 'duplicate' } : outcomeOf(request, body)
    // Masks new tokens before anything can print them.
    secrets.add([
      ...issuedTokens(outcome),
      ...(response ? issuedTexts({ operation: request.operation, status: response.status, value: body }) : []),
    ])
    const warnings = [
      ...responseWarnings(delivery, { request, outcome }),
      ...(hasChosenKey ? duplicateWarnings(delivery) : []),
    ]
    if (warnings.length > 0) log.warn(warnings, request.operation.sdkName)
    const followUp = await followUpOn({ delivery, outcome, store }, options, inputs)
    return { delivery, ...followUp, warnings: [...warnings, ...(followUp.warnings ?? [])] }
  } catch (error) {
    const failure = toFailure(error)
    if (!delivery) return { failure }
    return { delivery, failure: failure.with({ message: `Vercel accepted the request. ${failure.message}` }) }
  } finally {
    close()
  }
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
): Promise<RequestResult> {
  let polled: HttpResponse | undefined
  let latestOutcome = outcome
  let rotation: RotationResult | undefined
  try {
    const { invoiceId } = outcome
    const { operation } = options.request
    if (inputs.wait && invoiceId === undefined) {
      throw cannotWait(delivery)
    }
    if (inputs.wait && invoiceId !== undefined) {
      const { waitFor } = await import('../delivery/wait-for.ts')
      const params = { ...options.request.params, invoiceId }
      // The response of getInvoice counts as the first poll.
      const first = operation.returnsInvoice ? delivery.response : undefined
      const onRead = (response: HttpResponse) => {
        polled = response
      }
      polled = await waitFor({ ...options, request: { ...options.request, params } }, inputs.wait, {
        first,
        onRead,
        known: knownWhileWaiting(options.request, delivery),
      })
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
  transport: Transport,
  { destination, limits }: RequestInputs,
  { env, clock, random, signal, log }: StepContext,
): Promise<TokenStore> {
  if (destination.sandbox) {
    // A token of the sandbox must not replace a real one.
    const label = `the secret ${store.name} (in the sandbox nothing is stored)`
    return { label, recoveryHint: '', save: async () => {} }
  }
  // Before the import: @actions/github reads the same variable as it is loaded, and fails if it is not a URL.
  const apiUrl = gitHubApiUrl(env)
  const { openSecret } = await import('../credentials/github-secret.ts')
  const secret = openSecret({
    place: {
      name: store.name,
      repository: store.repository,
      environment: store.environment,
      organization: store.organization,
    },
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
