// Builds the request from the step's inputs, checks it, and applies the guards on amount and digest.

import { type Diagnostic, Failure } from '../failure.ts'
import type { RequestInputs } from '../inputs/read.ts'
import { amountOf } from '../operations/billed-amount.ts'
import { onlyReads } from '../operations/operation.ts'
import { buildRequest, type MarketplaceRequest, requestShape } from '../operations/request.ts'
import { requestDigest } from '../operations/request-digest.ts'
import { startCheck } from '../payload/check.ts'
import { contentDigest } from '../payload/content-digest.ts'
import { loadPayload } from '../payload/load.ts'
import { isObject } from '../payload/schema.ts'
import { writeOutputs } from '../report/outputs.ts'
import { deprecationWarnings, identitiesOf, type StepContext } from './context.ts'

/** A request that can be sent, or the failure that says why it must not be sent. */
export interface PreparedRequest {
  readonly request?: MarketplaceRequest
  /** Whether the `externalId` was chosen, in the payload or as the input, and not derived from the content. */
  readonly hasChosenKey?: boolean
  readonly digest?: string
  /** The money that the request moves, as a decimal. */
  readonly amount?: string
  readonly warnings: readonly Diagnostic[]
  readonly failure?: Failure
}

/**
 * Builds the request from the step's payload and path parameters. For a request that changes something it sets the first
 * outputs, so that outputs which cannot be written are found before anything is sent.
 */
export async function prepareRequest(inputs: RequestInputs, context: StepContext): Promise<PreparedRequest> {
  const { env, cutProblem, workspace, clock, secrets, log } = context
  const { operation, parameters } = inputs
  const payload = await loadPayload({
    text: inputs.payload,
    file: inputs.payloadFile,
    key: await identitiesOf(inputs.tokensKey),
    workspace,
    cutProblem,
  })
  if (payload.errors.length > 0) {
    return { warnings: [], failure: invalidPayload('The payload cannot be read', payload.errors) }
  }
  const check = startCheck(env, workspace, clock.now(), cutProblem)
  const request = buildRequest(requestShape(operation), payload.value, parameters, check)
  secrets.add(check.secrets)
  const warnings = [...payload.warnings, ...check.warnings.map(payload.place), ...deprecationWarnings(operation)]
  const warningsFail = inputs.failsOnWarning && warnings.length > 0
  if (warnings.length > 0 && !warningsFail) log.warn(warnings, operation.sdkName)
  if (!request) {
    return {
      warnings,
      failure: invalidPayload('The payload contains errors, and nothing was sent', check.errors.map(payload.place)),
    }
  }
  if (warningsFail) {
    return {
      warnings: [],
      failure: invalidPayload(
        'The payload has warnings, which are errors with fail-on-warning; nothing was sent',
        warnings.map(asError),
      ),
    }
  }
  const amount = amountOf(request)
  const content = { payload: { ...asObject(payload.value), ...request.params }, secrets: check.secrets }
  const { destination } = inputs
  const baseUrl = destination.sandbox ? undefined : destination.baseUrl
  const digest = requestDigest(
    { operation, baseUrl, externalId: inputs.externalId },
    contentDigest({ ...content, token: inputs.token ?? '', sources: check }),
  )
  const prepared = { request, warnings, digest, ...(amount !== undefined && { amount }) }
  const { maxAmount, expectDigest } = inputs
  const isGuarded = maxAmount !== undefined || expectDigest !== undefined
  const failure = isGuarded
    ? (await import('./guards.ts')).guardFailure({ maxAmount, expectDigest }, request, { digest, amount })
    : undefined
  if (failure) return { ...prepared, failure }
  const keyed =
    operation.retry === 'idempotency-key' ? await withIdempotencyKey(request, inputs.externalId, context) : {}
  if (keyed.failure || onlyReads(operation)) return { ...prepared, ...keyed }
  const { externalId } = keyed.request?.body ?? {}
  const known = { operation: operation.sdkName, digest, ...(typeof externalId === 'string' && { externalId }) }
  const { failure: unwritten } = writeOutputs(context.runner, known, secrets)
  return unwritten
    ? { ...prepared, failure: unwritten.with({ message: `${unwritten.message}. Nothing was sent` }) }
    : { ...prepared, ...keyed }
}

/** A warning as an error, which says why it is one. */
const asError = ({ message, ...warning }: Diagnostic): Diagnostic => ({
  ...warning,
  message: `${message}. It is an error because of \`fail-on-warning\`; nothing was sent`,
})

const asObject = (payload: unknown): object => (isObject(payload) ? payload : {})

const invalidPayload = (message: string, diagnostics: readonly Diagnostic[]) =>
  new Failure('invalid_payload', message, { diagnostics })

/**
 * An invoice with its `externalId`, which is logged before anything is sent.
 *
 * @param externalId  the input `external-id`
 */
async function withIdempotencyKey(
  request: MarketplaceRequest,
  externalId: string,
  { log }: StepContext,
): Promise<Pick<PreparedRequest, 'request' | 'hasChosenKey' | 'failure'>> {
  const { keyProblem, withKey } = await import('../delivery/idempotency-key.ts')
  const problem = keyProblem(request, externalId)
  if (problem) {
    const message = `externalId ${problem}`
    return { failure: new Failure('invalid_input', message, { diagnostics: [{ message }] }) }
  }
  const keyed = withKey(request, externalId)
  const key = keyed.request.body?.externalId
  if (key === undefined) return { request }
  log.info(`externalId ${key}${keyed.derived ? ", derived from the invoice's content" : ''}`)
  return { request: keyed.request, hasChosenKey: !keyed.derived }
}
