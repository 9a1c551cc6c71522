// What a server may send instead of a proper response: it is read or refused, and crashes nothing.

import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { exchange, maxResponseBytes } from '../../src/http/exchange.ts'
import { openNetwork } from '../../src/http/network.ts'
import { TransportError } from '../../src/http/transport-error.ts'
import { runs } from '../runs.ts'

/** Answers every request with these bytes, and closes the connection. */
async function answering(next: () => Buffer | string) {
  const server = createServer((socket) => {
    socket.once('data', () => socket.end(next())).on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const network = openNetwork({ env: {} })
  onTestFinished(() => {
    network.close()
    server.close()
  })
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return () => network.send({ method: 'GET', url, headers: {} }, { timeoutMs: 20_000 })
}

const response = (lines: string, body = 'ok') => Buffer.from(`HTTP/1.1 200 OK\r\n${lines}\r\n${body}`, 'latin1')

test.each([
  [
    'names of properties that every object has',
    '__proto__: a\r\nconstructor: b\r\ntoString: c\r\nhasOwnProperty: d\r\n',
  ],
  [
    'a field that comes several times',
    'set-cookie: a\r\nset-cookie: b\r\nx: 1\r\nx: 2\r\nretry-after: 1\r\nretry-after: 2\r\n',
  ],
  ['empty values and blanks', 'retry-after:\r\nx-vercel-id: \t \r\ndate:   \r\n'],
  ['bytes that are not text', `x-vercel-id: \xff\xfe\x80\r\nretry-after: \xe4\xb8\r\n`],
  ['numbers out of range', `retry-after: ${'9'.repeat(400)}\r\nx-ratelimit-reset: 1e999\r\ndate: +275760-09-13\r\n`],
  ['many fields', 'x: y\r\n'.repeat(1500)],
])('header fields of any absurdity are texts: %s', async (_, lines) => {
  const send = await answering(() => response(lines))
  const { status, text, headers } = await send()
  expect({ status, text }).toEqual({ status: 200, text: 'ok' })
  for (const value of Object.values(headers)) expect(value).toBeTypeOf('string')
})

test('a field that comes several times is joined', async () => {
  const send = await answering(() => response('x: 1\r\nx: 2\r\nset-cookie: a\r\nset-cookie: b\r\n'))
  expect((await send()).headers).toEqual({ x: '1, 2', 'set-cookie': 'a,b' })
})

test('with any bytes as header fields the exchange ends with a response or a TransportError', async () => {
  let bytes = Buffer.alloc(0)
  const send = await answering(() => bytes)
  const line = fc.oneof(
    fc.string({ unit: 'binary-ascii', maxLength: 30 }),
    fc.stringMatching(/^[a-z_-]{1,20}: ?[\x20-\xff]{0,30}$/),
    fc.constantFrom('content-length: 1', 'content-length: -1', 'transfer-encoding: chunked', 'content-length: 1e3'),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 5 }), fc.nat({ max: 999 }), async (lines, status) => {
      bytes = Buffer.from(`HTTP/1.1 ${status} X\r\n${lines.join('\r\n')}\r\n\r\nok`, 'latin1')
      const outcome = await send().catch((error: unknown) => error)
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(TransportError)
      else expect(outcome).toMatchObject({ text: expect.any(String) })
    }),
    runs(50),
  )
})

test.each([
  [
    'headers without end',
    `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}`,
    'protocol',
    "the response's headers are too long",
  ],
  ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n', 'protocol', 'the response is not HTTP'],
  ['half of the headers', 'HTTP/1.1 200 OK\r\nx: ', 'reset', 'the connection broke before the response was complete'],
  ['nothing', '', 'reset', 'the connection broke before the response was complete'],
  [
    '101',
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
    'protocol',
    'the response switches to another protocol (101)',
  ],
])('%s in place of a response may have come after the request was processed', async (_, text, failure, message) => {
  const send = await answering(() => text)
  await expect(send()).rejects.toMatchObject({ failure, message, mayHaveArrived: true })
})

/** Sends a request on a connection that fails before the request gets it, as without a file descriptor. */
function sendUnopened(isReused: boolean) {
  const createConnection = () => {
    const socket = new Socket()
    process.nextTick(() => socket.destroy(Object.assign(new Error('connect EMFILE'), { code: 'EMFILE' })))
    return socket
  }
  return exchange(
    { method: 'GET', url: new URL('http://127.0.0.1:9/'), headers: {} },
    { timeoutMs: 20_000 },
    {
      start: (url, options) =>
        Object.assign(request(url, { ...options, createConnection }), isReused ? { reusedSocket: true } : {}),
      close() {},
    },
  )
}

test('a connection for which the runner has no file descriptor never opened', async () => {
  await expect(sendUnopened(false)).rejects.toMatchObject({
    failure: 'connect',
    mayHaveArrived: false,
    code: 'EMFILE',
    message:
      'the runner has no free file descriptors (EMFILE): raise their limit (`ulimit -n` on Linux and macOS), or lower `concurrency`',
  })
})

test('a connection that was kept open, and fails before the request gets it, had opened', async () => {
  await expect(sendUnopened(true)).rejects.toMatchObject({ failure: 'reset', mayHaveArrived: true })
})

test('a response without end that is too long is left, and its connection closed', async () => {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    // What was not read yet resets the connection.
    socket.on('error', () => {}).once('close', () => close())
    socket.once('data', () => {
      socket.write(response(''))
      socket.write(Buffer.alloc(maxResponseBytes + 1, 'x'))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const sending = exchange(
    { method: 'GET', url, headers: {} },
    { timeoutMs: 20_000 },
    { start: (to, options) => request(to, { ...options, agent: false }), close() {} },
  )
  expect(await sending).toMatchObject({ status: 200, text: '', tooLong: true })
  await closed
})

test('an error without a code is a connection that broke', async () => {
  const server = createServer((socket) => void socket.on('error', () => {}))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  const sending = exchange(
    { method: 'GET', url: new URL('http://127.0.0.1:9/'), headers: {} },
    { timeoutMs: 20_000 },
    { start: (url, options) => request(url, { ...options, createConnection: () => socket }), close() {} },
  )
  setImmediate(() => socket.destroy(new Error('of no kind')))
  await expect(sending).rejects.toMatchObject({
    failure: 'reset',
    mayHaveArrived: true,
    code: undefined,
    message: 'the connection broke before the response was complete',
  })
})
