// One request, delivered exactly as often as is meant: attempts, waits, and what their end means.

import { Failure } from '../failure.ts'
import { formatDuration } from '../format.ts'
import { type Transport, TransportError, type WireAnswer } from '../http/transport.ts'
import { type MarketplaceRequest, requestPath } from '../operations/request.ts'
import type { Time } from '../runtime.ts'
import { type CallResult, callOperation } from '../sdk/call.ts'
import { backoff, requestedWait } from './backoff.ts'
import { errorOf, refusal, requestId, sentenceOf } from './response.ts'
import { type AttemptResult, isWorthRepeating, provesArrival, type Verdict, verdictOf } from './verdict.ts'

export interface Limits {
  readonly maxAttempts: number
  readonly attemptTimeoutMs: number
  /** For all attempts and waits of one request: no attempt is started after it, and none is cut by it. */
  readonly retryTimeoutMs: number
}

/** What became of a request. */
export interface Delivery {
  readonly attempts: number
  /** The last answer, if any came. */
  readonly answer?: WireAnswer
  /** Why the SDK could not read a 2xx answer, where it could not. */
  readonly unreadable?: string
  /** A refusal showed that an earlier attempt, whose answer was lost, had done the work; or that it had been done before. */
  readonly repeated?: true
  readonly failure?: Failure
  /** Whether it can be that the work was done although there is a failure. */
  readonly unclear?: boolean
  /** When the last attempt was sent. */
  readonly sentAt: Date
}

export interface Route {
  readonly baseUrl: string
  readonly token: string | undefined
  readonly transport: Transport
}

export interface DeliveryOptions {
  readonly request: MarketplaceRequest
  readonly route: Route
  readonly limits: Limits
  readonly time: Time
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
  const { request, limits, time, log, signal } = options
  const started = time.clock()
  const deadline = started + limits.retryTimeoutMs
  // Whether any attempt so far may have done the work.
  let unclear = options.resumed ?? false

  for (let attempts = 1; ; attempts++) {
    const sentAt = time.now()
    const result = await attempt(options)
    const verdict = verdictOf(result)
    const delivery = { attempts, sentAt, ...('answer' in result && result) }

    if (verdict === 'done') return delivery
    if ('answer' in result && verdict === 'refused') {
      if (unclear && provesArrival(request, result.answer)) return { ...delivery, repeated: true }
      return { ...delivery, failure: failureOf(request, result, unclear), unclear }
    }
    if (verdict === 'unclear') unclear = true

    const wait = nextWait(options, result, attempts)
    const late = time.clock() + wait >= deadline
    const again = isWorthRepeating(request, result) && attempts < limits.maxAttempts
    if (!again || late || signal.aborted) {
      const reason = signal.aborted ? 'The step was cancelled' : again && late ? overrun(limits, wait, time) : undefined
      return { ...delivery, failure: failureOf(request, result, unclear, reason), unclear }
    }
    log.info(
      `retrying in ${formatDuration(wait)} (attempt ${attempts + 1} of ${limits.maxAttempts}): ${reasonOf(result)}`,
    )
    await time.sleep(wait, signal)
    if (signal.aborted) {
      const cancelled = { error: new TransportError('cancelled', 'cancelled while waiting', { mayHaveArrived: false }) }
      return { ...delivery, failure: failureOf(request, cancelled, unclear), unclear }
    }
  }
}

async function attempt({ request, route, limits, abort, time, log }: DeliveryOptions): Promise<AttemptResult> {
  const { baseUrl, token, transport } = route
  const fresh = request.operation.delivery === 'once'
  log.info(`> ${request.operation.method} ${requestPath(request)}`)
  const started = time.clock()
  const elapsed = () => formatDuration(time.clock() - started)
  let result: CallResult
  try {
    result = await callOperation({
      request,
      baseUrl,
      token,
      send: (wire) => transport.send(wire, { timeoutMs: limits.attemptTimeoutMs, signal: abort, fresh }),
    })
  } catch (error) {
    if (!(error instanceof TransportError)) throw error
    log.info(`< no answer after ${elapsed()}: ${error.message}`)
    return { error }
  }
  const id = requestId(result.answer)
  log.info(`< ${result.answer.status} in ${elapsed()}${id ? `, request ${id}` : ''}`)
  return result
}

const reasonOf = (result: AttemptResult) => ('answer' in result ? sentenceOf(result.answer) : result.error.message)

/** What the server asks for is obeyed as it is; else the wait is ours to choose. */
function nextWait({ time, random }: DeliveryOptions, result: AttemptResult, attempts: number): number {
  const requested = 'answer' in result ? requestedWait(result.answer, time.now()) : undefined
  return requested ?? backoff(attempts, random())
}

function overrun({ retryTimeoutMs }: Limits, wait: number, { now }: Time): string {
  const back = new Date(now().getTime() + wait).toISOString().replace(/\.\d+Z$/, 'Z')
  return `The next attempt could start in ${formatDuration(wait)}, which is beyond retry-timeout (${formatDuration(retryTimeoutMs)}): come back at ${back}, or raise it`
}

/** The failure that an attempt's result means, and what is known of the work. */
function failureOf(request: MarketplaceRequest, result: AttemptResult, unclear: boolean, reason?: string): Failure {
  const { sdkName } = request.operation
  const failure = 'answer' in result ? refusal(sdkName, result.answer) : unanswered(sdkName, result.error)
  const last: Verdict = verdictOf(result)
  const fate = unclear ? unknownOutcome(request, last) : last === 'untouched' ? 'Nothing was done' : undefined
  const hint = [fate, reason, failure.hint].filter(Boolean).join('. ')
  const isOurs = !('answer' in result) || errorOf(result.answer).code === ''
  const code = unclear && isOurs && last !== 'refused' ? 'outcome_unknown' : failure.code
  return new Failure(code, failure.message, { hint: hint || undefined, cause: failure.cause })
}

const unanswered = (operation: string, error: TransportError) =>
  new Failure(error.failure, `${operation} got no answer: ${error.message}`, { cause: error })

/** How to find out, where we cannot. */
function unknownOutcome({ operation, params, body }: MarketplaceRequest, last: Verdict): string {
  const which = last === 'unclear' ? 'it' : 'an earlier attempt'
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
