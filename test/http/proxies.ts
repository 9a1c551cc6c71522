// Proxies that answer CONNECT in every way, and a server behind them: both count what reaches them.

import { once } from 'node:events'
import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { onTestFinished } from 'vitest'
import { openNetwork } from '../../src/http/network.ts'
import type { SendOptions } from '../../src/http/transport.ts'
import { makeCertificates } from '../e2e/certificates.ts'

/** A status, which is answered while the connection stays open, or what happens instead. */
export type ProxyAnswer =
  | number
  | 'silence'
  | 'garbage'
  | 'close'
  | 'half'
  | 'close after 200'
  | 'close after 299'
  | 'garbage after 200'
  | 'silence after 200'
  | 'huge'
  | 'tunnel'

export interface TestProxy {
  /** `127.0.0.1:port`. */
  readonly address: string
  /** The head of every request. */
  readonly heads: string[]
  /** Connections so far. */
  connections: number
  /** How the next requests are answered. */
  answer: (request: number) => ProxyAnswer
  /** Resolves at the next request, or at the first bytes for the server if they get no answer. */
  readonly nextRequest: () => Promise<unknown>
  /** Resolves when no connection is open. */
  readonly isIdle: () => Promise<void>
}

/**
 * Starts a proxy. Every tunnel leads to `port` on loopback, for any name.
 *
 * @param tls  certificate and key, for a proxy that is spoken to in TLS
 */
export async function startProxy(
  answer: ProxyAnswer | TestProxy['answer'],
  { port = 0, tls }: { port?: number; tls?: { cert: string; key: string | Buffer } } = {},
): Promise<TestProxy> {
  const open = new Set<Socket>()
  const handle = (socket: Socket) => {
    let head = ''
    const read = (chunk: Buffer) => {
      head += chunk
      if (!head.includes('\r\n\r\n')) return
      socket.off('data', read)
      const answer = proxy.answer(proxy.heads.push(head) - 1)
      if (answer === 'silence after 200') socket.once('data', () => server.emit('head'))
      else server.emit('head')
      act(socket, answer)
    }
    socket.on('data', read).on('error', () => {})
  }
  function act(socket: Socket, answer: ProxyAnswer): void {
    const established = 'HTTP/1.1 200 Connection established\r\n\r\n'
    if (typeof answer === 'number') socket.write(`HTTP/1.1 ${answer} No\r\ncontent-length: 0\r\n\r\n`)
    else if (answer === 'garbage') socket.write('SSH-2.0-OpenSSH_9.6\r\n\r\n')
    else if (answer === 'huge') socket.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}`)
    else if (answer === 'close') socket.end()
    else if (answer === 'half') socket.end('HTTP/1.1 200 OK\r\nx: ')
    else if (answer === 'close after 200') socket.end(established)
    else if (answer === 'close after 299') socket.end(established.replace('200', '299'))
    else if (answer === 'garbage after 200') socket.write(`${established}SSH-2.0-OpenSSH_9.6\r\n\r\n`)
    else if (answer === 'silence after 200') socket.write(established)
    else if (answer === 'tunnel') {
      const target = connect(port, '127.0.0.1').on('error', () => {})
      socket.on('close', () => target.destroy())
      target.on('close', () => socket.destroy())
      socket.write(established)
      socket.pipe(target).pipe(socket)
    }
    socket.resume()
  }
  const server: Server = tls ? createTlsServer(tls, handle) : createServer(handle)
  server.on('connection', (socket: Socket) => {
    proxy.connections++
    open.add(socket)
    socket
      .on('error', () => {})
      .once('close', () => {
        open.delete(socket)
        server.emit('closed')
      })
  })
  const proxy: TestProxy = {
    address: `127.0.0.1:${await listen(server)}`,
    heads: [],
    connections: 0,
    answer: typeof answer === 'function' ? answer : () => answer,
    nextRequest: () => once(server, 'head'),
    async isIdle() {
      while (open.size > 0) await once(server, 'closed')
    },
  }
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
  })
  return proxy
}

/** The name of the server that stands behind the proxies. */
export const serverName = 'marketplace.test'

export interface TestServer {
  readonly port: number
  /** Its URL, which only a proxy can reach. */
  readonly url: string
  /** PEM of the authority that signed its certificate. */
  readonly authority: string
  readonly requests: { readonly line: string; readonly headers: IncomingHttpHeaders }[]
}

/** Answers with 200 and a body. */
export const answerWith =
  (body: object): RequestListener =>
  (_, outgoing) =>
    outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))

/** Starts an https server. */
export async function startServer(answer: RequestListener = answerWith({})): Promise<TestServer> {
  const { authority, cert, key } = makeCertificates({ host: serverName })
  const requests: TestServer['requests'] = []
  const server = createHttpsServer({ cert, key }, (incoming, outgoing) => {
    requests.push({ line: `${incoming.method} ${incoming.url}`, headers: incoming.headers })
    answer(incoming.resume(), outgoing)
  })
  onTestFinished(() => server.closeAllConnections())
  const port = await listen(server)
  return { port, url: `https://${serverName}:${port}`, authority, requests }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** What NODE_EXTRA_CA_CERTS does to a process. */
export function trust(...authorities: string[]): void {
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, ...authorities])
  onTestFinished(() => setDefaultCACertificates(before))
}

/** A network that reaches https servers through a proxy. */
export function through(proxy: TestProxy, url = `http://${proxy.address}`, sockets = 16) {
  const network = openNetwork({ env: { HTTPS_PROXY: url }, sockets })
  onTestFinished(network.close)
  const send = (target: string, options: Partial<SendOptions> = {}) =>
    network.send({ method: 'GET', url: new URL(target), headers: {} }, { timeoutMs: 20_000, ...options })
  return { send, close: network.close }
}
