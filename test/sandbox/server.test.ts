// The sandbox over HTTP, for other programs, and for tests that inject faults.

import { expect, onTestFinished, test } from 'vitest'
import { type Fault, type ServerOptions, startSandboxServer } from '../../src/sandbox/server.ts'
import { icfg, invoice } from './sandbox.ts'

async function started(options?: ServerOptions) {
  const server = await startSandboxServer(options)
  onTestFinished(server.close)
  const headers = { authorization: 'Bearer t' }
  const submit = (signal?: AbortSignal) =>
    fetch(`${server.url}${icfg}/billing/invoices`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ ...invoice, externalId: 'ours-1' }),
      ...(signal && { signal }),
    })
  return { server, submit, headers }
}

/** Faults for the first requests, in order. */
const faults = (...list: Fault[]) => ({ faults: () => list.shift() })

test('each request is recorded with its operation, its content and its status', async () => {
  const { server, submit, headers } = await started()
  expect(await (await submit()).json()).toEqual({ invoiceId: expect.any(String) })
  await fetch(`${server.url}/nowhere`, { headers })
  expect(server.arrivals).toMatchObject([
    {
      operation: 'submitInvoice',
      method: 'POST',
      path: `${icfg}/billing/invoices`,
      headers,
      body: { externalId: 'ours-1' },
      status: 200,
    },
    { operation: undefined, path: '/nowhere', body: undefined, status: 404 },
  ])
})

test('a request with the fault answer is not processed', async () => {
  const { submit } = await started(
    faults({ type: 'answer', status: 503, headers: { 'retry-after': '1' }, body: 'down' }),
  )
  const answer = await submit()
  expect([answer.status, answer.headers.get('retry-after'), await answer.text()]).toEqual([503, '1', 'down'])
  expect((await submit()).status).toBe(200)
})

test('a dropped request is processed only if the connection is closed afterwards', async () => {
  const { submit, server } = await started(faults({ type: 'drop', work: false }, { type: 'drop', work: true }))
  await expect(submit()).rejects.toThrow()
  await expect(submit()).rejects.toThrow()
  expect((await submit()).status).toBe(409)
  expect(server.arrivals.map(({ worked, status }) => [worked, status])).toEqual([
    [undefined, undefined],
    [200, undefined],
    [409, 409],
  ])
})

test('a stalled request gets no response, even when the server closes', async () => {
  const { server, submit } = await started()
  const arrived = new Promise<void>((resolve) => {
    server.faults = () => {
      resolve()
      return { type: 'stall' }
    }
  })
  const answer = expect(submit()).rejects.toThrow()
  await arrived
  await server.close()
  await answer
})

test('a processed request can have a late, cut, invalid or replaced response', async () => {
  for (const fault of [{ type: 'cut' }, { type: 'garbage' }] as const) {
    const { submit } = await started(faults(fault))
    await expect(submit().then((answer) => answer.text())).rejects.toThrow()
    expect([fault.type, (await submit()).status]).toEqual([fault.type, 409])
  }
  const { submit } = await started(
    faults({ type: 'delay', ms: 1 }, { type: 'replace', status: 418 }, { type: 'replace', body: { own: 1 } }),
  )
  expect((await submit()).status).toBe(200)
  const status = await submit()
  expect([status.status, await status.json()]).toEqual([418, { error: expect.anything() }])
  const body = await submit()
  expect([body.status, body.headers.get('x-vercel-id'), await body.json()]).toEqual([
    409,
    expect.any(String),
    { own: 1 },
  ])
})

test('the server still works after a client disconnected', async () => {
  const { server, submit, headers } = await started()
  const client = new AbortController()
  server.faults = () => {
    client.abort()
    return undefined
  }
  await expect(submit(client.signal)).rejects.toThrow()
  server.faults = () => undefined
  expect((await fetch(`${server.url}${icfg}/account`, { headers })).status).toBe(200)
})
