// Every operation against every fault: what the server saw, and what the step says.

import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deliverAndReconcile } from '../../src/delivery/reconcile.ts'
import type { HttpRequest, Transport } from '../../src/http/transport.ts'
import { operations } from '../../src/operations/catalogue.ts'
import { type Fault, startSandboxServer } from '../../src/sandbox/server.ts'
import { runs } from '../runs.ts'
import { holdTimeouts } from '../waits.ts'
import { faultyTransport, type MemoryArrival } from './faulty-transport.ts'
import { optionsFor, preparedStore, requestOf, startPreparedServer } from './requests.ts'

const faults: Record<string, Fault> = {
  '429': { type: 'answer', status: 429, headers: { 'retry-after': '7' } },
  '500': { type: 'answer', status: 500 },
  '503': { type: 'answer', status: 503 },
  '502 after the work': { type: 'replace', status: 502, body: {} },
  '504 after the work': { type: 'replace', status: 504, body: {} },
  '501': { type: 'answer', status: 501 },
  '408 after the work': { type: 'replace', status: 408, body: {} },
  'a reset before the work': { type: 'drop', work: false },
  'a reset after the work': { type: 'drop', work: true },
  'half an answer': { type: 'cut' },
  'garbage instead of HTTP': { type: 'garbage' },
  'a stall': { type: 'stall' },
}
const retried = new Set([
  '429',
  '500',
  '503',
  '502 after the work',
  '504 after the work',
  'a reset before the work',
  'a reset after the work',
  'half an answer',
  'garbage instead of HTTP',
  'a stall',
])

/** Where requests go that meet faults. */
interface Target {
  readonly url: string
  /** A transport to it; undefined for the network. */
  readonly transport?: Transport
  /** The faults of the next requests of a method, in turn. */
  faults: (Fault | undefined)[]
  /** Called at a stall on the network. */
  timeOut?: () => void
  /** The requests so far, with the status that the work of each gave. */
  readonly arrivals: readonly {
    readonly method: string
    readonly body?: unknown
    readonly worked?: number | undefined
  }[]
}

async function onSockets(faulty = 'POST'): Promise<Target & { readonly invoiceId: string }> {
  const { server, invoiceId } = await startPreparedServer()
  const { url, arrivals } = server
  const target: Target = { url, arrivals, faults: [] }
  server.faults = ({ method }) => {
    const fault = method === faulty ? target.faults.shift() : undefined
    if (fault?.type === 'stall') target.timeOut?.()
    return fault
  }
  return Object.assign(target, { invoiceId })
}

async function inMemory(faulty = 'POST'): Promise<Target & { readonly invoiceId: string }> {
  const { store, invoiceId } = await preparedStore()
  const arrivals: MemoryArrival[] = []
  const nextFault = ({ method }: HttpRequest) => (method === faulty ? target.faults.shift() : undefined)
  const transport = faultyTransport(store, nextFault, arrivals)
  const target: Target = { url: 'https://api.vercel.com', transport, arrivals, faults: [] }
  return Object.assign(target, { invoiceId })
}

/** The first operation of each method and kind of retry. */
const examples = operations.filter(
  (operation) =>
    operations.find(({ method, retry }) => method === operation.method && retry === operation.retry) === operation,
)

// In memory every operation meets every fault. What a fault is to a request differs by its method and kind of retry only, so
// on sockets one operation of each is enough.
describe.each([
  ...operations.map((operation) => [operation.name, 'in memory', operation, inMemory] as const),
  ...examples.map((operation) => [operation.name, 'on sockets', operation, onSockets] as const),
])('%s %s', (name, _, operation, start) => {
  test.each(Object.entries(faults))('%s', async (fault, kind) => {
    const target = await start(operation.method)
    const { url, transport, arrivals, invoiceId } = target
    if (kind.type === 'stall' && !transport) target.timeOut = holdTimeouts()
    target.faults = [kind]
    const options = optionsFor(await requestOf(name, { invoiceId }), url)
    const endpoint = { ...options.endpoint, ...(transport && { transport }) }
    const settlement = await deliverAndReconcile({ ...options, endpoint }, 'fail')

    const own = arrivals.filter(({ method }) => method === operation.method)
    const done = own.filter(({ worked }) => worked !== undefined && worked < 300).length
    const mayRepeat = fault === '429' || (operation.retry !== 'unsafe' && retried.has(fault))
    expect(own, operation.path).toHaveLength(mayRepeat ? 2 : 1)
    if (operation.retry !== 'idempotent') expect(done).toBeLessThanOrEqual(1)
    if (name === 'submitInvoice')
      expect(new Set(own.map(({ body }) => (body as { externalId: string }).externalId))).toEqual(
        new Set(['invoice-2026-10-acme']),
      )
    if (fault === '429') expect(options.waits[0]).toBeGreaterThanOrEqual(6000)

    if (mayRepeat || (name === 'updateInvoice' && done === 1)) {
      expect(settlement.failure).toBeUndefined()
      expect(done).toBeGreaterThanOrEqual(1)
    } else {
      // A read changes nothing, so there is no outcome that could be unknown.
      const isRead = ['GET', 'HEAD'].includes(operation.method)
      expect(settlement.failure?.hint).toContain(isRead ? 'No usable answer came' : 'The outcome is unknown')
    }
    options.endpoint.transport.close()
  })
})

