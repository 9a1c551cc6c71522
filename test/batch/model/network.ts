// The network between a batch and the model of Vercel, on which anything can happen to a request.

import type { HttpRequest, HttpResponse, SendOptions, Transport } from '../../../src/http/transport.ts'
import { TransportError } from '../../../src/http/transport-error.ts'
import type { Clock } from '../../../src/runtime.ts'
import { markActivity, step } from './machine.ts'
import { answer, type Truths, type VercelModel } from './vercel.ts'

/** What happens to requests that are processed, and whose sender does not see the answer. */
export const lostFates = ['reset after', 'time-out after', '502 after', '504 after', 'HTML after', 'late'] as const
/** What happens to requests that are not processed, which the sender cannot know. */
export const unclearFates = ['reset before', 'time-out before', '500', '503', '408', 'HTML before'] as const
/** What happens to requests that were certainly not processed. */
export const untouchedFates = ['refused', '429', '429 with a wait', '429 for a day'] as const
export const rejectedFates = ['400', '401', '403', '404', '410', 'conflict'] as const
export const answeredFates = ['answered', 'slow'] as const

export type Fate =
  | (typeof lostFates)[number]
  | (typeof unclearFates)[number]
  | (typeof untouchedFates)[number]
  | (typeof rejectedFates)[number]
  | (typeof answeredFates)[number]

const lost = new Set<string>(lostFates)
const unclear = new Set<string>(unclearFates)

const html: HttpResponse = { status: 200, headers: { 'content-type': 'text/html' }, text: '<html>Welcome</html>' }
const slowMs = 900

const dead = () => new TransportError('cancelled', 'the process was killed', { mayHaveArrived: false })
const brokenOff = (kind: 'reset' | 'timeout') => new TransportError(kind, 'no response', { mayHaveArrived: true })
const refused = () =>
  new TransportError('connect', 'the host refused the connection', { mayHaveArrived: false, code: 'ECONNREFUSED' })

/** The answers of requests that were not processed. */
const answers: Readonly<Partial<Record<Fate, HttpResponse>>> = {
  '429': answer(429, { error: { code: 'rate_limited', message: 'Too many requests' } }),
  '429 with a wait': { ...answer(429), headers: { 'retry-after': '2' } },
  '429 for a day': { ...answer(429), headers: { 'retry-after': '86400' } },
  '401': answer(401, { error: { code: 'forbidden', message: 'No' } }),
  '403': answer(403, { error: { code: 'forbidden', message: 'No' } }),
  '404': answer(404, { error: { code: 'not_found', message: 'No' } }),
  '408': answer(408),
  '410': answer(410, { error: { code: 'gone', message: 'The installation has been deleted' } }),
  '500': answer(500, { error: { code: 'internal_server_error', message: 'Try later' } }),
  '503': answer(503),
  conflict: answer(409, { error: { code: 'conflict', message: 'The billing period overlaps one that was billed' } }),
  'HTML before': html,
}

const badRequest = (message: string) => answer(400, { error: { code: 'bad_request', message } })

export interface NetworkOptions {
  readonly vercel: VercelModel
  readonly clock: Clock
  /** Of requests that change something, in the order in which they are sent; afterwards all are answered. */
  readonly fates: readonly Fate[]
  /** Of requests that only read. */
  readonly readFates: readonly Fate[]
  /** After how many requests one that is late arrives. */
  readonly lateAfter: number
  /** Called before each request, with the number of those before it. */
  readonly onRequest: (count: number) => void
  /** Gets a line for each request. */
  readonly trace: ((line: string) => void) | undefined
}

interface LateRequest {
  readonly request: HttpRequest
  readonly epoch: Truths
}

/** The requests that are on their way, for all runs of a sequence. */
export class LateRequests {
  readonly #vercel: VercelModel
  readonly #waiting: LateRequest[] = []

  constructor(vercel: VercelModel) {
    this.#vercel = vercel
  }

  add(request: HttpRequest): void {
    const epoch = this.#vercel.epoch
    this.#waiting.push({ request, epoch })
    const name = this.#vercel.classOf(request)
    if (name !== undefined) this.#vercel.truthOf(name, epoch).late++
  }

  /** Processes the oldest one. @returns whether there was one */
  landOne(): boolean {
    const next = this.#waiting.shift()
    if (!next) return false
    const { request, epoch } = next
    const name = this.#vercel.classOf(request)
    if (name !== undefined) this.#vercel.truthOf(name, epoch).late--
    this.#vercel.handle(request, epoch)
    return true
  }
}

export function modelNetwork(options: NetworkOptions, late: LateRequests): Transport {
  const { vercel, clock, fates, readFates, lateAfter, onRequest, trace } = options
  const next = { write: 0, read: 0 }
  let count = 0

  function exchange(request: HttpRequest, fate: Fate): HttpResponse {
    if (fate === 'refused') throw refused()
    const name = vercel.classOf(request)
    if (name !== undefined && (lost.has(fate) || unclear.has(fate))) vercel.truthOf(name).risky++
    if (fate === 'reset before') throw brokenOff('reset')
    if (fate === 'time-out before') throw brokenOff('timeout')
    // A server that repeats what it was sent, secrets included.
    if (fate === '400') return badRequest(`${request.headers.authorization} ${request.body}`)
    const prepared = answers[fate]
    if (prepared) return prepared
    if (fate === 'late') {
      late.add(request)
      throw brokenOff('timeout')
    }
    const response = vercel.handle(request)
    if (fate === 'reset after') throw brokenOff('reset')
    if (fate === 'time-out after') throw brokenOff('timeout')
    if (fate === '502 after' || fate === '504 after') return answer(Number(fate.slice(0, 3)))
    if (fate === 'HTML after') return html
    if (name !== undefined && response.status < 300) vercel.truthOf(name).risky++
    return response
  }

  async function send(request: HttpRequest, { signal }: SendOptions): Promise<HttpResponse> {
    const part = step('request')
    if (part < 0.5) throw dead()
    onRequest(count++)
    if (count % lateAfter === 0) late.landOne()
    const isRead = request.method === 'GET'
    const fate = (isRead ? readFates[next.read++] : fates[next.write++]) ?? 'answered'
    trace?.(`${request.method} ${request.url.pathname} ${request.body ?? ''}: ${fate}${part < 1 ? ', killed' : ''}`)
    if (part < 1) {
      // It is on its way when the process is killed.
      const name = vercel.classOf(request)
      if (name !== undefined) vercel.truthOf(name).risky++
      if (lost.has(fate) || fate === 'answered' || fate === 'slow') vercel.handle(request)
      throw dead()
    }
    if (fate === 'slow') {
      await clock.sleep(slowMs, signal)
      markActivity()
      if (signal?.aborted) {
        const name = vercel.classOf(request)
        if (name !== undefined) vercel.truthOf(name).risky++
        vercel.handle(request)
        throw new TransportError('cancelled', 'cancelled while waiting for the response', { mayHaveArrived: true })
      }
    }
    return exchange(request, fate)
  }

  return { send, close() {} }
}
