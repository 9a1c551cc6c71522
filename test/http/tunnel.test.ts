// https through proxies that work and that do not: what is said, what arrives, and that no connection outlives its use.

import { expect, test } from 'vitest'
import { makeCertificates } from '../e2e/certificates.ts'
import { holdTimeouts } from '../waits.ts'
import { type ProxyAnswer, serverName, startProxy, startServer, through, trust } from './proxies.ts'

const target = `https://${serverName}:8443/`
const unopened = { failure: 'connect', mayHaveArrived: false }

test.each<[answer: ProxyAnswer, said: string]>([
  [407, 'refused the connection with 407: add a user and password to HTTPS_PROXY'],
  [401, 'refused the connection with 401: add a user and password to HTTPS_PROXY'],
  [403, 'refused the connection with 403: check whether it allows connections to marketplace.test:8443'],
  [500, 'refused the connection with 500: it may be unable to reach marketplace.test:8443'],
  [502, 'refused the connection with 502: it may be unable to reach marketplace.test:8443'],
  [301, 'refused the connection with 301: check whether it allows connections to marketplace.test:8443'],
  [101, 'refused the connection with 101: check whether it allows connections to marketplace.test:8443'],
  ['garbage', 'did not answer CONNECT with HTTP: check that a proxy listens there'],
  ['close', 'closed the connection without an answer to CONNECT (ECONNRESET)'],
  ['half', 'closed the connection without an answer to CONNECT (ECONNRESET)'],
  ['huge', 'sent too long a response to CONNECT'],
])(
  'an answer of %s to CONNECT is an error that names the proxy, and its connection is closed',
  async (answer, said) => {
    const proxy = await startProxy(answer)
    await expect(through(proxy).send(target)).rejects.toMatchObject({
      ...unopened,
      message: `the proxy ${proxy.address} ${said}`,
    })
    await proxy.isIdle()
    expect(proxy.connections).toBe(1)
  },
)

test('a tunnel to an IPv6 address names it in brackets', async () => {
  const proxy = await startProxy(502)
  await expect(through(proxy).send('https://[fd00::1]/')).rejects.toMatchObject({
    message: `the proxy ${proxy.address} refused the connection with 502: it may be unable to reach [fd00::1]:443`,
  })
  expect(proxy.heads[0]).toMatch(/^CONNECT \[fd00::1\]:443 HTTP\/1\.1\r\nhost: \[fd00::1\]:443\r\n/)
})

test('the user and password that a proxy refuses are to be checked, and not shown', async () => {
  const proxy = await startProxy(407)
  const { send } = through(proxy, `http://alice:s3cret%2F@${proxy.address}`)
  await expect(send(target)).rejects.toMatchObject({
    ...unopened,
    message: `the proxy ${proxy.address} refused the connection with 407: check the user and password in HTTPS_PROXY`,
  })
  const basic = Buffer.from('alice:s3cret/').toString('base64')
  expect(proxy.heads[0]).toContain(`\r\nproxy-authorization: Basic ${basic}\r\n`)
})

test.each<ProxyAnswer>(['close after 200', 'close after 299'])(
  'a tunnel that closes before TLS is a connection that never opened, through the proxy: %s',
  async (answer) => {
    const proxy = await startProxy(answer)
    await expect(through(proxy).send(target)).rejects.toMatchObject({
      ...unopened,
      message: `the connection through the proxy ${proxy.address} could not be opened (ECONNRESET): check HTTPS_PROXY`,
    })
    await proxy.isIdle()
  },
)

const silences: ProxyAnswer[] = ['silence', 'silence after 200']

test.each(silences)('a proxy with %s ends with the time-out of the exchange', async (answer) => {
  const timeOut = holdTimeouts()
  const proxy = await startProxy(answer)
  const sent = through(proxy).send(target, { timeoutMs: 300 })
  void proxy.nextRequest().then(() => timeOut(300))
  await expect(sent).rejects.toMatchObject({
    ...unopened,
    message: `the proxy ${proxy.address} opened no connection to marketplace.test:8443 within 0.3 s`,
  })
  await proxy.isIdle()
})

test.each(silences)('a proxy with %s ends with a cancellation', async (answer) => {
  const proxy = await startProxy(answer)
  const cancelled = new AbortController()
  const sent = through(proxy).send(target, { signal: cancelled.signal })
  void proxy.nextRequest().then(() => cancelled.abort())
  await expect(sent).rejects.toMatchObject({ failure: 'cancelled', mayHaveArrived: false })
  await proxy.isIdle()
})

test.each(silences)('a proxy with %s ends when the network is closed', async (answer) => {
  const proxy = await startProxy(answer)
  const { send, close } = through(proxy)
  const sent = send(target)
  void proxy.nextRequest().then(close)
  await expect(sent).rejects.toMatchObject(unopened)
  await proxy.isIdle()
})

