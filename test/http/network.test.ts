// Which connections are used for which requests.

import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openNetwork } from '../../src/http/network.ts'

/** A server that knows the connection of each request, by its port. */
async function startCounting() {
  const requests: IncomingMessage[] = []
  const ports: number[] = []
  const server = createServer((incoming, outgoing) => {
    requests.push(incoming.resume())
    ports.push(incoming.socket.remotePort ?? 0)
    outgoing.end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const network = openNetwork({ env: {} })
  onTestFinished(network.close)
  const send = (newConnection?: boolean) =>
    network.send(
      { method: 'POST', url, headers: {}, body: 'é' },
      { timeoutMs: 20_000, ...(newConnection !== undefined && { newConnection }) },
    )
  return { send, ports, requests, network }
}

test('requests follow each other on one connection, unless one must have a new connection', async () => {
  const { send, ports } = await startCounting()
  for (const newConnection of [undefined, false, true, true, undefined]) await send(newConnection)
  const [first, second, third, fourth, fifth] = ports
  expect(second).toBe(first)
  expect(fifth).toBe(first)
  expect(new Set([first, third, fourth]).size).toBe(3)
})

test('a new connection is not kept for another request', async () => {
  const { send, requests } = await startCounting()
  await send(true)
  await send()
  expect(requests.map(({ headers }) => headers.connection)).toEqual(['close', 'keep-alive'])
  expect(requests[0]?.headers['content-length']).toBe('2')
})

test('requests at once open a connection each, and share the client', async () => {
  const { send, ports } = await startCounting()
  await Promise.all([send(), send(), send()])
  const opened = new Set(ports)
  await Promise.all([send(), send(), send()])
  expect(new Set(ports)).toEqual(opened)
})
