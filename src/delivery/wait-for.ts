// Waiting for an invoice to come into a state.

import { Failure } from '../failure.ts'
import { formatDuration } from '../format.ts'
import type { HttpResponse } from '../http/transport.ts'
import { canReach } from '../operations/invoice-state.ts'
import { isObject } from '../payload/schema.ts'
import { type DeliveryOptions, deliver } from './deliver.ts'
import { invoiceRequest } from './refund.ts'
import { parseBody } from './response.ts'
import { verdictOf } from './verdict.ts'

export interface Wait {
  /** The states that end the waiting. */
  readonly states: readonly string[]
  readonly timeoutMs: number
  readonly intervalMs: number
}

export interface WaitContext {
  readonly first?: HttpResponse | undefined
  readonly onRead?: (response: HttpResponse) => void
  readonly known: string
}

/**
 * Reads an invoice until it is in one of the wanted states.
 *
 * @param first   a response that has been read already
 * @param onRead  gets each response that shows a state
 * @param known   what is known of the request itself: a sentence without its full stop, for failures
 * @returns the response that showed the wanted state
 * @throws {Failure} when the time is over, the wanted states cannot come any more, or the step is cancelled
 */
export async function waitFor(
  options: DeliveryOptions,
  wait: Wait,
  { first, onRead, known }: WaitContext,
): Promise<HttpResponse> {
  const { clock, log, signal } = options
  const deadline = clock.monotonic() + wait.timeoutMs
  const wanted = wait.states.join(' or ')
  const request = await invoiceRequest(options.request)
  const poll = () => {
    // A poll's own retries end when the waiting does.
    const retryTimeoutMs = Math.min(options.limits.retryTimeoutMs, Math.max(0, deadline - clock.monotonic()))
    const limits = { ...options.limits, retryTimeoutMs }
    return deliver({ ...options, limits, request, log: { info: () => {} } })
  }
  let seen = ''
  let trouble = ''
  let response = first

  for (;;) {
    if (!response) {
      const delivery = await poll()
      // What passes by itself, such as a 503 or a proxy's page, does not end the waiting; a 4xx comes back the same.
      if (delivery.failure && delivery.response && verdictOf({ response: delivery.response }) === 'rejected') {
        throw delivery.failure.with({
          message: `${known}. The invoice could not be read while waiting: ${delivery.failure.message}`,
        })
      }
      if (delivery.failure) trouble = delivery.failure.message
      else response = delivery.response
    }
    const state = stateOf(response)
    if (response && state !== '') {
      trouble = ''
      if (state !== seen) log.info(`invoice ${options.request.params.invoiceId}: ${state}`)
      seen = state
      onRead?.(response)
      if (wait.states.includes(state)) return response
      if (!canReach(state, wait.states)) {
        throw new Failure('state_unreachable', `The invoice is ${state}, from where it cannot become ${wanted}`, {
          hint: known,
        })
      }
    }
    response = undefined
    const left = deadline - clock.monotonic()
    if (!signal.aborted && left > 0) await clock.sleep(Math.min(wait.intervalMs, left), signal)
    if (signal.aborted) {
      throw new Failure(
        'cancelled',
        `Cancelled while waiting for the invoice to be ${wanted}; it was ${seen || 'not read yet'}`,
        { hint: known },
      )
    }
    if (clock.monotonic() >= deadline) {
      const last = seen === '' ? 'its state could not be read' : `it is ${seen}`
      throw new Failure(
        'wait_timeout',
        `The invoice did not become ${wanted} within ${formatDuration(wait.timeoutMs)}: ${last}${trouble && `; the last poll failed: ${trouble}`}`,
        { hint: `${known}. Keep waiting with getInvoice and wait-for` },
      )
    }
  }
}

function stateOf(response: HttpResponse | undefined): string {
  const invoice = response && parseBody(response)
  return isObject(invoice) && typeof invoice.state === 'string' ? invoice.state : ''
}
