// Sends a single request, and follows up on its result: waits for the invoice, puts a new token into use.

import type { RotationResult, TokenStore } from '../credentials/complete-rotation.ts'
import type { DeliveryOptions, Reconciled } from '../delivery/deliver.ts'
import { parseBody } from '../delivery/response.ts'
import type { ResponseSubject } from '../delivery/response-warnings.ts'
import { type Diagnostic, toFailure } from '../failure.ts'
import type { HttpResponse } from '../http/transport.ts'
import type { RequestInputs } from '../inputs/read.ts'
import { issuedTexts } from '../operations/issued-fields.ts'
import { invoiceIds, issuedTokens, outcomeOf, type RequestOutcome } from '../operations/outcome.ts'
import type { MarketplaceRequest } from '../operations/request.ts'
import type { StepReport } from '../report/step-report.ts'
import { delayedSignal, openEndpoint, requestGraceMs, type StepContext } from './context.ts'

/** Whether a response needs no warning, which is the usual case. */
const isUnremarkable = (
  { duplicate, warning, unreadable, response }: Reconciled,
  { operation }: MarketplaceRequest,
  { invoiceId }: RequestOutcome,
): boolean =>
  [duplicate, warning, unreadable, response?.tooLong, operation.issues].every((fact) => fact === undefined) &&
  (invoiceId !== undefined || !operation.hasInvoice)

type RequestResult = Pick<StepReport, 'delivery' | 'outcome' | 'polled' | 'rotation' | 'warnings' | 'failure'>

/**
 * Delivers the request, and follows up on its result. It does not throw: the result has the failure.
 *
 * @param hasChosenKey  whether the `externalId` was chosen, and not derived from the content
 */
export async function sendRequest(
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
    const store =
      inputs.store &&
      (await (await import('./open-token-store.ts')).openTokenStore(inputs.store, transport, inputs, context))
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
    const warnings = isUnremarkable(delivery, request, outcome)
      ? []
      : await warningsAbout(delivery, { request, outcome, hasChosenKey, hasResult: true })
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

async function warningsAbout(delivery: Reconciled, subject: ResponseSubject): Promise<Diagnostic[]> {
  const { responseWarnings } = await import('../delivery/response-warnings.ts')
  return responseWarnings(delivery, subject).map((message) => ({ message }))
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
      throw (await import('./response-messages.ts')).cannotWait(delivery)
    }
    if (inputs.wait && invoiceId !== undefined) {
      const { waitFor } = await import('../delivery/wait-for.ts')
      const { knownWhileWaiting } = await import('./response-messages.ts')
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
