// One request, delivered exactly as often as is meant: attempts, waits, and what their end means.

import { Failure } from '../failure.ts'
import { formatDuration } from '../format.ts'
import { type HttpResponse, type Transport, TransportError } from '../http/transport.ts'
import { type MarketplaceRequest, requestPath } from '../operations/request.ts'
import type { Clock } from '../runtime.ts'
import { type CallResult, callOperation } from '../sdk/call.ts'
import { backoff, requestedWait } from './backoff.ts'
import { describeError, errorOf, failureFromResponse, requestId } from './response.ts'
import { type AttemptResult, provesArrival, shouldRetry, type Verdict, verdictOf } from './verdict.ts'

export interface Limits {
  readonly maxAttempts: number
  readonly attemptTimeoutMs: number
  /** For all attempts and waits of one request: no attempt is started after it, and none is cut by it. */
  readonly retryTimeoutMs: number
}

/** What became of a request. */
export interface Delivery {
  readonly attempts: number
  /** The last response, if any came. */
  readonly response?: HttpResponse
  /** Why the SDK could not read a 2xx response, where it could not. */
  readonly unreadable?: string
  /** A refusal showed that an earlier attempt, whose response was lost, had done the work; or that it had been done before. */
  readonly repeated?: true
  readonly failure?: Failure
  /** Whether it can be that the work was done although there is a failure. */
  readonly outcomeUnknown?: boolean
  /** When the last attempt was sent. */
  readonly sentAt: Date
}

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
  /** Ends a wait and starts no new attempt. */
  readonly signal: AbortSignal
  /** Cuts an exchange that is under way; somewhat later, since most answers are not far. */
  readonly abort: AbortSignal
  readonly log: { readonly info: (line: string) => void }
  /** Whether an attempt of an earlier run may have arrived. */
  readonly resumed?: boolean
}

/** Sends a request and says what became of it. It does not throw for anything that the network or Vercel does. */
export async function deliver(options: DeliveryOptions): Promise<Delivery> {
  const { request, limits, clock, log, signal } = options
  const started = clock.monotonic()
  const deadline = started + limits.retryTimeoutMs
  // Whether any attempt so far may have done the work.
  let outcomeUnknown = options.resumed ?? false

  for (let attempts = 1; ; attempts++) {
    const sentAt = clock.now()
    const result = await attempt(options)
    const verdict = verdictOf(result)
    const delivery = { attempts, sentAt, ...('response' in result && result) }

    if (verdict === 'succeeded') return delivery
    if ('response' in result && verdict === 'rejected') {
      if (outcomeUnknown && provesArrival(request, result.response)) return { ...delivery, repeated: true }
      return { ...delivery, failure: deliveryFailure(request, result, outcomeUnknown), outcomeUnknown }
    }
    if (verdict === 'unknown') outcomeUnknown = true

    const wait = nextWait(options, result, attempts)
    const late = clock.monotonic() + wait >= deadline
    const again = shouldRetry(request, result) && attempts < limits.maxAttempts
    if (!again || late || signal.aborted) {
      const reason = signal.aborted
        ? 'The step was cancelled'
        : again && late
          ? retryTimeoutExceeded(limits, wait, clock)
          : undefined
      return { ...delivery, failure: deliveryFailure(request, result, outcomeUnknown, reason), outcomeUnknown }
    }
    log.info(
      `retrying in ${formatDuration(wait)} (attempt ${attempts + 1} of ${limits.maxAttempts}): ${describeAttempt(result)}`,
    )
    await clock.sleep(wait, signal)
    if (signal.aborted) {
      const cancelled = { error: new TransportError('cancelled', 'cancelled while waiting', { mayHaveArrived: false }) }
      return { ...delivery, failure: deliveryFailure(request, cancelled, outcomeUnknown), outcomeUnknown }
    }
  }
}

async function attempt({ request, endpoint, limits, abort, clock, log }: DeliveryOptions): Promise<AttemptResult> {
  const { baseUrl, token, transport } = endpoint
  const newConnection = request.operation.retry === 'unsafe'
  log.info(`> ${request.operation.method} ${requestPath(request)}`)
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

const describeAttempt = (result: AttemptResult) =>
  'response' in result ? describeError(result.response) : result.error.message

/** What the server asks for is obeyed as it is; else the wait is ours to choose. */
function nextWait({ clock, random }: DeliveryOptions, result: AttemptResult, attempts: number): number {
  const requested = 'response' in result ? requestedWait(result.response, clock.now()) : undefined
  return requested ?? backoff(attempts, random())
}

function retryTimeoutExceeded({ retryTimeoutMs }: Limits, wait: number, { now }: Clock): string {
  const back = new Date(now().getTime() + wait).toISOString().replace(/\.\d+Z$/, 'Z')
  return `The next attempt could start in ${formatDuration(wait)}, which is beyond retry-timeout (${formatDuration(retryTimeoutMs)}): come back at ${back}, or raise it`
}

/** The failure that an attempt's result means, and what is known of the work. */
function deliveryFailure(
  request: MarketplaceRequest,
  result: AttemptResult,
  outcomeUnknown: boolean,
  reason?: string,
): Failure {
  const { sdkName } = request.operation
  const failure =
    'response' in result ? failureFromResponse(sdkName, result.response) : noResponse(sdkName, result.error)
  const last: Verdict = verdictOf(result)
  const fate = outcomeUnknown
    ? unknownOutcome(request, last)
    : last === 'not-processed'
      ? 'Nothing was done'
      : undefined
  const hint = [fate, reason, failure.hint].filter(Boolean).join('. ')
  const isOurs = !('response' in result) || errorOf(result.response).code === ''
  const code = outcomeUnknown && isOurs && last !== 'rejected' ? 'outcome_unknown' : failure.code
  return new Failure(code, failure.message, { hint: hint || undefined, cause: failure.cause })
}

const noResponse = (operation: string, error: TransportError) =>
  new Failure(error.failure, `${operation} got no response: ${error.message}`, { cause: error })

/** How to find out, where we cannot. */
function unknownOutcome({ operation, params, body }: MarketplaceRequest, last: Verdict): string {
  const which = last === 'unknown' ? 'it' : 'an earlier attempt'
  const unknown = `The outcome is unknown: ${which} may have arrived`
  switch (operation.name) {
    case 'submitInvoice':
      return body?.externalId === undefined
        ? `${unknown}. Look for the invoice in Vercel's integration console before you send it again, or the customer may be billed twice`
        : `${unknown}. Run the step again as it is: the externalId ${String(body.externalId)} keeps the invoice from being billed twice`
    case 'updateInvoice':
      return `${unknown}. Read the invoice ${params.invoiceId ?? ''} with getInvoice before you refund it again`
    case 'exchangeSsoToken':
      return `${unknown}. A code is good once: start the sign-in again`
    case 'rotateInstallationCredential':
      return `${unknown}. The present token goes on working; a new one that was issued and lost can be left to expire`
    default:
      return operation.method === 'GET' || operation.method === 'HEAD'
        ? `${unknown}, but it only reads`
        : `${unknown}. Run the step again: a repeat does no harm`
  }
}
