// Delivers one request: attempts, retries, and what their end means.

import { Failure } from '../failure.ts'
import { formatDuration } from '../format.ts'
import type { HttpResponse, Transport } from '../http/transport.ts'
import { TransportError } from '../http/transport-error.ts'
import { type MarketplaceRequest, requestPath } from '../operations/request.ts'
import type { Clock } from '../runtime.ts'
import { type CallResult, callOperation } from '../sdk/call.ts'
import { requestedWait } from './backoff.ts'
import { parseBody, requestId } from './response.ts'
import { type Limits, retry } from './retry.ts'
import { type AttemptResult, shouldRetry, verdictOf } from './verdict.ts'

/** How the delivery of a request ended. */
export interface Delivery {
  readonly attempts: number
  /** The last response, if any came. */
  readonly response?: HttpResponse
  /** Why the SDK could not read a 2xx response, if it could not. */
  readonly unreadable?: string
  /** A rejection proved that an earlier attempt, whose response was lost, had arrived. */
  readonly arrivedEarlier?: true
  readonly failure?: Failure
  /** Whether the request may have been processed although there is a failure. */
  readonly outcomeUnknown?: boolean
}

/** A delivery whose ambiguous result was resolved. */
export interface Reconciled extends Delivery {
  /** The invoice was submitted before, or the refund made before: by an attempt whose response was lost, or earlier. */
  readonly duplicate?: true
  /** What to check although the request did not fail. */
  readonly warning?: string
}

/** Where requests go, and with which token. */
export interface Endpoint {
  readonly baseUrl: string
  readonly token: string | undefined
  readonly transport: Transport
}

export interface DeliveryOptions {
  readonly request: MarketplaceRequest
  readonly endpoint: Endpoint
  readonly limits: Limits
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  /** Ends a wait, and starts no new attempt. */
  readonly signal: AbortSignal
  /** Aborts exchanges in flight. Fires some time after `signal`, so that responses about to arrive are still read. */
  readonly abort: AbortSignal
  readonly log: { readonly info: (line: string) => void }
  /** Whether an attempt of an earlier run may have arrived. */
  readonly resumed?: boolean
  /** Whether a refund that may have been made before is not sent. */
  readonly failsOnWarning?: boolean
}

/** Delivers a request. It throws for nothing that the network or Vercel does: see `failure` of the result. */
export async function deliver(options: DeliveryOptions): Promise<Delivery> {
  const { request, limits, clock, random, signal, log } = options
  // Whether any attempt so far may have been processed.
  let outcomeUnknown = options.resumed ?? false
  let lastUnknown: AttemptResult | undefined
  const { result, attempts, end } = await retry<AttemptResult>({
    attempt: () => attempt(options),
    async judge(result) {
      if (verdictOf(result) === 'unknown') {
        outcomeUnknown = true
        lastUnknown = result
      }
      const requestedWaitMs = 'response' in result ? requestedWait(result.response, clock.now()) : undefined
      const isRetried = shouldRetry(request, result)
      return { shouldRetry: isRetried, requestedWaitMs, reason: isRetried ? await describeAttempt(result) : '' }
    },
    limits,
    clock,
    random,
    signal,
    log,
  })

  const delivery = { attempts, ...('response' in result && result) }
  const verdict = verdictOf(result)
  if (verdict === 'succeeded') return { ...delivery, ...responseFailure(request, delivery.response) }
  const isRejected = 'response' in result && verdict === 'rejected'
  if (isRejected && outcomeUnknown) {
    const { provesArrival } = await import('./error-response.ts')
    if (provesArrival(request, result.response)) return { ...delivery, arrivedEarlier: true }
  }
  const { failureOf } = await import('./delivery-failure.ts')
  const failure = await failureOf(options, { result, end, isRejected, outcomeUnknown, lastUnknown })
  return { ...delivery, failure, outcomeUnknown }
}

/** The failure that a 2xx response reports, such as errors of a test invoice. */
function responseFailure(
  { operation, body }: MarketplaceRequest,
  response: HttpResponse | undefined,
): Pick<Delivery, 'failure' | 'outcomeUnknown'> {
  const found = operation.failureIn?.(response && parseBody(response), body ?? {})
  if (!found) return {}
  const { code, message, hint, problems = [], outcomeUnknown = false } = found
  const diagnostics = problems.map((problem) => ({ message: problem }))
  return { failure: new Failure(code, message, { hint, diagnostics }), outcomeUnknown }
}

async function attempt({ request, endpoint, limits, abort, clock, log }: DeliveryOptions): Promise<AttemptResult> {
  const { baseUrl, token, transport } = endpoint
  const newConnection = request.operation.retry === 'unsafe'
  log.info(`> ${request.operation.method} ${baseUrl.replace(/\/$/, '')}${requestPath(request)}`)
  const started = clock.monotonic()
  const elapsed = () => formatDuration(clock.monotonic() - started)
  let result: CallResult
  try {
    result = await callOperation({
      request,
      baseUrl,
      token,
      send: (wire) => transport.send(wire, { timeoutMs: limits.attemptTimeoutMs, signal: abort, newConnection }),
    })
  } catch (error) {
    if (!(error instanceof TransportError)) throw error
    log.info(`< no response after ${elapsed()}: ${error.message}`)
    return { error }
  }
  const id = requestId(result.response)
  log.info(`< ${result.response.status} in ${elapsed()}${id ? `, request ${id}` : ''}`)
  return result
}

const describeAttempt = async (result: AttemptResult) =>
  'response' in result ? (await import('./error-response.ts')).describeError(result.response) : result.error.message
