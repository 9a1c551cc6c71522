// One request and its response on a connection of Node's: time-outs, a limit on what is read, and for every failure
// whether the request can have reached the server.

import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { ProxyName } from './proxy.ts'
import type { HttpRequest, HttpResponse, SendOptions } from './transport.ts'
import { connectFailureReason, ProxyError, TransportError, type TransportFailure } from './transport-error.ts'

/** Node's own client for one protocol, and its connections. */
export interface Client {
  /** The proxy between this client and the server. */
  readonly proxy?: ProxyName
  /**
   * Creates a request; its `end` sends it.
   *
   * @param ended  aborted when the exchange is over; given if there is a proxy
   */
  readonly start: (
    url: URL,
    options: { readonly method: string; readonly headers: Record<string, string | number> },
    ended: AbortSignal | undefined,
  ) => ClientRequest
  /** Closes all connections, those that have not opened included. */
  readonly close: () => void
}

export interface PoolOptions {
  /** Whether a connection stays open for further requests. */
  readonly keepAlive: boolean
  /** How many connections to one host may be open at once. */
  readonly sockets: number
}

/** How much of a response is read, in bytes. */
export const maxResponseBytes = 10 * 1024 * 1024

/** A timer holds 24.8 days at most. */
const maxTimerMs = 2 ** 31 - 1

/**
 * Sends one request and reads its response.
 *
 * @throws {TransportError} if no complete response came
 */
export function exchange(
  { method, url, headers, body }: HttpRequest,
  { timeoutMs, signal }: SendOptions,
  { start, proxy }: Client,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    let opened = false
    let status: number | undefined
    const ended = proxy && new AbortController()
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    const outgoing = start(url, { method, headers: { ...headers, ...length } }, ended?.signal)

    const timer = setTimeout(() => fail('timeout', timeoutReason()), Math.min(timeoutMs, maxTimerMs))
    const cancel = () => fail('cancelled', 'cancelled while waiting for the response')
    signal?.addEventListener('abort', cancel)

    function settle(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', cancel)
      ended?.abort()
    }
    function fail(failure: TransportFailure, message: string, cause?: NodeJS.ErrnoException): void {
      settle()
      const kind = !opened && failure !== 'cancelled' ? 'connect' : failure
      reject(new TransportError(kind, message, { mayHaveArrived: opened, code: cause?.code, status }))
      outgoing.destroy()
    }
    function timeoutReason(): string {
      const seconds = `${timeoutMs / 1000} s`
      if (proxy && !opened) return `the proxy ${proxy.address} opened no connection to ${url.host} within ${seconds}`
      const reason = `no complete response within ${seconds}`
      return opened ? reason : `the connection did not open: ${reason}`
    }
    function broken(error: NodeJS.ErrnoException): void {
      if (error instanceof ProxyError) fail('reset', error.message, error)
      else if (!opened) fail('reset', unopenedReason(error), error)
      else if (error.code === 'HPE_HEADER_OVERFLOW') fail('protocol', "the response's headers are too long", error)
      else if (isNotHttp(error)) fail('protocol', 'the response is not HTTP', error)
      else fail('reset', 'the connection broke before the response was complete', error)
    }
    function unopenedReason(error: NodeJS.ErrnoException): string {
      // Inside a tunnel the connection is the server's; to a proxy that forwards, it is the proxy's.
      return connectFailureReason(error, url.protocol === 'http:' ? { to: proxy } : { through: proxy })
    }
    function answer(incoming: IncomingMessage, content: Pick<HttpResponse, 'text' | 'tooLong'>): void {
      settle()
      const mayBeProxy = proxy && url.protocol === 'http:' && { proxy }
      resolve({ status: incoming.statusCode ?? 0, headers: headersOf(incoming), ...content, ...mayBeProxy })
    }

    outgoing.once('socket', (socket: Socket & { secureConnecting?: boolean; encrypted?: boolean }) => {
      // Without a file descriptor (EMFILE) a new connection has failed before the request gets it.
      if (socket.destroyed && !outgoing.reusedSocket) return
      if (!socket.connecting && !socket.secureConnecting) opened = true
      else {
        socket.once(socket.encrypted ? 'secureConnect' : 'connect', () => {
          opened = true
        })
      }
    })
    outgoing.on('error', broken)
    // Node would leave the request without an end.
    outgoing.once('upgrade', () => fail('protocol', 'the response switches to another protocol (101)'))
    outgoing.once('response', (incoming: IncomingMessage) => {
      status = incoming.statusCode
      const chunks: Buffer[] = []
      let bytes = 0
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= maxResponseBytes) return void chunks.push(chunk)
        answer(incoming, { text: '', tooLong: true })
        outgoing.destroy()
      })
      incoming.once('error', broken)
      incoming.once('end', () => {
        if (incoming.complete) answer(incoming, { text: Buffer.concat(chunks).toString() })
      })
    })
    if (signal?.aborted) cancel()
    else outgoing.end(body)
  })
}

const isNotHttp = ({ code }: NodeJS.ErrnoException) => code?.startsWith('HPE_')

/** The header fields of a response, of which one that comes several times is joined by commas. */
const headersOf = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
