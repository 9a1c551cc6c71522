// The connections of a network with a proxy for https: which exchange they belong to, and what is left of them.

import { getEventListeners, once } from 'node:events'
import { ClientRequest } from 'node:http'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openTunnelClient } from '../../src/http/tunnel.ts'
import { makeCertificates } from '../e2e/certificates.ts'
import { startProxy, startServer, type TestProxy, through, trust } from './proxies.ts'

test('a network that is closed opens no tunnel', async () => {
  const proxy = await startProxy(502)
  const { send, close } = through(proxy)
  await expect(send('https://a.example')).rejects.toThrow('refused the connection with 502')
  close()
  await expect(send('https://a.example')).rejects.toMatchObject({
    failure: 'connect',
    mayHaveArrived: false,
    message: 'the network is closed',
  })
  expect(proxy.connections).toBe(1)
})

test('a connection that breaks does not end the one that the next exchange gets in its place', async () => {
  const server = await startServer((incoming, outgoing) => {
    if (incoming.url === '/break') incoming.socket.destroy()
    else outgoing.end('{}')
  })
  trust(server.authority)
  const proxy = await startProxy('tunnel', server)
  const { send } = through(proxy, `http://${proxy.address}`, 1)
  const [broken, next] = await Promise.allSettled([send(`${server.url}/break`), send(server.url)])
  expect(broken).toMatchObject({
    status: 'rejected',
    reason: {
      failure: 'reset',
      mayHaveArrived: true,
      message: 'the connection broke before the response was complete',
    },
  })
  expect(next).toMatchObject({ status: 'fulfilled', value: { status: 200, text: '{}' } })
  expect(proxy.connections).toBe(2)
})

test('an answer through a tunnel is of the server, and the proxy is asked to keep the tunnel open', async () => {
  const server = await startServer()
  trust(server.authority)
  const proxy = await startProxy('tunnel', server)
  expect('proxy' in (await through(proxy).send(server.url))).toBe(false)
  expect(proxy.heads[0]).toContain('\r\nproxy-connection: keep-alive\r\n')
})

test('bytes that come with the answer to CONNECT are those of the server', async () => {
  const proxy = await startProxy('garbage after 200')
  await expect(through(proxy).send('https://a.example')).rejects.toMatchObject({
    failure: 'connect',
    mayHaveArrived: false,
    message: expect.stringMatching(
      `^TLS through the proxy ${proxy.address} failed \\(\\w+\\): check that https is spoken there$`,
    ),
  })
  await proxy.isIdle()
})

test('a proxy that is spoken to in TLS and closes has answered nothing', async () => {
  const tls = makeCertificates()
  trust(tls.authority)
  const proxy = await startProxy('close', { tls })
  await expect(through(proxy, `https://${proxy.address}`).send('https://a.example')).rejects.toMatchObject({
    message: `the proxy ${proxy.address} closed the connection without an answer to CONNECT (ECONNRESET)`,
  })
})

/** A client with one connection through a proxy, without exchanges: the test says when each is over. */
function openClient({ address }: TestProxy) {
  const [host, port] = address.split(':') as [string, string]
  const name = { address, variable: 'HTTPS_PROXY' }
  const client = openTunnelClient(
    { name, isTls: false, host, port: Number(port), authorization: undefined },
    { keepAlive: true, sockets: 1 },
  )
  onTestFinished(client.close)
  const send = (url: string, ended: AbortSignal) => {
    const outgoing = client.start(new URL(url), { method: 'GET', headers: {} }, ended)
    outgoing.once('response', (incoming) => incoming.resume()).end()
    return outgoing
  }
  return { send, close: client.close }
}

test('the end of an exchange does not end the connection that another waits for, though it opens in its place', async () => {
  const server = await startServer((incoming, outgoing) => {
    if (incoming.url === '/break') incoming.socket.destroy()
    else outgoing.end('{}')
  })
  trust(server.authority)
  const [first, second] = [new AbortController(), new AbortController()]
  const proxy = await startProxy((request) => {
    if (request === 1) first.abort()
    return 'tunnel'
  }, server)
  const { send } = openClient(proxy)
  const breaking = send(`${server.url}/break`, first.signal)
  // Until then, Node's agent does not count the connection, and would open another one at once.
  await once(breaking, 'socket')
  const [[response]] = await Promise.all([once(send(server.url, second.signal), 'response'), once(breaking, 'error')])
  expect(response.statusCode).toBe(200)
  expect(proxy.connections).toBe(2)
})

test.each(['tunnel', 502] as const)(
  'nothing is left of the request for a tunnel after an answer of %s',
  async (answer) => {
    const server = await startServer()
    trust(server.authority)
    const { send, close } = openClient(await startProxy(answer, server))
    const { signal } = new AbortController()
    const outgoing = send(server.url, signal)
    await Promise.race([once(outgoing, 'response'), once(outgoing, 'close')]).catch(() => {})
    expect(getEventListeners(signal, 'abort')).toEqual([])
    const destroyed = vi.spyOn(ClientRequest.prototype, 'destroy')
    onTestFinished(() => destroyed.mockRestore())
    close()
    expect(destroyed.mock.contexts.filter((request) => (request as ClientRequest).method === 'CONNECT')).toEqual([])
  },
)
