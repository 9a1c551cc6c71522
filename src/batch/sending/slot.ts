// What a record holds while it is sent, and what a batch waits for.

import type { HttpRequest } from '../../http/transport.ts'

/** A record's slot in the limiter, which it keeps between attempts. */
export interface Slot {
  readonly installation: string
  /** Whether the slot is acquired, so that the next request is sent without waiting. */
  acquired: boolean
  /** Milliseconds spent waiting for a slot. */
  waitedMs: number
  /** Records that the request is about to be sent; awaited before it is sent. */
  beforeSend?: (request: HttpRequest) => Promise<void>
  /** Called if the request was certainly not processed: it is sent again, or the batch ends. */
  onNotProcessed?: (request: HttpRequest) => void
  /** Called if the request has arrived, or may have. */
  onMayHaveArrived?: () => void
  /** When a connection for this record first failed to open. */
  unopenedSince?: number
}

/** What all requests wait for. */
export interface BatchWait {
  readonly reason: 'throttled' | 'unopened'
  /** When the rate limit ends, or when the batch gives up on the host. */
  readonly until: Date
}

/** Why nothing more is sent. */
export interface GivenUp extends BatchWait {
  /** Why the last connection did not open: a clause. */
  readonly detail?: string
}
