// How a request is delivered with a slot of the limiter.

import type { DeliveryOptions, Endpoint } from '../../delivery/deliver.ts'
import type { Limits } from '../../delivery/retry.ts'
import type { Transport } from '../../http/transport.ts'
import type { MarketplaceRequest } from '../../operations/request.ts'
import type { Clock } from '../../runtime.ts'
import type { AdaptiveLimiter } from './limiter.ts'
import type { Slot } from './slot.ts'

/** What all requests of a batch share. */
export interface SlotDelivery {
  readonly endpoint: Omit<Endpoint, 'token'>
  readonly limiter: AdaptiveLimiter
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  readonly signal: AbortSignal
  /** Aborts requests in flight. */
  readonly abort: AbortSignal
  /** Gets a line for each attempt; undefined if debug logging is off. */
  readonly debug: ((line: string) => void) | undefined
}

export interface SlotRequest {
  readonly request: MarketplaceRequest
  readonly token: string
  readonly slot: Slot
  readonly limits: Limits
  /** Line of the batch file, for debug lines. */
  readonly line: number
  /** Removes secrets from debug lines. */
  readonly scrub: (text: string) => string
  /** Instead of the endpoint's. */
  readonly transport?: Transport
}

const silentLog = { info: () => {} }

/** The options to deliver a request. The time that it waits for a slot does not count towards its limits. */
export function slotDeliveryOptions(
  { endpoint, limiter, clock, random, signal, abort, debug }: SlotDelivery,
  { request, token, slot, limits, line, scrub, transport = endpoint.transport }: SlotRequest,
): DeliveryOptions {
  return {
    request,
    endpoint: { baseUrl: endpoint.baseUrl, token, transport: limiter.transport(transport, slot) },
    limits,
    clock: { now: clock.now, monotonic: () => clock.monotonic() - slot.waitedMs, sleep: clock.sleep },
    random,
    signal,
    abort,
    log: debug ? { info: (text: string) => debug(scrub(`line ${line}: ${text}`)) } : silentLog,
  }
}
