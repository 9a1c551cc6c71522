// http through a proxy: the request names the whole URL, and an answer may be the proxy's own.

import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { failureFromResponse } from '../../src/delivery/delivery-failure.ts'
import { openNetwork } from '../../src/http/network.ts'
import type { HttpResponse } from '../../src/http/transport.ts'
import { operationNamed } from '../../src/operations/catalogue.ts'
import { makeCertificates } from '../e2e/certificates.ts'
import { trust } from './proxies.ts'

async function startForwarding(answer: RequestListener) {
  const requests: IncomingMessage[] = []
  const server = createServer((incoming, outgoing) => {
    requests.push(incoming.resume())
    answer(incoming, outgoing)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

function sendThrough(HTTP_PROXY: string, url = 'http://marketplace.test:8080/v1/x?y=1#z', method = 'POST') {
  const network = openNetwork({ env: { HTTP_PROXY } })
  onTestFinished(network.close)
  return network.send({ method, url: new URL(url), headers: { a: 'b' }, body: '{}' }, { timeoutMs: 20_000 })
}

test('a proxy gets the whole URL, the host of the server, and its own user and password', async () => {
  const proxy = await startForwarding((_, outgoing) => outgoing.end('forwarded'))
  expect(await sendThrough(`http://alice:secret@${proxy.address}`)).toMatchObject({
    status: 200,
    text: 'forwarded',
    proxy: { address: proxy.address, variable: 'HTTP_PROXY' },
  })
  const [{ method, url, headers } = {} as IncomingMessage] = proxy.requests
  expect({ method, url }).toEqual({ method: 'POST', url: 'http://marketplace.test:8080/v1/x?y=1' })
  const basic = Buffer.from('alice:secret').toString('base64')
  expect(headers).toMatchObject({ a: 'b', host: 'marketplace.test:8080', 'proxy-authorization': `Basic ${basic}` })
})

test.each([
  [407, 'refused getAccountInfo with 407', 'Check the user and password in HTTP_PROXY'],
  [502, 'answered 502 to getAccountInfo', 'Check HTTP_PROXY'],
  [503, 'answered 503 to getAccountInfo', 'Check HTTP_PROXY'],
  [504, 'answered 504 to getAccountInfo', 'Check HTTP_PROXY'],
])('an answer of %i over plain http may be of the proxy', async (status, said, hint) => {
  const proxy = await startForwarding((_, outgoing) => outgoing.writeHead(status).end())
  const response = await sendThrough(`http://${proxy.address}`)
  expect(await failureFromResponse(operationNamed('getAccountInfo'), response)).toMatchObject({
    code: `http_${status}`,
    message: `The proxy ${proxy.address}, or Vercel behind it, ${said}`,
    hint,
  })
})

test('an answer that no proxy gives of itself is of Vercel, and so is each without a proxy', async () => {
  const proxy = { address: 'proxy.example:3128', variable: 'HTTP_PROXY' }
  const answers: HttpResponse[] = [
    { status: 404, headers: {}, text: '', proxy },
    { status: 500, headers: {}, text: '', proxy },
    { status: 502, headers: {}, text: '' },
  ]
  for (const answer of answers) {
    expect((await failureFromResponse(operationNamed('getAccountInfo'), answer)).message).toMatch(/^Vercel /)
  }
})

test('a proxy that is not there is named', async () => {
  await expect(sendThrough('http://127.0.0.1:1')).rejects.toMatchObject({
    failure: 'connect',
    mayHaveArrived: false,
    message: 'the proxy 127.0.0.1:1 refused the connection (ECONNREFUSED): check HTTP_PROXY',
  })
})

test('a request to loopback is sent without the proxy', async () => {
  const server = await startForwarding((_, outgoing) => outgoing.end('direct'))
  const response = await sendThrough('http://127.0.0.1:1', `http://${server.address}/path`)
  expect(response).toMatchObject({ status: 200, text: 'direct' })
  expect(response.proxy).toBeUndefined()
  expect(server.requests[0]?.url).toBe('/path')
})

test('a proxy may be spoken to in TLS, with a certificate for its address', async () => {
  const { authority, cert, key } = makeCertificates()
  trust(authority)
  const server = createHttpsServer({ cert, key }, (incoming, outgoing) => outgoing.end(incoming.url))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  expect(await sendThrough(`https://${address}`)).toMatchObject({
    status: 200,
    text: 'http://marketplace.test:8080/v1/x?y=1',
    proxy: { address },
  })
})