test('an invoice without a key is sent once in every case', async () => {
  const timeOut = holdTimeouts()
  for (const kind of Object.values(faults).filter((fault) => fault !== faults['429'])) {
    const faultsOf = () => {
      if (kind.type === 'stall') timeOut()
      return kind
    }
    const server = await startSandboxServer({ faults: faultsOf })
    const { failure, attempts } = await deliverAndReconcile(
      optionsFor(await requestOf('submitInvoice', {}, { externalId: undefined }), server.url),
      'fail',
    )
    expect(attempts).toBe(1)
    expect(failure?.hint).toContain('may be billed twice')
    await server.close()
  }
})

test.each([
  ['in memory', 75, inMemory],
  ['on sockets', 15, onSockets],
] as const)(
  '%s, over %i random fault sequences no invoice, refund or rotation happens twice, and a success is one',
  async (_, count, start) => {
    const target = await start()
    const { url, transport, arrivals, invoiceId } = target
    const deliver = async (...request: Parameters<typeof requestOf>) => {
      const options = optionsFor(await requestOf(...request), url)
      const endpoint = { ...options.endpoint, ...(transport && { transport }) }
      const delivery = await deliverAndReconcile({ ...options, endpoint }, 'fail')
      options.endpoint.transport.close()
      return delivery
    }
    let number = 0
    const sequence = fc.array(
      fc.constantFrom(
        ...Object.entries(faults)
          .filter(([name]) => name !== 'a stall')
          .map(([, fault]) => fault),
        undefined,
      ),
      { maxLength: 5 },
    )
    const ends = { success: 0, failure: 0, unknown: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('submitInvoice' as const, 'updateInvoice' as const, 'rotateInstallationCredential' as const),
        sequence,
        async (name, planned) => {
          // The refunded invoice of the run before is not the one of this run.
          const change =
            name === 'submitInvoice'
              ? { externalId: `n-${number++}` }
              : name === 'updateInvoice'
                ? { reason: `r-${number++}`, total: '0.0001' }
                : {}
          const from = arrivals.length
          target.faults = [...planned]
          const { failure, outcomeUnknown } = await deliver(name, { invoiceId }, change)
          const posts = arrivals.slice(from).filter(({ method }) => method === 'POST')
          const done = posts.filter(({ worked }) => worked !== undefined && worked < 300).length
          expect(done).toBeLessThanOrEqual(1)
          if (!failure) expect(done).toBe(1)
          else if (done === 1) expect(outcomeUnknown).toBe(true)
          ends[!failure ? 'success' : done === 1 ? 'unknown' : 'failure']++
          target.faults = []
          // A refund that is in progress ends before the next one.
          for (let reads = 0; reads < 2; reads++) await deliver('getInvoice', { invoiceId })
        },
      ),
      { ...runs(count), seed: 20_261_123 },
    )
    expect(Math.min(...Object.values(ends))).toBeGreaterThan(0)
  },
)

test('a host that refuses the connection has seen nothing, and every attempt is made', async () => {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  const settlement = await deliverAndReconcile(
    optionsFor(await requestOf('rotateInstallationCredential'), `http://127.0.0.1:${port}`),
    'fail',
  )
  expect(settlement).toMatchObject({ attempts: 4, outcomeUnknown: false })
  expect(settlement.failure?.hint).toContain('Nothing was done')
})

test('a server that does not speak TLS has seen nothing', async () => {
  const { server } = await startPreparedServer()
  const settlement = await deliverAndReconcile(
    optionsFor(await requestOf('submitInvoice'), server.url.replace('http:', 'https:')),
    'fail',
  )
  expect(settlement.failure?.hint).toContain('Nothing was done')
  expect(server.arrivals).toEqual([])
})

test('a wait that would overrun the budget is not begun, and the step says when to come back', async () => {
  const { server } = await startPreparedServer()
  server.faults = () => ({ type: 'answer', status: 429, headers: { 'retry-after': '400' } })
  const options = optionsFor(await requestOf('getInvoice'), server.url)
  const { failure, attempts } = await deliverAndReconcile(options, 'fail')
  expect({ attempts, waits: options.waits }).toEqual({ attempts: 1, waits: [] })
  expect(failure?.hint).toMatch(/beyond retry-timeout \(5 min\): run the step again at \d{4}-/)
})
