// Why a delivery failed: what the last response or the broken exchange means, what is known of the request's effect, and
// what to do. A chunk of its own, because most deliveries succeed.

import { Failure, type FailureCode } from '../failure.ts'
import { formatDuration, formatSecond } from '../format.ts'
import type { ProxyName } from '../http/proxy.ts'
import type { HttpResponse } from '../http/transport.ts'
import { TransportError, type TransportFailure } from '../http/transport-error.ts'
import { type Operation, onlyReads } from '../operations/operation.ts'
import type { MarketplaceRequest } from '../operations/request.ts'
import type { Clock } from '../runtime.ts'
import { errorOf } from './error-response.ts'
import { htmlPage, isHtml, requestId } from './response.ts'
import type { Limits, RetryEnd } from './retry.ts'
import { type AttemptResult, foreignBody, isSafeToRepeat, type Verdict, verdictOf } from './verdict.ts'

/** A sentence on a wait that would end after `retry-timeout`. */
function exceeded(
  end: RetryEnd,
  { limits: { retryTimeoutMs }, clock }: { readonly limits: Limits; readonly clock: Pick<Clock, 'now'> },
): string | undefined {
  if (end.reason !== 'deadline') return undefined
  const back = new Date(clock.now().getTime() + end.waitMs).toISOString().replace(/\.\d+Z$/, 'Z')
  return `The next attempt could start in ${formatDuration(end.waitMs)}, which is beyond retry-timeout (${formatDuration(retryTimeoutMs)}): run the step again at ${back}, or raise retry-timeout`
}

/** What the failure of a delivery depends on, of its options. */
interface FailedDelivery {
  readonly request: MarketplaceRequest
  readonly signal: AbortSignal
  readonly limits: Limits
  readonly clock: Pick<Clock, 'now'>
}

/** How a delivery ended that did not succeed. */
interface DeliveryEnd {
  /** The last attempt's. */
  readonly result: AttemptResult
  readonly end: RetryEnd
  readonly isRejected: boolean
  /** Whether any attempt may have been processed. */
  readonly outcomeUnknown: boolean
  /** The latest attempt that may have been processed. */
  readonly lastUnknown: AttemptResult | undefined
}

/** The failure of a delivery that did not succeed. */
export async function failureOf(
  options: FailedDelivery,
  { result, end, isRejected, outcomeUnknown, lastUnknown }: DeliveryEnd,
): Promise<Failure> {
  const { request, signal } = options
  const cancelled = { error: new TransportError('cancelled', 'cancelled while waiting', { mayHaveArrived: false }) }
  const last = end.reason === 'cancelled' && end.duringWait ? cancelled : result
  if (!signal.aborted && lastUnknown && isNotSent(last)) {
    // The batch has stopped: why the outcome is unknown matters more than why the request was not sent again.
    const failure = await deliveryFailure(request, lastUnknown, true, undefined)
    return failure.with({ message: `${failure.message}; it was not sent again: ${last.error.message}` })
  }
  const reason = signal.aborted && !isRejected ? 'The step was cancelled' : exceeded(end, options)
  return deliveryFailure(request, last, outcomeUnknown, reason)
}

/** Whether the attempt was not made, because the action stops. */
const isNotSent = (result: AttemptResult): result is { readonly error: TransportError } =>
  'error' in result && result.error.failure === 'cancelled' && !result.error.mayHaveArrived

/** The failure that the last attempt means, with what is known of the request's effect. */
async function deliveryFailure(
  request: MarketplaceRequest,
  last: AttemptResult,
  outcomeUnknown: boolean,
  reason: string | undefined,
): Promise<Failure> {
  const { operation } = request
  const failure =
    'response' in last
      ? await failureFromResponse(
          operation,
          last.response,
          last.response.status < 300 ? foreignBody(last.response) : undefined,
        )
      : failureFromTransport(operation, last.error, outcomeUnknown)
  const verdict = verdictOf(last)
  const hint =
    [knownEffect(request, verdict, outcomeUnknown), reason, failure.hint].filter(Boolean).join('. ') || undefined
  const mayHarm =
    outcomeUnknown && verdict !== 'rejected' && failure.vercelCode === undefined && !isSafeToRepeat(request)
  return mayHarm
    ? new Failure('outcome_unknown', failure.message, { hint, cause: failure.cause })
    : failure.with({ hint })
}

