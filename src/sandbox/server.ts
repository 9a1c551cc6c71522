// The sandbox over HTTP, on loopback; for tests it can be told to fail.

import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { createMarketplace, type SandboxAnswer } from './marketplace.ts'
import { openStore, type Store } from './store.ts'

/** A request as it arrived, and the status that it was answered with, if it was. */
export interface Arrival {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
  status?: number
  /** What the work ended with, whether or not that was answered. */
  worked?: number
}

/**
 * What goes wrong with a request:
 * - `answer`: nothing is done, and this is answered
 * - `drop`: the connection breaks, before or after the work is done
 * - `stall`: nothing is done, and no answer ever comes
 * - `cut`: the work is done, and half of the answer comes
 * - `garbage`: the work is done, and what comes is no HTTP
 * - `replace`: the work is done, and this is answered
 */
export type Fault =
  | {
      readonly type: 'answer'
      readonly status: number
      readonly headers?: Record<string, string>
      readonly body?: unknown
    }
  | { readonly type: 'drop'; readonly work: boolean }
  | { readonly type: 'stall' | 'cut' | 'garbage' }
  | {
      readonly type: 'replace'
      readonly status?: number
      readonly headers?: Record<string, string>
      readonly body?: unknown
    }

export interface SandboxServer {
  readonly url: string
  readonly arrivals: readonly Arrival[]
  /** Asked about each request; may be replaced at any time. */
  faults: (arrival: Arrival) => Fault | undefined | Promise<Fault | undefined>
  readonly close: () => Promise<void>
}

export interface ServerOptions {
  readonly port?: number
  readonly store?: Store
  readonly faults?: SandboxServer['faults']
  readonly onAnswer?: (arrival: Arrival) => void
}

/** Starts a sandbox on 127.0.0.1. Port 0 takes any that is free. */
export async function startSandboxServer(options: ServerOptions = {}): Promise<SandboxServer> {
  const store = options.store ?? openStore()
  const marketplace = createMarketplace({ store, now: () => new Date(), random: randomBytes })
  const arrivals: Arrival[] = []

  async function exchange(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const text = (await buffer(incoming)).toString()
    const { method = '', url: path = '', headers } = incoming
    const arrival: Arrival = { method, path, headers, body: parsed(text) }
    arrivals.push(arrival)
    const fault = await server.faults(arrival)
    const work = async () => {
      const { authorization } = headers
      const done = await marketplace.handle({ method, path: path.split('?')[0] ?? '', authorization, body: text })
      arrival.worked = done.status
      return done
    }
    const answer = (given: Partial<SandboxAnswer> & { status: number }) => {
      arrival.status = given.status
      outgoing.writeHead(given.status, {
        ...given.headers,
        ...(given.body !== undefined && { 'content-type': 'application/json' }),
      })
      outgoing.end(typeof given.body === 'string' || given.body === undefined ? given.body : JSON.stringify(given.body))
      options.onAnswer?.(arrival)
    }
    switch (fault?.type) {
      case undefined:
        return answer(await work())
      case 'answer':
        return answer(fault)
      case 'drop':
        if (fault.work) await work()
        return void incoming.socket.destroy()
      case 'stall':
        return
      case 'cut':
        await work()
        return void incoming.socket.end(
          'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"in',
        )
      case 'garbage':
        await work()
        return void incoming.socket.end('SSH-2.0-OpenSSH_9.6\r\n')
      case 'replace': {
        const done = await work()
        return answer({ ...done, ...fault, headers: { ...done.headers, ...fault.headers } })
      }
    }
  }

  const http = createServer((incoming, outgoing) => {
    exchange(incoming, outgoing).catch((error) => {
      // The client went away.
      if (!incoming.errored) throw error
    })
  })
  await new Promise<void>((resolve, reject) =>
    http.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve),
  )
  const server: SandboxServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    arrivals,
    faults: options.faults ?? (() => undefined),
    close: () =>
      new Promise((resolve) => {
        http.close(() => {
          store.close()
          resolve()
        })
        http.closeAllConnections()
      }),
  }
  return server
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text === '' ? undefined : text
  }
}
