// Runs a single request: builds it from the payload, delivers it, and follows up on its result.

import type { RotationResult, TokenStore } from '../credentials/complete-rotation.ts'
import { gitHubApiUrl } from '../credentials/github-api-url.ts'
import type { DeliveryOptions, Reconciled } from '../delivery/deliver.ts'
import { parseBody } from '../delivery/response.ts'
import { type Diagnostic, Failure, toFailure } from '../failure.ts'
import type { HttpResponse, Transport } from '../http/transport.ts'
import type { RequestInputs } from '../inputs/read.ts'
import { droppedSecretsWarning } from '../operations/dropped-secrets.ts'
import { issuedTexts } from '../operations/issued-fields.ts'
import { invoiceIds, issuedTokens, outcomeOf, type RequestOutcome } from '../operations/outcome.ts'
import { type MarketplaceRequest, requestPath } from '../operations/request.ts'
import type { StepReport } from '../report/step-report.ts'
import { delayedSignal, openEndpoint, type StepContext } from './context.ts'
import { prepareRequest } from './prepare-request.ts'

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
  const { request, hasOwnKey = false, digest, amount, warnings, failure } = prepared
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
  const result = await sendRequest({ request, hasOwnKey }, inputs, context)
  return { ...report, ...result, warnings: [...warnings, ...(result.warnings ?? [])] }
}

type RequestResult = Pick<StepReport, 'delivery' | 'outcome' | 'polled' | 'rotation' | 'warnings' | 'failure'>

/**
 * Delivers the request, and follows up on its result. It does not throw: the result has the failure.
 *
 * @param hasOwnKey  whether the payload has its own `externalId`
 */
async function sendRequest(
  { request, hasOwnKey }: { readonly request: MarketplaceRequest; readonly hasOwnKey: boolean },
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
      ...(hasOwnKey ? duplicateWarnings(delivery) : []),
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

/** What to check about a request that Vercel accepted, or that was found to be made already. */
function responseWarnings(
  { unreadable, response, warning }: Reconciled,
  { request, outcome }: { readonly request: MarketplaceRequest; readonly outcome: RequestOutcome },
): Diagnostic[] {
  const messages: string[] = warning === undefined ? [] : [warning]
  if (unreadable) {
    const content = response?.text.trim() === '' ? 'is null' : 'contains the response body as received'
    messages.push(
      `Vercel accepted the request, but @vercel/sdk cannot read the response: ${unreadable}. \`result\` ${content}`,
    )
  }
  if (response?.tooLong) {
    messages.push(
      'Vercel accepted the request, but the response is longer than 10 MiB and was not read: `result` is null',
    )
  }
  if (request.operation.hasInvoice && outcome.invoiceId === undefined && outcome.status === 'accepted') {
    messages.push(
      'Vercel accepted the invoice, but the response has no `invoiceId`. Do not send the request again: look for the invoice at Vercel',
    )
  }
  return messages.map((message) => ({ message }))
}

/** The failure of a step that is to wait for an invoice whose id is not in the response. */
const cannotWait = ({ duplicate }: Reconciled): Failure =>
  duplicate
    ? new Failure(
        'duplicate_without_id',
        'Cannot wait: the invoice was submitted before, and Vercel does not return the id of an existing invoice',
        { hint: 'Nothing was billed twice. Use getInvoice with the invoiceId of the first submission' },
      )
    : new Failure(
        'accepted_without_id',
        'Cannot wait: Vercel accepted the invoice, but the response has no invoiceId',
        {
          hint: 'Do not send the request again. Find the id of the invoice at Vercel, and wait with getInvoice',
        },
      )

/** The warning about a duplicate of the payload's own key, which may be another invoice than this one. */
const duplicateWarnings = ({ duplicate, response }: Reconciled): Diagnostic[] =>
  duplicate && response
    ? [
        {
          message:
            'An invoice with this externalId exists, and Vercel does not return its content: if this payload has changed since it was submitted, compare the two',
        },
      ]
    : []

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
    if (inputs.wait && invoiceId === undefined) {
      throw cannotWait(delivery)
    }
    if (inputs.wait && invoiceId !== undefined) {
      const { waitFor } = await import('../delivery/wait-for.ts')
      const params = { ...options.request.params, invoiceId }
      // The response of getInvoice counts as the first poll.
      const first = options.request.operation.returnsInvoice ? delivery.response : undefined
      const onRead = (response: HttpResponse) => {
        polled = response
      }
      polled = await waitFor({ ...options, request: { ...options.request, params } }, inputs.wait, { first, onRead })
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
