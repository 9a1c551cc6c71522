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
import { issuedTexts } from '../operations/issued-fields.ts'
import { invoiceIds, issuedTokens, outcomeOf, type RequestOutcome } from '../operations/outcome.ts'
import { type MarketplaceRequest, requestPath } from '../operations/request.ts'
import type { StepReport } from '../report/step-report.ts'
import { delayedSignal, openEndpoint, type StepContext } from './context.ts'
import { prepareRequest } from './prepare-request.ts'

/** How long an exchange may go on after the step was cancelled: most responses are about to arrive. */
const requestGraceMs = 1000

export async function runRequestTask(inputs: RequestInputs, context: StepContext): Promise<StepReport> {
  const { operation, destination, dryRun } = inputs
  const { log } = context
  const prepared = await prepareRequest(inputs, context)
  const { hasOwnKey = false, ...known } = prepared
  const report = { ...known, sandbox: destination.sandbox, dryRun }
  const { request } = prepared
  if (!request || prepared.failure) return report
  const dropped = droppedSecretsWarning(request)
  if (dropped) log.info(dropped)
  if (dryRun) {
    const shown = JSON.stringify(request.redacted() ?? null)
    const api = destination.sandbox ? 'the sandbox: ' : destination.baseUrl.replace(/\/+$/, '')
    log.info(`${operation.method} ${api}${requestPath(request)} would be sent with ${shown}`)
    log.info(`digest ${prepared.digest}: to send exactly this, set expect-digest`)
    return { ...report, outcome: { status: 'validated' } }
  }
  const sent = await send({ request, hasOwnKey }, inputs, context)
  return { ...report, ...sent, warnings: [...prepared.warnings, ...(sent.warnings ?? [])] }
}

type Sent = Pick<StepReport, 'delivery' | 'outcome' | 'polled' | 'rotation' | 'warnings' | 'failure'>

/** Delivers the request, and follows its result up. */
async function send(
  { request, hasOwnKey }: { readonly request: MarketplaceRequest; readonly hasOwnKey: boolean },
  inputs: RequestInputs,
  context: StepContext,
): Promise<Sent> {
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

    const { response } = delivery
    const value = response && parseBody(response)
    const outcome = delivery.duplicate ? { ...invoiceIds(request), status: 'duplicate' } : outcomeOf(request, value)
    // Before anything else can print them.
    secrets.add([
      ...issuedTokens(outcome),
      ...(response ? issuedTexts({ ...request, status: response.status, value }) : []),
    ])
    const unread = [...unreadResponse(delivery), ...(hasOwnKey ? duplicateWarning(delivery) : [])]
    if (unread.length > 0) log.warn(unread, request.operation.sdkName)
    const followed = await followUp({ delivery, outcome, store }, options, inputs)
    return { delivery, outcome, ...followed, warnings: [...unread, ...(followed.warnings ?? [])] }
  } catch (error) {
    const failure = toFailure(error)
    if (!delivery) return { failure }
    return { delivery, failure: failure.with({ message: `Vercel accepted the request. ${failure.message}` }) }
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

/** A duplicate with the payload's own key may be another invoice than this one. */
const duplicateWarning = ({ duplicate, response }: Reconciled): Diagnostic[] =>
  duplicate && response
    ? [
        {
          message:
            'An invoice with this externalId exists. Vercel does not tell what it says: compare it if this payload has changed since',
        },
      ]
    : []

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
): Promise<Sent> {
  let polled: HttpResponse | undefined
  let current = outcome
  let rotation: RotationResult | undefined
  try {
    const { invoiceId } = outcome
    if (inputs.wait && invoiceId === undefined) {
      throw new Failure(
        'duplicate_without_id',
        'Cannot wait: the invoice was submitted before, and Vercel does not return the id of an existing invoice',
        { hint: 'Nothing was billed twice. Wait with getInvoice and the invoiceId of the first submission' },
      )
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
