// The connections of a network with a proxy for https: which exchange they belong to, and what is left of them.

import { getEventListeners, once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { openTunnelClient } from '../../src/http/tunnel.ts'
import { makeCertificates } from '../e2e/certificates.ts'
import { startProxy, startServer, through, trust } from './proxies.ts'

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
      `^TLS through the proxy ${proxy.address} failed \\(\\w+\\): is https spoken there\\?$`,
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

test.each(['tunnel', 502] as const)(
  'the end of an exchange is not listened for after an answer of %s',
  async (answer) => {
    const server = await startServer()
    trust(server.authority)
    const proxy = await startProxy(answer, server)
    const [host, port] = proxy.address.split(':') as [string, string]
    const name = { address: proxy.address, variable: 'HTTPS_PROXY' }
    const client = openTunnelClient(
      { name, isTls: false, host, port: Number(port), authorization: undefined },
      { keepAlive: true, sockets: 1 },
    )
    onTestFinished(client.close)
    const { signal } = new AbortController()
    const outgoing = client.start(new URL(server.url), { method: 'GET', headers: {} }, signal)
    const over = Promise.race([once(outgoing, 'response'), once(outgoing, 'close')]).catch(() => {})
    outgoing.end()
    await over
    expect(getEventListeners(signal, 'abort')).toEqual([])
  },
)
