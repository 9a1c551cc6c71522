// One request and its response over HTTP, on Node's own client: keep-alive, the proxies of the environment, a limit on
// what is read, and for every failure whether the request can have reached the server.

import type { Agent, request as httpRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

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
  /** Whether the body was longer than `maxAnswerBytes`; `text` is then empty. */
  readonly tooLong?: true
}

export interface SendOptions {
  /** For the whole exchange, in milliseconds. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Takes no connection that was open before: one that the server is about to close loses the request. */
  readonly newConnection?: boolean
}

/** What carries requests: the network, or the sandbox. */
export interface Transport {
  /** @throws {TransportError} where no complete response came */
  readonly send: (request: HttpRequest, options: SendOptions) => Promise<HttpResponse>
  readonly close: () => void
}

/** How much of an response is read, in bytes. */
export const maxResponseBytes = 10 * 1024 * 1024

export type TransportFailure = 'connect' | 'timeout' | 'reset' | 'protocol' | 'cancelled' | 'throttled'

/** An exchange without a complete response. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  /** What happened: the connection never opened, nothing came in time, it broke, what came was no HTTP, or we stopped. */
  readonly failure: TransportFailure
  /** Whether the request can have reached the server: false as long as no connection (and its TLS) had opened. */
  readonly mayHaveArrived: boolean
  /** Node's code, such as `ECONNREFUSED`. */
  readonly code: string | undefined
  /** The status of an response that was cut off. */
  readonly status: number | undefined

  constructor(
    failure: TransportFailure,
    message: string,
    facts: { mayHaveArrived: boolean; code?: string | undefined; status?: number | undefined; cause?: unknown },
  ) {
    super(message, { cause: facts.cause })
    this.failure = failure
    this.mayHaveArrived = facts.mayHaveArrived
    this.code = facts.code
    this.status = facts.status
  }
}

/** Node's own client for a protocol, and its connections. */
interface Client {
  readonly agent: Agent
  readonly request: typeof httpRequest
}

/**
 * Opens the network. Proxies are taken from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in either case.
 *
 * @param sockets  how many connections to one host may be open at once
 */
export function openNetwork({
  env,
  sockets = Number.POSITIVE_INFINITY,
}: {
  env: NodeJS.ProcessEnv
  sockets?: number
}): Transport {
  const proxyEnv = proxyVariables(env)
  const clients = new Map<string, Client>()
  const open = async (protocol: string, newConnection: boolean): Promise<Client> => {
    // TLS is loaded where it is used.
    const { Agent, request } = protocol === 'https:' ? await import('node:https') : await import('node:http')
    const agent = new Agent({ keepAlive: !newConnection, maxSockets: sockets, maxFreeSockets: sockets, proxyEnv })
    return { agent, request }
  }
  return {
    async send({ url, ...request }, { newConnection = false, ...options }) {
      const key = `${url.protocol}${newConnection}`
      let client = clients.get(key)
      if (!client) {
        const opened = await open(url.protocol, newConnection)
        // Another request may have opened one in the meantime.
        client = clients.get(key) ?? opened
        clients.set(key, client)
      }
      return exchange({ url, ...request }, options, client)
    },
    close() {
      for (const { agent } of clients.values()) agent.destroy()
    },
  }
}

/** The variables that Node's agents look at, without the rest of the environment. */
function proxyVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()])
  return Object.fromEntries(names.filter((name) => env[name]).map((name) => [name, env[name]]))
}

/** What proves to the proxies who is asking: passwords, in clear and as they are sent. */
export function proxyPasswords(env: NodeJS.ProcessEnv): string[] {
  return Object.entries(proxyVariables(env)).flatMap(([name, text = '']) => {
    if (/^no_/i.test(name) || !URL.canParse(text)) return []
    const { username, password } = new URL(text)
    if (password === '') return []
    try {
      const [user, plain] = [decodeURIComponent(username), decodeURIComponent(password)]
      return [password, plain, `${user}:${plain}`]
    } catch {
      return [password]
    }
  })
}

