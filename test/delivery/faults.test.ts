// Every operation against every fault, on real sockets: what the server saw, and what the step says.

import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deliverAndReconcile } from '../../src/delivery/reconcile.ts'
import type { HttpRequest, Transport } from '../../src/http/transport.ts'
import { type Operation, operations } from '../../src/operations/catalogue.ts'
import { type Fault, type SandboxServer, startSandboxServer } from '../../src/sandbox/server.ts'
import { holdTimeouts } from '../waits.ts'
import { faultyTransport } from './faulty-transport.ts'
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

/** How often the work of an operation was really done. */
const workDone = (server: SandboxServer, operation: Operation) =>
  server.arrivals.filter(({ method, worked }) => method === operation.method && worked !== undefined && worked < 300)
    .length

describe.each(operations.map((operation) => [operation.name, operation] as const))('%s', (name, operation) => {
  test.each(Object.entries(faults))('%s', async (fault, kind) => {
    const { server, invoiceId } = await startPreparedServer()
    const timeOut = fault === 'a stall' ? holdTimeouts() : undefined
    let struck = false
    const path = (await requestOf(name, { invoiceId })).operation.path
    server.faults = ({ method }) => {
      if (struck || method !== operation.method) return undefined
      struck = true
      timeOut?.()
      return kind
    }
    const options = optionsFor(await requestOf(name, { invoiceId }), server.url)
    const settlement = await deliverAndReconcile(options, 'fail')

    const own = server.arrivals.filter(({ method }) => method === operation.method)
    const mayRepeat = fault === '429' || (operation.retry !== 'unsafe' && retried.has(fault))
    expect(own, path).toHaveLength(mayRepeat ? 2 : 1)
    if (operation.retry !== 'idempotent') expect(workDone(server, operation)).toBeLessThanOrEqual(1)
    if (name === 'submitInvoice')
      expect(new Set(own.map(({ body }) => (body as { externalId: string }).externalId))).toEqual(
        new Set(['invoice-2026-10-acme']),
      )
    if (fault === '429') expect(options.waits[0]).toBeGreaterThanOrEqual(6000)

    if (mayRepeat || (name === 'updateInvoice' && workDone(server, operation) === 1)) {
      expect(settlement.failure).toBeUndefined()
      expect(workDone(server, operation)).toBeGreaterThanOrEqual(1)
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

/** Where requests go that meet faults. */
interface Target {
  readonly url: string
  /** A transport to it; undefined for the network. */
  readonly transport?: Transport
  /** The faults of the next POST requests, in turn. */
  faults: (Fault | undefined)[]
  /** The requests so far, with the status that the work of each gave. */
  readonly arrivals: readonly { readonly method: string; readonly worked?: number | undefined }[]
}

async function onSockets(): Promise<Target & { readonly invoiceId: string }> {
  const { server, invoiceId } = await startPreparedServer()
  const { url, arrivals } = server
  const target: Target = { url, arrivals, faults: [] }
  server.faults = ({ method }) => (method === 'POST' ? target.faults.shift() : undefined)
  return Object.assign(target, { invoiceId })
}

async function inMemory(): Promise<Target & { readonly invoiceId: string }> {
  const { store, invoiceId } = await preparedStore()
  const arrivals: { method: string; worked?: number }[] = []
  const nextFault = ({ method }: HttpRequest) => (method === 'POST' ? target.faults.shift() : undefined)
  const transport = faultyTransport(store, nextFault, arrivals)
  const target: Target = { url: 'https://api.vercel.com', transport, arrivals, faults: [] }
  return Object.assign(target, { invoiceId })
}

test.each([
  ['in memory', 150, inMemory],
  ['on sockets', 30, onSockets],
] as const)(
  '%s, over %i random fault sequences no invoice, refund or rotation happens twice, and a success is one',
  async (_, numRuns, start) => {
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
      { numRuns, seed: 20_261_123 },
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
