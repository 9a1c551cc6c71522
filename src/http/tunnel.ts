// https through a proxy: a tunnel that the proxy opens on CONNECT (RFC 9110 §9.3.6), and TLS to the server inside it.

import { request as httpRequest } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Client, PoolOptions } from './exchange.ts'
import type { ProxyName, ProxyServer } from './proxy.ts'
import { connectFailureReason, ProxyError } from './transport-error.ts'

/** How much of a proxy's response to CONNECT is read, in bytes. */
const maxConnectResponseBytes = 16 * 1024

/** The end of the exchange that a connection is opened for travels to `createConnection` in the request's options. */
interface TunnelOptions extends RequestOptions {
  readonly ended?: AbortSignal
}

type Connected = (error: Error | null, stream: Duplex) => void

/** A client for https URLs behind a proxy. Tunnels stay open for further requests, as connections do without a proxy. */
export function openTunnelClient(proxy: ProxyServer, { keepAlive, sockets }: PoolOptions): Client {
  const agent = new TunnelAgent(proxy, { keepAlive, sockets })
  return {
    proxy: proxy.name,
    start(url, options, ended) {
      const tunnelOptions: TunnelOptions = { ...options, agent, ...(ended && { ended }) }
      return httpsRequest(url, tunnelOptions)
    },
    close: () => agent.destroy(),
  }
}

class TunnelAgent extends Agent {
  readonly #proxy: ProxyServer
  /** Requests for a tunnel that the proxy has not answered. The agent has the connections inside tunnels. */
  readonly #connecting = new Set<{ destroy(): unknown }>()
  /** The ends of exchanges that a connection was opened for. */
  readonly #ends = new WeakSet<AbortSignal>()
  #isClosed = false

  constructor(proxy: ProxyServer, { keepAlive, sockets }: PoolOptions) {
    super({ keepAlive, maxSockets: sockets, maxFreeSockets: sockets })
    this.#proxy = proxy
  }

  override createConnection(options: TunnelOptions, connected: Connected): undefined {
    const fail = (error: Error) => connected(error, undefined as unknown as Duplex)
    const tunnelled = (tunnel: Socket) => {
      // TLS reports what goes wrong with the tunnel from here on.
      tunnel.on('error', () => {})
      const secure = super.createConnection({ ...options, socket: tunnel } as RequestOptions) as Socket
      secure.once('close', () => tunnel.destroy())
      connected(null, secure)
    }
    if (this.#isClosed) {
      process.nextTick(fail, new ProxyError('the network is closed'))
      return
    }
    // An exchange that waited for a connection comes with the options of one that closed, and so with another's end.
    const ended = options.ended && !this.#ends.has(options.ended) ? options.ended : undefined
    if (ended) this.#ends.add(ended)
    const connecting = openTunnel(this.#proxy, authorityOf(options), {
      opened: (tunnel) => {
        settle()
        tunnelled(tunnel)
      },
      failed: (error) => {
        settle()
        fail(error)
      },
    })
    const end = () => connecting.destroy()
    const settle = () => {
      this.#connecting.delete(connecting)
      ended?.removeEventListener('abort', end)
    }
    this.#connecting.add(connecting)
    ended?.addEventListener('abort', end)
  }

  override destroy(): void {
    this.#isClosed = true
    super.destroy()
    for (const connecting of this.#connecting) connecting.destroy()
  }
}

/** `host:port` of the server, an IPv6 address in brackets. */
function authorityOf({ host, port }: RequestOptions): string {
  const name = host ?? ''
  return `${isIP(name) === 6 ? `[${name}]` : name}:${port || 443}`
}

interface TunnelEvents {
  readonly opened: (tunnel: Socket) => void
  readonly failed: (error: ProxyError) => void
}

/**
 * Asks a proxy for a tunnel; one of `events` is called, once.
 *
 * @param authority  `host:port` of the server
 * @returns the request to the proxy, which `destroy` ends
 */
function openTunnel(proxy: ProxyServer, authority: string, events: TunnelEvents): { destroy(): unknown } {
  const { name, isTls, host, port, authorization } = proxy
  let hasConnected = false
  const connect = (isTls ? httpsRequest : httpRequest)({
    method: 'CONNECT',
    host,
    port,
    // Node would take the name in `Host` for the proxy's.
    servername: isIP(host) ? '' : host,
    path: authority,
    headers: {
      host: authority,
      'proxy-connection': 'keep-alive',
      ...(authorization && { 'proxy-authorization': authorization }),
    },
    agent: false,
    maxHeaderSize: maxConnectResponseBytes,
  })
  connect.once('socket', (socket) => {
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      hasConnected = true
    })
  })
  connect.on('error', (error: NodeJS.ErrnoException) => {
    const reason = hasConnected ? brokenReason(error, name) : connectFailureReason(error, { to: name })
    events.failed(new ProxyError(reason, error.code))
  })
  connect.once('connect', ({ statusCode = 0 }, socket, head) => {
    if (statusCode >= 200 && statusCode <= 299) {
      socket.unshift(head)
      events.opened(socket)
    } else {
      // How the connection breaks after the refusal does not matter; without a listener it would end the process.
      socket.on('error', () => {}).destroy()
      events.failed(new ProxyError(refusalReason(statusCode, authority, proxy)))
    }
  })
  connect.end()
  return connect
}

function brokenReason({ code = '' }: NodeJS.ErrnoException, { address }: ProxyName): string {
  if (code === 'HPE_HEADER_OVERFLOW') return `the proxy ${address} sent too long a response to CONNECT`
  if (code.startsWith('HPE_')) {
    return `the proxy ${address} did not answer CONNECT with HTTP: check that a proxy listens there`
  }
  return `the proxy ${address} closed the connection without an answer to CONNECT${code && ` (${code})`}`
}

function refusalReason(status: number, authority: string, { name, authorization }: ProxyServer): string {
  const { address, variable } = name
  const refused = `the proxy ${address} refused the connection with ${status}`
  // Some proxies answer a wrong password with 401, such as tinyproxy.
  if (status === 407 || status === 401) {
    return authorization === undefined
      ? `${refused}: add a user and password to ${variable}`
      : `${refused}: check the user and password in ${variable}`
  }
  if (status >= 500) return `${refused}: it may be unable to reach ${authority}`
  return `${refused}: check whether it allows connections to ${authority}`
}
