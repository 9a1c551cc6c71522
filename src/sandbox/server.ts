// The sandbox over HTTP on loopback. Tests can inject faults.

import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import type { OperationName } from '../operations/operation.ts'
import type { Fault } from './fault.ts'
import { createMarketplace, type SandboxAnswer } from './marketplace.ts'
import { matchRoute } from './route.ts'
import { openStore, type Store } from './store.ts'

export type { Fault } from './fault.ts'

/** A request that arrived, with the status of its response, if there was one. */
export interface Arrival {
  /** Undefined if the request matches no operation. */
  readonly operation: OperationName | undefined
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** Parsed; the text if it is not JSON. */
  readonly body: unknown
  status?: number
  /** The status that processing gave, even if no response was sent. */
  worked?: number
}

/** A running sandbox. */
export interface SandboxServer {
  readonly url: string
  readonly arrivals: readonly Arrival[]
  /** Returns the fault of each request, if any. May be replaced at any time. */
  faults: (arrival: Arrival) => Fault | undefined | Promise<Fault | undefined>
  /** Closes the server; requests in flight get one second to finish. */
  readonly close: () => Promise<void>
}

/** The start of a response whose end never comes. */
const half = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"in'

/** Options of a server. */
export interface ServerOptions {
  readonly port?: number
  readonly store?: Store
  readonly faults?: SandboxServer['faults']
  readonly onAnswer?: (arrival: Arrival) => void
  /** The clock, by which invoices age. */
  readonly now?: () => Date
  /** Whether to record arrivals. A server that runs for long should not. */
  readonly keepsArrivals?: boolean
}

/** Starts a sandbox on 127.0.0.1. Port 0, the default, chooses a free one. Rejects if the port is in use. */
export async function startSandboxServer(options: ServerOptions = {}): Promise<SandboxServer> {
  const { onAnswer, now = () => new Date(), keepsArrivals = true, store = openStore() } = options
  const marketplace = createMarketplace({ store, now, random: randomBytes })
  const arrivals: Arrival[] = []
  const closing = new AbortController()
  const stalled = new Set<Socket>()

  async function exchange(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers, socket } = incoming
    const text = (await buffer(incoming)).toString()
    const arrival: Arrival = { operation: operationOf(method, path), method, path, headers, body: parseOrText(text) }
    if (keepsArrivals) arrivals.push(arrival)
    const work = async () => {
      const done = await marketplace.handle({ method, path, authorization: headers.authorization, body: text })
      arrival.worked = done.status
      return done
    }
    const answer = (given: Partial<SandboxAnswer> & { status: number }) => {
      arrival.status = given.status
      sendResponse(outgoing, given)
      onAnswer?.(arrival)
    }
    const fault = await server.faults(arrival)
    switch (fault?.type) {
      case undefined:
        return answer(await work())
      case 'answer':
        return answer(fault)
      case 'replace': {
        const done = await work()
        return answer({ ...done, ...fault, headers: { ...done.headers, ...fault.headers } })
      }
      case 'delay':
        await pause(fault.ms, undefined, { signal: closing.signal })
        return answer(await work())
      case 'drop':
        if (fault.work) await work()
        return void socket.destroy()
      case 'stall':
        if (closing.signal.aborted) socket.destroy()
        return void stalled.add(socket)
      case 'cut':
        await work()
        return void socket.end(half)
      case 'halt':
        await work()
        socket.write(half)
        if (closing.signal.aborted) socket.destroy()
        return void stalled.add(socket)
      case 'garbage':
        await work()
        return void socket.end('SSH-2.0-OpenSSH_9.6\r\n')
    }
  }

  const http = createServer((incoming, outgoing) => {
    exchange(incoming, outgoing).catch((error: unknown) => {
      // The client went away, or the server is closing.
      if (incoming.errored || closing.signal.aborted) return void incoming.socket.destroy()
      console.error(error)
      if (outgoing.headersSent) incoming.socket.destroy()
      else outgoing.writeHead(500).end()
    })
  })
  await new Promise<void>((resolve, reject) =>
    http.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve),
  )

  async function shut(): Promise<void> {
    closing.abort()
    const late = setTimeout(() => http.closeAllConnections(), 1000)
    const closed = new Promise((resolve) => http.close(resolve))
    for (const socket of stalled) socket.destroy()
    await closed
    clearTimeout(late)
    store.close()
  }
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= shut()
    return closed
  }

  const server: SandboxServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    arrivals,
    faults: options.faults ?? (() => undefined),
    close,
  }
  return server
}

function sendResponse(
  outgoing: ServerResponse,
  { status, headers, body }: Partial<SandboxAnswer> & { status: number },
): void {
  outgoing.writeHead(status, { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers })
  outgoing.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body))
}

function operationOf(method: string, path: string): OperationName | undefined {
  try {
    return matchRoute(method, path).operation.name
  } catch {
    return undefined
  }
}

function parseOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text === '' ? undefined : text
  }
}
