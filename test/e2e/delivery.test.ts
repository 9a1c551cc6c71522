// The delivery of one request as a workflow sees it: inputs, log, outputs, signals, a proxy.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type Fault, startSandboxServer } from '../../src/sandbox/server.ts'
import { fastTimers, skipWaits } from '../waits.ts'
import { runConcurrently } from './concurrently.ts'
import { changed, token } from './invoices.ts'
import { runStepInProcess, startStep } from './step.ts'

async function startServer(faults: (Fault | undefined)[] = []) {
  skipWaits()
  const left = [...faults]
  const server = await startSandboxServer({ faults: () => left.shift() })
  onTestFinished(server.close)
  const inputs = {
    operation: 'submitInvoice',
    token,
    'api-url': server.url,
    payload: changed({ externalId: undefined }),
  }
  return { server, inputs }
}

test('an invoice whose response is lost is a duplicate on the retry: the step succeeds, and the customer is billed once', async () => {
  const { server, inputs } = await startServer([{ type: 'drop', work: true }])
  const step = await runStepInProcess({ with: inputs })
  expect(step.outputs).toMatchObject({
    status: 'duplicate',
    attempts: '2',
    externalId: expect.stringMatching(/^auto-[0-9a-f]{32}$/),
  })
  expect(step.code).toBe(0)
  expect(new Set(server.arrivals.map(({ body }) => (body as { externalId: string }).externalId)).size).toBe(1)
  expect(step.lines.join('\n')).toMatch(/externalId auto-.*derived[\s\S]*retrying in .*attempt 2 of 5/)
})

test('one step submits an invoice and waits until it is paid', async () => {
  const { inputs } = await startServer()
  const step = await runStepInProcess({ with: { ...inputs, 'wait-for': 'paid', 'wait-interval': '1' } })
  expect(step.outputs).toMatchObject({ status: 'paid', httpStatus: '200', attempts: '1' })
})

test.each([
  [{ 'max-attempts': '0' }, '`max-attempts` must be a positive whole number'],
  [{ 'wait-for': 'payed' }, 'names a state that no invoice has: "payed"; did you mean `paid`?'],
  [{ 'wait-timeout': '5' }, '`wait-timeout` is not used by submitInvoice: it goes with `wait-for`'],
  [{ 'on-duplicate': 'ignore' }, '`on-duplicate` must be fail or succeed'],
  [{ operation: 'getInvoice', payload: '', 'external-id': 'x' }, '`external-id` is not used by getInvoice'],
  [
    { payload: changed({}), 'external-id': 'other' },
    'externalId differs from the input `external-id`: remove one of them',
  ],
])('the step fails without a request, and names the input: %j', async (inputs: Record<string, string>, error) => {
  const { server, inputs: common } = await startServer()
  const step = await runStepInProcess({ with: { ...common, ...inputs } })
  expect(step.errors).toEqual([expect.stringContaining(error)])
  expect(server.arrivals).toEqual([])
})

/** Only Windows has SIGBREAK. Here SIGUSR2 stands for it: this makes Node report the one as the other. */
const breakSignal = encodeURIComponent("process.on('SIGUSR2', () => process.emit('SIGBREAK'))")
const withBreakSignal = `--import=data:text/javascript,${breakSignal}`

const signals = [
  ['SIGINT', fastTimers],
  ['SIGTERM', fastTimers],
  ['SIGUSR2', `${fastTimers} ${withBreakSignal}`],
] as const

test('SIGINT, SIGTERM and SIGBREAK end a wait for a response, and the step reports an unknown outcome', async () => {
  await runConcurrently(signals, async ([signal, nodeOptions]) => {
    const stall: Fault = { type: 'stall' }
    const { server, inputs } = await startServer()
    const { child, done } = startStep({ with: inputs, env: { NODE_OPTIONS: nodeOptions } })
    server.faults = () => {
      child.kill(signal)
      return stall
    }
    const step = await done
    expect(step.code).toBe(1)
    expect(step.outputs).toMatchObject({ status: 'failed', attempts: '1' })
    expect(step.errors[0]).toMatch(/outcome is unknown.*cancelled/i)
  })
})

test('a redirect is not followed, so that no other host gets the token', async () => {
  const other = await startServer()
  const { inputs } = await startServer([{ type: 'answer', status: 307, headers: { location: other.server.url } }])
  const step = await runStepInProcess({ with: inputs })
  expect(step.errors[0]).toContain('Redirects are not followed')
  expect(other.server.arrivals).toEqual([])
})

test('a request to loopback is not sent through a proxy', async () => {
  const { server, inputs } = await startServer()
  const proxied: string[] = []
  const proxy = createServer((incoming, outgoing) => {
    proxied.push(incoming.url ?? '')
    const { hostname, port } = new URL(server.url)
    const upstream = connect(Number(port), hostname, () => {
      const path = new URL(incoming.url ?? '').pathname
      const headers = Object.entries({ ...incoming.headers, connection: 'close' }).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      )
      upstream.write(`${incoming.method} ${path} HTTP/1.1\r\n${headers.join('')}\r\n`)
      incoming.pipe(upstream, { end: false })
    })
    upstream.pipe(outgoing.socket as NodeJS.WritableStream)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void proxy.close())
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  expect((await runStepInProcess({ with: inputs, env: { HTTP_PROXY: url } })).outputs.status).toBe('accepted')
  await runStepInProcess({
    with: { ...inputs, 'on-duplicate': 'succeed' },
    env: { http_proxy: url, NO_PROXY: 'other.test' },
  })
  expect(proxied).toEqual([])
  expect(server.arrivals).toHaveLength(2)
})

test.each([
  ['answers 403', (port: number) => port, /the proxy 127\.0\.0\.1:\d+ refused the connection with 403/],
  ['is not running', () => 1, /the proxy 127\.0\.0\.1:1 refused the connection \(ECONNREFUSED\): check HTTPS_PROXY/],
])('if the proxy %s, the error names the proxy and says that nothing was done', async (_, choose, error) => {
  const proxy = createServer().on('connect', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void proxy.close())
  const HTTPS_PROXY = `http://user:proxy-password@127.0.0.1:${choose((proxy.address() as AddressInfo).port)}`
  const { inputs } = await startServer()
  const step = await runStepInProcess({
    with: { ...inputs, 'api-url': 'https://vercel.invalid', 'max-attempts': '1' },
    env: { HTTPS_PROXY },
  })
  expect(step.errors[0]).toMatch(error)
  expect(step.errors[0]).toContain('Nothing was done')
  // The password only appears in the command that makes the runner mask it.
  expect(step.masks).toContain('proxy-password')
  expect([...step.lines, ...step.errors, step.summary].join('\n')).not.toContain('proxy-password')
})
