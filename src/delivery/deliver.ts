// One request, delivered.

import type { Failure } from '../failure.ts'
import type { CallResult } from '../operations/calls.ts'
import { type MarketplaceRequest, requestPath } from '../operations/request.ts'
import type { Log } from '../report/log.ts'
import { isSuccess, refusal, requestId, unanswered } from './answer.ts'
import { type Transport, TransportError, type WireAnswer } from './transport.ts'

/** What became of a request. */
export interface Delivery {
  readonly attempts: number
  /** The last answer, if any came. */
  readonly answer?: WireAnswer
  /** Why the SDK could not read a 2xx answer, where it could not. */
  readonly unreadable?: string
  readonly failure?: Failure
}

export interface DeliveryOptions {
  readonly request: MarketplaceRequest
  readonly baseUrl: string
  readonly token: string | undefined
  readonly transport: Transport
  readonly attemptTimeoutMs: number
  readonly log: Log
  /** Milliseconds from any start. */
  readonly clock: () => number
}

/** Sends a request and says what became of it. It does not throw for anything that the network or Vercel does. */
export async function deliver(options: DeliveryOptions): Promise<Delivery> {
  const { request, log, clock } = options
  const { callOperation } = await import('../operations/calls.ts')
  log.info(`> ${request.operation.method} ${requestPath(request)}`)
  const started = clock()
  const elapsed = () => `${Math.round(clock() - started)} ms`

  let result: CallResult
  try {
    result = await callOperation({
      request,
      baseUrl: options.baseUrl,
      token: options.token,
      send: (wire) => options.transport.send(wire, { timeoutMs: options.attemptTimeoutMs }),
    })
  } catch (error) {
    if (!(error instanceof TransportError)) throw error
    log.info(`< no answer after ${elapsed()}: ${error.message}`)
    return { attempts: 1, failure: unanswered(request.operation.sdkName, error) }
  }
  const { answer, unreadable } = result
  const id = requestId(answer)
  log.info(`< ${answer.status} in ${elapsed()}${id ? `, request ${id}` : ''}`)
  if (!isSuccess(answer)) return { attempts: 1, answer, failure: refusal(request.operation.sdkName, answer) }
  return { attempts: 1, answer, ...(unreadable && { unreadable }) }
}
