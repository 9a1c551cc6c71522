// Every operation against every fault, on real sockets: what the server saw, and what the step says.

import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { deliverAndReconcile } from '../../src/delivery/reconcile.ts'
import { type Operation, operations } from '../../src/operations/catalogue.ts'
import { type Fault, type SandboxServer, startSandboxServer } from '../../src/sandbox/server.ts'
import { optionsFor, prepare, requestOf } from './requests.ts'

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

async function started(): Promise<SandboxServer> {
  const server = await startSandboxServer()
  onTestFinished(server.close)
  return server
}

/** How often the work of an operation was really done. */
const workDone = (server: SandboxServer, operation: Operation, from: number) =>
  server.arrivals
    .slice(from)
    .filter(({ method, worked }) => method === operation.method && worked !== undefined && worked < 300).length

describe.each(operations.map((operation) => [operation.name, operation] as const))('%s', (name, operation) => {
  test.each(Object.entries(faults))('%s', async (fault, kind) => {
    const server = await started()
    const invoiceId = await prepare(server)
    const from = server.arrivals.length
    let struck = false
    const path = (await requestOf(name, { invoiceId })).operation.path
    server.faults = ({ method }) => {
      if (struck || method !== operation.method) return undefined
      struck = true
      return kind
    }
    const options = optionsFor(await requestOf(name, { invoiceId }), server.url)
    const settlement = await deliverAndReconcile(options, 'fail')

    const own = server.arrivals.slice(from).filter(({ method }) => method === operation.method)
    const mayRepeat = fault === '429' || (operation.retry !== 'unsafe' && retried.has(fault))
    expect(own, path).toHaveLength(mayRepeat ? 2 : 1)
    if (operation.retry !== 'idempotent') expect(workDone(server, operation, from)).toBeLessThanOrEqual(1)
    if (name === 'submitInvoice')
      expect(new Set(own.map(({ body }) => (body as { externalId: string }).externalId))).toEqual(
        new Set(['invoice-2026-10-acme']),
      )
    if (fault === '429') expect(options.waits[0]).toBeGreaterThanOrEqual(6000)

    if (mayRepeat || (name === 'updateInvoice' && workDone(server, operation, from) === 1)) {
      expect(settlement.failure).toBeUndefined()
      expect(workDone(server, operation, from)).toBeGreaterThanOrEqual(1)
    } else {
      // A read changes nothing, so there is no outcome that could be unknown.
      const isRead = ['GET', 'HEAD'].includes(operation.method)
      expect(settlement.failure?.hint).toContain(isRead ? 'No usable answer came' : 'The outcome is unknown')
    }
    options.endpoint.transport.close()
  })
})

test('an invoice without a key is sent once in every case', async () => {
  for (const kind of Object.values(faults).filter((fault) => fault !== faults['429'])) {
    const server = await startSandboxServer({ faults: () => kind })
    const { failure, attempts } = await deliverAndReconcile(
      optionsFor(await requestOf('submitInvoice', {}, { externalId: undefined }), server.url),
      'fail',
    )
    expect(attempts).toBe(1)
    expect(failure?.hint).toContain('may be billed twice')
    await server.close()
  }
})

test('over 1,000 random fault sequences no invoice, refund or rotation happens twice, and a success is one', async () => {
  const server = await started()
  const invoiceId = await prepare(server)
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
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('submitInvoice' as const, 'updateInvoice' as const, 'rotateInstallationCredential' as const),
      sequence,
      async (name, planned) => {
        const left = [...planned]
        // The refunded invoice of the run before is not the one of this run.
        const change =
          name === 'submitInvoice'
            ? { externalId: `n-${number++}` }
            : name === 'updateInvoice'
              ? { reason: `r-${number++}`, total: '0.0001' }
              : {}
        const from = server.arrivals.length
        server.faults = ({ method }) => (method === 'POST' ? left.shift() : undefined)
        const options = optionsFor(await requestOf(name, { invoiceId }, change), server.url)
        const { failure, outcomeUnknown } = await deliverAndReconcile(options, 'fail')
        options.endpoint.transport.close()
        const posts = server.arrivals.slice(from).filter(({ method }) => method === 'POST')
        const done = posts.filter(({ worked }) => worked !== undefined && worked < 300).length
        expect(done).toBeLessThanOrEqual(1)
        if (!failure) expect(done).toBe(1)
        else if (done === 1) expect(outcomeUnknown).toBe(true)
        server.faults = () => undefined
        const read = optionsFor(await requestOf('getInvoice', { invoiceId }), server.url)
        // A refund that is in progress ends before the next one.
        for (let reads = 0; reads < 2; reads++) await deliverAndReconcile(read, 'fail')
        read.endpoint.transport.close()
      },
    ),
    { numRuns: 1000, seed: 20_261_123 },
  )
}, 120_000)

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
  const server = await started()
  const settlement = await deliverAndReconcile(
    optionsFor(await requestOf('submitInvoice'), server.url.replace('http:', 'https:')),
    'fail',
  )
  expect(settlement.failure?.hint).toContain('Nothing was done')
  expect(server.arrivals).toEqual([])
})

test('a wait that would overrun the budget is not begun, and the step says when to come back', async () => {
  const server = await started()
  server.faults = () => ({ type: 'answer', status: 429, headers: { 'retry-after': '400' } })
  const options = optionsFor(await requestOf('getInvoice'), server.url)
  const { failure, attempts } = await deliverAndReconcile(options, 'fail')
  expect({ attempts, waits: options.waits }).toEqual({ attempts: 1, waits: [] })
  expect(failure?.hint).toMatch(/beyond retry-timeout \(5 min\): run the step again at \d{4}-/)
})