function exchange(
  { method, url, headers, body }: HttpRequest,
  { timeoutMs, signal }: SendOptions,
  { agent, request }: Client,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    let opened = false
    let status: number | undefined
    const isTls = url.protocol === 'https:'
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    const outgoing = request(url, { method, headers: { ...headers, ...length }, agent })

    const timer = setTimeout(
      () => fail('timeout', `no complete response within ${timeoutMs / 1000} s`),
      Math.min(timeoutMs, 2 ** 31 - 1),
    )
    const cancel = () => fail('cancelled', 'cancelled while waiting for the response')
    signal?.addEventListener('abort', cancel, { once: true })

    function settle(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', cancel)
    }
    function fail(failure: TransportFailure, message: string, cause?: NodeJS.ErrnoException): void {
      settle()
      const never = !opened && failure !== 'cancelled'
      reject(
        new TransportError(never ? 'connect' : failure, never ? connectMessage(message, failure) : message, {
          mayHaveArrived: opened,
          code: cause?.code,
          status,
          cause,
        }),
      )
      outgoing.destroy()
    }
    function broken(error: NodeJS.ErrnoException): void {
      const isNotHttp = error.code?.startsWith('HPE_') && error.code !== 'HPE_INVALID_EOF_STATE'
      if (isNotHttp) fail('protocol', 'the response is not HTTP', error)
      else
        fail(
          'reset',
          opened ? 'the connection broke before the response was complete' : connectFailureReason(error, url),
          error,
        )
    }

    outgoing.once('socket', (socket: Socket | TLSSocket) => {
      const pending =
        socket.connecting || (isTls && (socket as TLSSocket & { secureConnecting?: boolean }).secureConnecting)
      if (!pending) opened = true
      else {
        socket.once(isTls ? 'secureConnect' : 'connect', () => {
          opened = true
        })
      }
    })
    outgoing.once('error', broken)
    outgoing.once('response', (incoming: IncomingMessage) => {
      status = incoming.statusCode
      const chunks: Buffer[] = []
      let bytes = 0
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= maxResponseBytes) return void chunks.push(chunk)
        settle()
        resolve({ status: incoming.statusCode ?? 0, headers: headersOf(incoming), text: '', tooLong: true })
        outgoing.destroy()
      })
      incoming.once('error', broken)
      incoming.once('end', () => {
        if (!incoming.complete) return
        settle()
        const text = Buffer.concat(chunks).toString()
        resolve({ status: incoming.statusCode ?? 0, headers: headersOf(incoming), text })
      })
    })
    if (signal?.aborted) cancel()
    else outgoing.end(body)
  })
}

const headersOf = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))

const connectMessage = (message: string, failure: TransportFailure) =>
  failure === 'timeout' ? `the connection did not open: ${message}` : message

/** Why a connection did not open, and what to look at. */
function connectFailureReason(error: NodeJS.ErrnoException & { port?: number }, url: URL): string {
  const { code = '', message, port } = error
  const wanted = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  if (code === 'ECONNREFUSED' && port !== undefined && port !== wanted) {
    return `the proxy of HTTPS_PROXY or HTTP_PROXY, on port ${port}, refused the connection (${code})`
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the host's name could not be resolved (${code})`
  if (code === 'ECONNREFUSED') return `the host refused the connection (${code})`
  if (code.startsWith('ERR_PROXY')) return `the proxy refused the connection (${code}): ${message}`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `TLS failed: the certificate is for another host (${code})`
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return `TLS failed: the certificate is out of date, or the clock here is (${code})`
  }
  if (/CERT|SIGNATURE|^INVALID_(CA|PURPOSE)$/.test(code) && !code.startsWith('ERR_SSL')) {
    return `TLS failed: the certificate is not trusted (${code}); set NODE_EXTRA_CA_CERTS to a file with that of its authority, such as an intercepting proxy's own`
  }
  if (/^EPROTO$|TLS|SSL/.test(code)) return `TLS failed (${code}): is https spoken there?`
  return `the connection could not be opened (${code || message})`
}
