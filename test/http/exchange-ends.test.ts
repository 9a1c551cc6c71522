// How an exchange ends: with a response, a time-out, a cancellation or a broken connection. What matters is whether the
// request can have arrived.

import { getEventListeners } from 'node:events'
import { createServer, type RequestListener, request } from 'node:http'
import { type AddressInfo, createConnection, Socket } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Client, exchange, maxResponseBytes } from '../../src/http/exchange.ts'
import type { SendOptions } from '../../src/http/transport.ts'

async function start(answer: RequestListener) {
  let connections = 0
  const server = createServer((incoming, outgoing) => answer(incoming, outgoing))
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const send = (options: Partial<SendOptions> = {}, body?: string) =>
    exchange({ method: 'POST', url, headers: {}, body }, { timeoutMs: 20_000, ...options }, directly)
  return { url, send, connections: () => connections }
}

const directly: Client = { start: (url, options) => request(url, { ...options, agent: false }), close() {} }

/** A client whose connections never open. */
function unopened(proxy?: Client['proxy']): Client {
  const socket = Object.defineProperty(new Socket(), 'connecting', { value: true })
  onTestFinished(() => void socket.destroy())
  return {
    ...(proxy && { proxy }),
    start: (url, options) => request(url, { ...options, createConnection: () => socket }),
    close() {},
  }
}

const proxy = { address: 'proxy.example:3128', variable: 'HTTP_PROXY' }
const silent: RequestListener = (incoming) => void incoming.resume()

test('a body has its length in bytes, and a request without a body has no length', async () => {
  const { send, url: lengthUrl } = await start((incoming, outgoing) =>
    outgoing.end(incoming.headers['content-length'] ?? 'missing'),
  )
  expect((await send({}, 'é')).text).toBe('2')
  expect((await send({}, '')).text).toBe('0')
  // Node gives some methods no length of its own.
  const deletion = { method: 'DELETE', url: lengthUrl, headers: {}, body: 'é' }
  expect((await exchange(deletion, { timeoutMs: 20_000 }, directly)).text).toBe('2')
  const { url } = await start((incoming, outgoing) => outgoing.end(String('content-length' in incoming.headers)))
  const get = { method: 'GET', url, headers: {} }
  expect((await exchange(get, { timeoutMs: 20_000 }, directly)).text).toBe('false')
})

describe('a time-out', () => {
  test('after the connection has opened may hit a request that arrived', async () => {
    const { send } = await start(silent)
    await expect(send({ timeoutMs: 40 })).rejects.toMatchObject({
      failure: 'timeout',
      mayHaveArrived: true,
      status: undefined,
      message: 'no complete response within 0.04 s',
    })
  })

  test('within the body may hit a request that arrived, and keeps the status', async () => {
    const { send } = await start((_, outgoing) => outgoing.writeHead(200).write('{'))
    await expect(send({ timeoutMs: 60 })).rejects.toMatchObject({
      failure: 'timeout',
      mayHaveArrived: true,
      status: 200,
    })
  })

  test.each<[what: string, client: () => Client, message: string]>([
    ['directly', () => unopened(), 'the connection did not open: no complete response within 0.01 s'],
    [
      'through a proxy',
      () => unopened(proxy),
      'the proxy proxy.example:3128 opened no connection to api.example:8080 within 0.01 s',
    ],
  ])('before the connection has opened hits a request that was not sent: %s', async (_, client, message) => {
    const url = new URL('http://api.example:8080/')
    await expect(
      exchange({ method: 'POST', url, headers: {}, body: '{}' }, { timeoutMs: 10 }, client()),
    ).rejects.toMatchObject({ failure: 'connect', mayHaveArrived: false, message })
  })

  test('of more than a timer can hold is not one of a millisecond', async () => {
    const { send } = await start((_, outgoing) => outgoing.end('ok'))
    const timers = vi.spyOn(globalThis, 'setTimeout')
    onTestFinished(() => timers.mockRestore())
    await send({ timeoutMs: 2 ** 33 })
    expect(timers.mock.calls.map(([, ms]) => ms)).toContain(2 ** 31 - 1)
  })

  test('does not fire once the response is complete', async () => {
    const { send } = await start((_, outgoing) => outgoing.end('ok'))
    const cleared = vi.spyOn(globalThis, 'clearTimeout')
    onTestFinished(() => cleared.mockRestore())
    const timers = vi.spyOn(globalThis, 'setTimeout')
    onTestFinished(() => timers.mockRestore())
    await send({ timeoutMs: 12_345 })
    const timer = timers.mock.results[timers.mock.calls.findIndex(([, ms]) => ms === 12_345)]?.value
    expect(cleared.mock.calls.map(([cleared]) => cleared)).toContain(timer)
  })
})