test('what another exchange waits for does not end with one that timed out', async () => {
  const timeOut = holdTimeouts()
  const server = await startServer()
  trust(server.authority)
  const proxy = await startProxy((request) => (request === 0 ? 'silence' : 'tunnel'), server)
  const { send } = through(proxy)
  const silent = send(server.url, { timeoutMs: 300 })
  await proxy.nextRequest()
  const other = send(server.url)
  await proxy.nextRequest()
  timeOut(300)
  const [first, second] = await Promise.allSettled([silent, other])
  expect(first).toMatchObject({ status: 'rejected', reason: unopened })
  expect(second).toMatchObject({ status: 'fulfilled', value: { status: 200, text: '{}' } })
})

test('requests share a tunnel, and the server sees nothing of the proxy', async () => {
  const server = await startServer()
  trust(server.authority)
  const proxy = await startProxy('tunnel', server)
  const { send, close } = through(proxy, `http://alice:secret@${proxy.address}`)
  for (let sent = 0; sent < 5; sent++) expect(await send(server.url)).toMatchObject({ status: 200, text: '{}' })
  expect(server.requests).toHaveLength(5)
  expect(proxy.heads).toEqual([
    expect.stringMatching(new RegExp(`^CONNECT ${serverName}:${server.port} HTTP/1.1\r\nhost: ${serverName}:`)),
  ])
  expect(JSON.stringify(server.requests)).not.toMatch(/proxy/i)
  await Promise.all([1, 2, 3].map(() => send(server.url)))
  expect(proxy.connections).toBe(3)
  close()
  await proxy.isIdle()
})

test('an exchange that waits for a connection gets one when another closes', async () => {
  const timeOut = holdTimeouts()
  const server = await startServer((incoming, outgoing) => {
    if (incoming.url === '/stall') timeOut(300)
    else outgoing.end('{}')
  })
  trust(server.authority)
  const proxy = await startProxy('tunnel', server)
  const { send } = through(proxy, `http://${proxy.address}`, 1)
  await send(server.url)
  const stalled = send(`${server.url}/stall`, { timeoutMs: 300 })
  const waiting = send(server.url)
  await expect(stalled).rejects.toMatchObject({ failure: 'timeout', mayHaveArrived: true })
  expect(await waiting).toMatchObject({ status: 200 })
  expect(proxy.connections).toBe(2)
})

test('a request that wants a new connection gets a tunnel of its own, which ends with it', async () => {
  const server = await startServer()
  trust(server.authority)
  const proxy = await startProxy('tunnel', server)
  const { send } = through(proxy)
  for (const connections of [1, 2]) {
    await send(server.url, { newConnection: true })
    expect(proxy.connections).toBe(connections)
    await proxy.isIdle()
  }
})

test('the certificate inside a tunnel is checked', async () => {
  const server = await startServer()
  const proxy = await startProxy('tunnel', server)
  await expect(through(proxy).send(server.url)).rejects.toMatchObject({
    ...unopened,
    message: expect.stringMatching(
      /^TLS through the proxy .* failed: the certificate is not trusted .*NODE_EXTRA_CA_CERTS/,
    ),
  })
  expect(server.requests).toEqual([])
  await proxy.isIdle()
})

test('a proxy may be spoken to in TLS, with a certificate that is checked', async () => {
  const server = await startServer()
  const tls = makeCertificates()
  const proxy = await startProxy('tunnel', { ...server, tls })
  trust(server.authority)
  await expect(through(proxy, `https://${proxy.address}`).send(server.url)).rejects.toMatchObject({
    ...unopened,
    message: expect.stringMatching(`^TLS to the proxy ${proxy.address} failed: the certificate is not trusted`),
  })
  await proxy.isIdle()
  trust(server.authority, tls.authority)
  const { send, close } = through(proxy, `https://${proxy.address}`)
  for (let sent = 0; sent < 3; sent++) expect((await send(server.url)).status).toBe(200)
  expect(proxy.heads).toHaveLength(1)
  close()
  await proxy.isIdle()
})

test('a proxy that is not there is named', async () => {
  const proxy = await startProxy('silence')
  const send = (url: string) => through(proxy, url).send(target)
  await expect(send('http://127.0.0.1:1')).rejects.toMatchObject({
    ...unopened,
    code: 'ECONNREFUSED',
    message: 'the proxy 127.0.0.1:1 refused the connection (ECONNREFUSED): check HTTPS_PROXY',
  })
  await expect(send('http://proxy.invalid:3128')).rejects.toMatchObject({
    ...unopened,
    message: expect.stringMatching(/^the name of the proxy proxy\.invalid:3128 could not be resolved \(E\w+\): check/),
  })
})
