// Which connections are used for which requests.

import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openNetwork } from '../../src/http/network.ts'
import { makeCertificates } from '../e2e/certificates.ts'
import { trust } from './proxies.ts'

/** A server that knows the connection of each request, by its port; the requests are for it, or it is their proxy. */
async function startCounting(way: Way, sockets?: number) {
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
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const network = openNetwork({ env: way === 'directly' ? {} : { HTTP_PROXY: address }, ...(sockets && { sockets }) })
  onTestFinished(network.close)
  const send = (newConnection?: boolean, host = way === 'directly' ? address : 'a.example') =>
    network.send(
      { method: 'POST', url: new URL(`http://${host}`), headers: {}, body: 'é' },
      { timeoutMs: 20_000, ...(newConnection !== undefined && { newConnection }) },
    )
  return { address, send, ports, requests, network }
}

type Way = 'directly' | 'through a proxy'

describe.each<Way>(['directly', 'through a proxy'])('%s', (way) => {
  test('requests follow each other on one connection, unless one must have a new connection', async () => {
    const { send, ports } = await startCounting(way)
    for (const newConnection of [undefined, false, true, true, undefined]) await send(newConnection)
    const [first, second, third, fourth, fifth] = ports
    expect(second).toBe(first)
    expect(fifth).toBe(first)
    expect(new Set([first, third, fourth]).size).toBe(3)
  })

  test('a new connection is not kept for another request', async () => {
    const { send, requests } = await startCounting(way)
    await send(true)
    await send()
    expect(requests.map(({ headers }) => headers.connection)).toEqual(['close', 'keep-alive'])
    expect(requests[0]?.headers['content-length']).toBe('2')
  })

  test('requests at once open a connection each, and share the client', async () => {
    const { send, ports } = await startCounting(way)
    await Promise.all([send(), send(), send()])
    const opened = new Set(ports)
    await Promise.all([send(), send(), send()])
    expect(opened.size).toBe(3)
    expect(new Set(ports)).toEqual(opened)
  })

  test('no more connections open than may', async () => {
    const { send, ports } = await startCounting(way, 1)
    await Promise.all([send(), send(), send()])
    expect(new Set(ports).size).toBe(1)
  })

  test('no connection is left when the network is closed', async () => {
    const { send, requests, network } = await startCounting(way)
    await send()
    const closed = once(requests[0]?.socket as Socket, 'close')
    network.close()
    await closed
  })
})

test('hosts with and without a proxy may come one after the other', async () => {
  const { address, send, requests } = await startCounting('through a proxy')
  const proxies: (string | undefined)[] = []
  for (const host of ['a.example', address, 'a.example']) proxies.push((await send(false, host)).proxy?.address)
  expect(proxies).toEqual([address, undefined, address])
  expect(requests.map(({ url }) => url)).toEqual(['http://a.example/', '/', 'http://a.example/'])
})

test('https has its own connection, on which a request may arrive once TLS is there', async () => {
  const { authority, cert, key } = makeCertificates()
  trust(authority)
  const server = createHttpsServer({ cert, key }, (incoming, outgoing) => {
    if (incoming.url === '/break') incoming.socket.destroy()
    else outgoing.end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const network = openNetwork({ env: {} })
  onTestFinished(() => {
    network.close()
    server.close()
  })
  const send = (path: string) => {
    const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}${path}`)
    return network.send({ method: 'GET', url, headers: {} }, { timeoutMs: 20_000, newConnection: true })
  }
  expect(await send('/')).toMatchObject({ status: 200, text: 'ok' })
  await expect(send('/break')).rejects.toMatchObject({ failure: 'reset', mayHaveArrived: true })
})
