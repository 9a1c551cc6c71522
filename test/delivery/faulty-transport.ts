// A transport to a sandbox in memory, whose requests meet the faults of a sandbox server.

import { randomBytes } from 'node:crypto'
import type { HttpRequest, HttpResponse, Transport } from '../../src/http/transport.ts'
import { TransportError } from '../../src/http/transport-error.ts'
import { createMarketplace } from '../../src/sandbox/marketplace.ts'
import type { Fault } from '../../src/sandbox/server.ts'
import type { Store } from '../../src/sandbox/store.ts'

/** A request that arrived, with the status that processing gave. */
export interface MemoryArrival {
  readonly method: string
  /** Parsed. */
  readonly body: unknown
  worked?: number
}

/**
 * @param nextFault  the fault of a request, if any; `delay` and `halt` are not supported
 * @param arrivals   gets every request
 */
export function faultyTransport(
  store: Store,
  nextFault: (request: HttpRequest) => Fault | undefined,
  arrivals: MemoryArrival[],
): Transport {
  const marketplace = createMarketplace({ store, now: () => new Date(), random: randomBytes })

  async function send(request: HttpRequest): Promise<HttpResponse> {
    const { method, url, headers, body } = request
    const arrival: MemoryArrival = { method, body: body === undefined ? undefined : JSON.parse(body) }
    arrivals.push(arrival)
    const work = async () => {
      const { authorization = headers.Authorization } = headers
      const answer = await marketplace.handle({ method, path: url.pathname + url.search, authorization, body })
      arrival.worked = answer.status
      return responseOf(answer)
    }
    const fault = nextFault(request)
    switch (fault?.type) {
      case undefined:
        return work()
      case 'answer':
        return responseOf(fault)
      case 'replace':
        return { ...(await work()), ...responseOf({ status: 200, ...fault }) }
      case 'drop':
        if (fault.work) await work()
        throw new TransportError('reset', 'the connection broke', { mayHaveArrived: true })
      case 'cut':
        await work()
        throw new TransportError('reset', 'the connection broke', { mayHaveArrived: true, status: 200 })
      case 'garbage':
        await work()
        throw new TransportError('protocol', 'the response is not HTTP', { mayHaveArrived: true })
      case 'stall':
        throw new TransportError('timeout', 'no response came in time', { mayHaveArrived: true })
      default:
        throw new Error(`${fault?.type} is not supported`)
    }
  }
  return { send, close() {} }
}

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

const responseOf = ({ status, headers = {}, body }: Answer): HttpResponse => ({
  status,
  headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
  text: body === undefined ? '' : JSON.stringify(body),
})