/** What is known of the request's effect, and what to do about it. */
function knownEffect(request: MarketplaceRequest, last: Verdict, outcomeUnknown: boolean): string | undefined {
  if (!outcomeUnknown) return last === 'not-processed' ? 'Nothing was done' : undefined
  const { operation, params, body } = request
  if (onlyReads(operation)) return 'No usable answer came. Reading changes nothing: run the step again'
  const attempt = last === 'unknown' ? 'it' : 'an earlier attempt'
  const advice =
    operation.retry === 'idempotent'
      ? 'Run the step again: repeating it does no harm'
      : operation.unknownOutcomeAdvice({ params, body: body ?? {} })
  return `The outcome is unknown: ${attempt} may have arrived. ${advice}`
}

/**
 * The failure that an unsuccessful response means.
 *
 * @param foreign  why a 2xx response is not an answer of the API
 */
export async function failureFromResponse(
  operation: Operation,
  response: HttpResponse,
  foreign?: string,
): Promise<Failure> {
  const { status } = response
  const { code, message } = errorOf(response)
  const id = requestId(response)
  const said = `${message && `: ${message}`}${id && ` (request ${id})`}`
  const coded = `${status}${code && ` ${code}`}`
  const proxy = answeringProxy(response)
  const isPage = isHtml(response)
  const server = proxy ? `The proxy ${proxy.address}, or Vercel behind it,` : 'Vercel'
  const sentence = isPage
    ? `${operation.sdkName} was answered with ${status} and ${htmlPage}${id && ` (request ${id})`}`
    : foreign
      ? `${operation.sdkName} was answered with ${coded} and ${foreign}${said}`
      : status >= 500
        ? `${server} answered ${coded} to ${operation.sdkName}${said}`
        : `${server} ${status >= 300 && status < 400 ? 'redirected' : 'refused'} ${operation.sdkName} with ${coded}${said}`
  return new Failure(`http_${status}`, sentence, {
    hint: foreign
      ? undefined
      : isPage
        ? 'Check `api-url`, and the proxy or firewall'
        : await hintFor(response, operation),
    vercelCode: code || undefined,
  })
}

/** The proxy, if the response may be its own. Over plain http nothing else tells the two from each other. */
const answeringProxy = ({ status, proxy }: HttpResponse): ProxyName | undefined =>
  [407, 502, 503, 504].includes(status) ? proxy : undefined

/** The public code for each way in which an exchange fails. */
const transportCodes: Record<TransportFailure, FailureCode> = {
  connect: 'unopened',
  timeout: 'timeout',
  reset: 'broken',
  protocol: 'garbage',
  cancelled: 'cancelled',
  throttled: 'throttled',
}

/** The failure that an exchange without a complete response means. */
function failureFromTransport({ sdkName }: Operation, error: TransportError, outcomeUnknown: boolean): Failure {
  const { failure, until, mayHaveArrived } = error
  const notSent = `was not sent${outcomeUnknown ? ' again' : ''}`
  const what =
    failure === 'throttled'
      ? 'was not accepted'
      : failure === 'cancelled' && !mayHaveArrived
        ? notSent
        : 'got no answer'
  const hint = until && `Run again after ${formatSecond(until)}, or raise retry-timeout`
  return new Failure(transportCodes[failure], `${sdkName} ${what}: ${error.message}`, { hint, cause: error })
}

async function hintFor(response: HttpResponse, { deniedHint }: Operation): Promise<string | undefined> {
  const { status, headers } = response
  const proxy = answeringProxy(response)
  if (proxy) return `Check ${status === 407 ? 'the user and password in ' : ''}${proxy.variable}`
  if (status >= 300 && status < 400) {
    const to = headers.location ? ` (it points to ${originOf(headers.location)})` : ''
    return `Redirects are not followed, because the token would be sent along${to}: set \`api-url\` to the API itself`
  }
  if (deniedHint && (status === 401 || status === 403)) return deniedHint
  const { failures, httpFailure } = await import('../failure-register.ts')
  const entry = httpFailure(status)
  // What Vercel says of another 4xx is more than we know.
  return entry === failures.http_4xx ? undefined : entry.remedy
}

const originOf = (location: string) => (URL.canParse(location) ? new URL(location).origin : 'another path')
