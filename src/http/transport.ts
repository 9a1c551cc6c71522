// What a request, its response and what carries them are.

import type { ProxyName } from './proxy.ts'

export interface HttpRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** JSON. */
  readonly body?: string | undefined
}

export interface HttpResponse {
  readonly status: number
  /** With names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** Whether the body was longer than `maxResponseBytes` (exchange.ts); `text` is then empty. */
  readonly tooLong?: true
  /** Set if this proxy may have answered in the server's place: over plain http the two cannot be distinguished. */
  readonly proxy?: ProxyName
}

export interface SendOptions {
  /** For the whole exchange, in milliseconds. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Opens a new connection: a kept-alive one may be closed by the server just as the request is written. */
  readonly newConnection?: boolean
}

/** What carries requests: the network, or the sandbox. */
export interface Transport {
  /** @throws {TransportError} if no complete response came */
  readonly send: (request: HttpRequest, options: SendOptions) => Promise<HttpResponse>
  /** Closes all connections, those that have not opened included. */
  readonly close: () => void
}