describe('a cancellation', () => {
  test('before the request sends nothing', async () => {
    const { send, connections } = await start((_, outgoing) => outgoing.end('ok'))
    await expect(send({ signal: AbortSignal.abort() })).rejects.toMatchObject({
      failure: 'cancelled',
      mayHaveArrived: false,
      message: 'cancelled while waiting for the response',
    })
    expect(connections()).toBe(0)
  })

  test('of a request that was sent leaves open whether it arrived', async () => {
    const controller = new AbortController()
    const { send } = await start((incoming) => {
      incoming.resume()
      controller.abort()
    })
    await expect(send({ signal: controller.signal })).rejects.toMatchObject({
      failure: 'cancelled',
      mayHaveArrived: true,
    })
  })

  test('while the connection opens is a cancellation, of a request that was not sent', async () => {
    const controller = new AbortController()
    const url = new URL('http://api.example/')
    const sending = exchange(
      { method: 'GET', url, headers: {} },
      { timeoutMs: 20_000, signal: controller.signal },
      unopened(),
    )
    controller.abort()
    await expect(sending).rejects.toMatchObject({ failure: 'cancelled', mayHaveArrived: false })
  })

  test('is not listened for once the exchange is over', async () => {
    const { signal } = new AbortController()
    const { send } = await start((_, outgoing) => outgoing.end('ok'))
    await send({ signal })
    const failing = await start((incoming) => void incoming.socket.destroy())
    await expect(failing.send({ signal })).rejects.toThrow('the connection broke')
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

test('a response that is cut off keeps its status, because the request arrived', async () => {
  const { send } = await start((incoming, outgoing) => {
    outgoing.writeHead(201, { 'content-length': 10 }).write('{"a"', () => incoming.socket.destroy())
  })
  await expect(send()).rejects.toMatchObject({
    failure: 'reset',
    mayHaveArrived: true,
    status: 201,
    message: 'the connection broke before the response was complete',
  })
})

describe('a response', () => {
  const sized =
    (bytes: number): RequestListener =>
    (_, outgoing) =>
      outgoing.writeHead(200, { a: 'b' }).end(Buffer.alloc(bytes, 'x'))

  test('of the longest length that is read is whole', async () => {
    const { text, tooLong } = await (await start(sized(maxResponseBytes))).send()
    expect({ length: text.length, tooLong }).toEqual({ length: maxResponseBytes, tooLong: undefined })
  })

  test('that is longer is not read, and still an answer', async () => {
    const response = await (await start(sized(maxResponseBytes + 1))).send()
    expect(response).toMatchObject({ status: 200, headers: { a: 'b' }, text: '', tooLong: true })
  })

  test('names the proxy that may have given it, over plain http only', async () => {
    const { url } = await start((_, outgoing) => outgoing.end('ok'))
    const get = { method: 'GET', url, headers: {} }
    expect((await exchange(get, { timeoutMs: 20_000 }, { ...directly, proxy })).proxy).toBe(proxy)
    expect('proxy' in (await exchange(get, { timeoutMs: 20_000 }, directly))).toBe(false)
  })
})

test('the end of an exchange is told to what opens connections through a proxy', async () => {
  const { url } = await start((_, outgoing) => outgoing.end('ok'))
  const ends: (AbortSignal | undefined)[] = []
  const observing = (by: Client['proxy']): Client => ({
    ...(by && { proxy: by }),
    start(target, options, ended) {
      ends.push(ended)
      return request(target, { ...options, agent: false })
    },
    close() {},
  })
  const get = { method: 'GET', url, headers: {} }
  await exchange(get, { timeoutMs: 20_000 }, observing(proxy))
  await exchange(get, { timeoutMs: 20_000 }, observing(undefined))
  expect(ends.map((ended) => ended?.aborted)).toEqual([true, undefined])
})

test('what fails on a connection that is reused may have arrived', async () => {
  let requests = 0
  const { url } = await start((incoming, outgoing) => {
    incoming.resume()
    if (++requests === 1) outgoing.end('ok')
    else incoming.socket.destroy()
  })
  const connection = createConnection({ host: '127.0.0.1', port: Number(url.port) })
  onTestFinished(() => void connection.destroy())
  await new Promise<void>((resolve) => connection.once('connect', resolve))
  const reusing: Client = {
    start: (to, options) => request(to, { ...options, createConnection: () => connection }),
    close() {},
  }
  await exchange({ method: 'GET', url, headers: { connection: 'keep-alive' } }, { timeoutMs: 20_000 }, reusing)
  await expect(
    exchange({ method: 'GET', url, headers: { connection: 'keep-alive' } }, { timeoutMs: 20_000 }, reusing),
  ).rejects.toMatchObject({ mayHaveArrived: true })
})
