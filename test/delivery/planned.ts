// Deliveries without a server: responses that the test plans, on a clock whose waits are over at once.

import type { DeliveryOptions } from '../../src/delivery/deliver.ts'
import type { HttpRequest, HttpResponse, SendOptions, Transport } from '../../src/http/transport.ts'
import { TransportError, type TransportFailure } from '../../src/http/transport-error.ts'
import type { MarketplaceRequest } from '../../src/operations/request.ts'
import type { Clock } from '../../src/runtime.ts'

/** What an attempt meets, and how long it takes. */
export type Planned = (HttpResponse | TransportError) & { readonly ms?: number }

/** When the clock starts. */
export const start = Date.UTC(2026, 0, 1)

/** A clock that advances by each wait. No wait takes real time. */
export class WaitlessClock implements Clock {
  readonly waits: number[] = []
  #ms = 0
  readonly monotonic = () => this.#ms
  readonly now = () => new Date(start + this.#ms)
  readonly sleep = async (ms: number) => {
    this.waits.push(ms)
    this.#ms += ms
  }

  advance(ms: number): void {
    this.#ms += ms
  }
}

/** A response; an object is its JSON. */
export const respond = (status: number, body?: unknown, headers: Record<string, string> = {}): HttpResponse => ({
  status,
  headers,
  text: body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body),
})

/** A response with an error of Vercel's. */
export const refuse = (status: number, code: string, message: string, headers: Record<string, string> = {}) =>
  respond(status, { error: { code, message } }, headers)

/** An exchange without a response. The request may have arrived, unless the connection did not open. */
export const fail = (failure: TransportFailure, message: string = failure): TransportError =>
  new TransportError(failure, message, { mayHaveArrived: failure !== 'connect' })

/** A transport that gives the planned answers in order, and keeps what was sent. */
export function plannedTransport(clock: WaitlessClock, plan: readonly Planned[], onSend: (count: number) => void) {
  const sent: { readonly request: HttpRequest; readonly options: SendOptions; readonly at: number }[] = []
  const transport: Transport = {
    async send(request, options) {
      const planned = plan[sent.length]
      sent.push({ request, options, at: clock.monotonic() })
      onSend(sent.length)
      if (!planned) throw new Error(`request ${sent.length} was not expected: ${request.method} ${request.url}`)
      clock.advance(planned.ms ?? 0)
      if (planned instanceof Error) throw planned
      return planned
    },
    close() {},
  }
  return { transport, sent }
}

/** What it takes to deliver a request, and what the delivery did. */
export function planDelivery(
  request: MarketplaceRequest,
  plan: readonly Planned[],
  { onSend = () => {}, ...change }: Partial<DeliveryOptions> & { onSend?: (count: number) => void } = {},
) {
  const clock = new WaitlessClock()
  const { transport, sent } = plannedTransport(clock, plan, onSend)
  const lines: string[] = []
  const never = new AbortController().signal
  const options: DeliveryOptions = {
    request,
    endpoint: { baseUrl: 'https://api.example', token: 'test-token', transport },
    limits: { maxAttempts: 3, attemptTimeoutMs: 1000, retryTimeoutMs: 60_000 },
    clock,
    random: () => 1,
    signal: never,
    abort: never,
    log: { info: (line) => void lines.push(line) },
    ...change,
  }
  return { options, sent, lines, clock, waits: clock.waits }
}
