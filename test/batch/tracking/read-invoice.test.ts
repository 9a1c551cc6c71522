import { expect, test } from 'vitest'
import { AdaptiveLimiter } from '../../../src/batch/sending/limiter.ts'
import { InvoiceReader } from '../../../src/batch/tracking/read-invoice.ts'
import type { TrackedInvoice } from '../../../src/batch/tracking/tracked-invoice.ts'
import type { HttpRequest, HttpResponse } from '../../../src/http/transport.ts'
import { TransportError } from '../../../src/http/transport-error.ts'
// Loaded here, because the test clock does not wait for imports.
import '../../../src/failure-register.ts'
import { loadOperation } from '../../../src/operations/load.ts'
import { TestClock } from '../test-clock.ts'
import { rowOf } from './rows.ts'

const token = 'vct-the-token-of-icfg-1'
const operation = await loadOperation('getInvoice')
const asked = rowOf({ invoiceId: 'inv_1', amount: '1.00', at: 'before', code: 'old', message: 'old' })

type Answer = Partial<Omit<HttpResponse, 'text'>> & { readonly body?: unknown }

/** Reads an invoice once from a server that gives one answer, or an error. */
async function read(
  answer: Answer | Error,
  { row = asked, hasToken = true, tokens = new Map<string, string>(), isAborted = false } = {},
) {
  const clock = new TestClock()
  const requests: HttpRequest[] = []
  const lines: string[] = []
  const aborted = new AbortController()
  const limiter = new AdaptiveLimiter({
    concurrency: 1,
    maxWaitMs: 1000,
    clock,
    random: () => 0.5,
    signal: aborted.signal,
    log: { info: () => {} },
  })
  const transport = {
    async send(request: HttpRequest): Promise<HttpResponse> {
      requests.push(request)
      if (isAborted) aborted.abort()
      if (answer instanceof Error) throw answer
      const { body, ...response } = answer
      const headers = { 'content-type': 'application/json', 'x-vercel-id': `req-${token}` }
      return { status: 200, headers, text: body === undefined ? '' : JSON.stringify(body), ...response }
    },
    close() {},
  }
  const reader = new InvoiceReader({
    operation,
    tokens,
    defaultToken: hasToken ? token : undefined,
    extraSecrets: ['secret-of-the-proxy'],
    endpoint: { baseUrl: 'https://api.vercel.com', transport },
    limiter,
    clock,
    random: () => 0.5,
    signal: aborted.signal,
    abort: new AbortController().signal,
    debug: (line) => void lines.push(line),
  })
  await limiter.acquire()
  const slot = { installation: row.installation, acquired: true, waitedMs: 0 }
  const reading = reader.read(row, slot, { maxAttempts: 1, attemptTimeoutMs: 1000, retryTimeoutMs: 1000 })
  await clock.run(reading)
  return { answer: await reading, requests, lines }
}

const at = '2025-03-15T00:00:00.000Z'
const known = { line: 1, id: 'r-1', installation: 'icfg_1', invoiceId: 'inv_1' }
const complete = { invoiceId: 'inv_1', state: 'refunded', total: '12.50' }

test('a row has what the response shows, without secrets', async () => {
  const body = {
    ...complete,
    externalId: `ours-${token}`,
    invoiceNumber: '2025-17-secret-of-the-proxy',
    refundTotal: 4.5,
    invoiceDate: '2025-03-01T00:00:00Z',
    test: true,
  }
  const { answer, requests, lines } = await read({ body })
  expect(answer).toEqual({
    isRefused: false,
    row: {
      ...known,
      externalId: 'ours-***',
      invoiceNumber: '2025-17-***',
      amount: '12.50',
      refunded: '4.5',
      invoiceDate: '2025-03-01T00:00:00Z',
      test: true,
      status: 'refunded',
      at,
      httpStatus: 200,
      requestId: 'req-***',
    },
  })
  expect(requests.map(({ method, url, headers }) => [method, url.href, headers.authorization])).toEqual([
    ['GET', 'https://api.vercel.com/v1/installations/icfg_1/billing/invoices/inv_1', `Bearer ${token}`],
  ])
  expect(lines).toEqual([
    'line 1: > GET https://api.vercel.com/v1/installations/icfg_1/billing/invoices/inv_1',
    'line 1: < 200 in 0 ms, request req-***',
  ])
})

test.each<[what: string, body: object, change: Partial<TrackedInvoice>]>([
  ['is empty', { externalId: '', invoiceNumber: '', invoiceDate: '' }, {}],
  ['is not text', { externalId: 5, invoiceNumber: {}, invoiceDate: null }, {}],
  ['is not an amount', { total: 'much', refundTotal: 'some' }, { amount: '1.00' }],
  ['is not true', { test: 'true' }, {}],
  ['is the id of another system', { invoiceId: 7 }, {}],
])('what %s is left out', async (_, body, change) => {
  const { answer } = await read({ body: { ...complete, ...body }, headers: {} })
  expect(answer?.row).toEqual({ ...known, status: 'refunded', amount: '12.50', at, httpStatus: 200, ...change })
})

test('the external id of the journal is kept', async () => {
  const { answer } = await read(
    { body: { ...complete, externalId: 'theirs' } },
    { row: { ...asked, externalId: 'ours' } },
  )
  expect(answer?.row.externalId).toBe('ours')
})

const noInvoice = 'The response to getInvoice is not an invoice. Check `api-url`'
const noState = 'The response to getInvoice has no state. Read the invoice at Vercel'

test.each<[what: string, body: unknown, message: string]>([
  ['nothing', undefined, noInvoice],
  ['a list', [complete], noInvoice],
  ['no state', { ...complete, state: undefined }, noState],
  ['a number as the state', { ...complete, state: 5 }, noState],
  ['an empty state', { ...complete, state: '' }, noState],
  ['text before the state', { ...complete, state: '<b>paid' }, noState],
  ['text after the state', { ...complete, state: 'paid</b>' }, noState],
  ['a state of 41 characters', { ...complete, state: 'p'.repeat(41) }, noState],
  [
    'another invoice',
    { ...complete, invoiceId: `inv_${token}` },
    'The response to getInvoice is about the invoice "inv_***". Check `api-url`',
  ],
])('a response with %s makes the invoice unreadable for now', async (_, body, message) => {
  const { answer } = await read({ body })
  const row = { ...asked, status: 'unreadable', code: 'no_invoice', message, at, httpStatus: 200, requestId: 'req-***' }
  expect(answer).toEqual({ isRefused: false, row })
})

test('a state of 40 characters is read', async () => {
  const state = `new-state_${'p'.repeat(30)}`
  expect((await read({ body: { ...complete, state } })).answer?.row.status).toBe(state)
})

test.each([
  [300, true],
  [400, true],
  [404, true],
  [408, false],
  [499, true],
  [500, false],
  [503, false],
])('the status %i is a refusal: %s', async (status, isRefused) => {
  const { answer } = await read({ status, body: { error: { code: `code-${token}`, message: `not for ${token}` } } })
  expect(answer).toEqual({
    isRefused,
    row: {
      ...asked,
      status: 'unreadable',
      code: 'code-***',
      message: expect.stringContaining('not for ***'),
      at,
      httpStatus: status,
      requestId: 'req-***',
    },
  })
})

test('a lost connection is not a refusal', async () => {
  const { answer } = await read(new TransportError('reset', `reset by ${token}`, { mayHaveArrived: true }))
  const row = { ...asked, status: 'unreadable', code: expect.any(String), message: expect.stringContaining('***'), at }
  expect(answer).toEqual({ isRefused: false, row })
})

test('a defect of the action is not taken for a failure of the network', async () => {
  await expect(read(new RangeError('a defect'))).rejects.toThrow('a defect')
})

test('an invoice without a token is not asked for', async () => {
  const { answer, requests } = await read({ body: complete }, { hasToken: false })
  const message = 'The installation "icfg_1" has no token: add it to `tokens` or `tokens-file`, or set `token`'
  expect(answer).toEqual({
    isRefused: true,
    row: { ...asked, status: 'unreadable', code: 'token_missing', message, at },
  })
  expect(requests).toEqual([])
})

test('the token of the installation goes before the default', async () => {
  const { requests } = await read(
    { body: complete },
    {
      tokens: new Map([
        ['icfg_1', 'own'],
        ['icfg_2', 'other'],
      ]),
    },
  )
  expect(requests[0]?.headers.authorization).toBe('Bearer own')
})

test('a failure while the tracking is cancelled says nothing of the invoice', async () => {
  expect((await read({ status: 404 }, { isAborted: true })).answer).toBeUndefined()
})

test('a response that arrives while the tracking is cancelled counts', async () => {
  expect((await read({ body: complete }, { isAborted: true })).answer?.row.status).toBe('refunded')
})

test('a failure after the tracking has given up says nothing of the invoice', async () => {
  const unopened = new TransportError('connect', 'connection refused', { mayHaveArrived: false })
  expect((await read(unopened)).answer).toBeUndefined()
})
