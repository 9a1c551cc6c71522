// The rules of delivery by themselves, on a clock that stands still.

import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { backoff, requestedWait } from '../../src/delivery/backoff.ts'
import { deriveExternalId } from '../../src/delivery/idempotency-key.ts'
import { deliverAndReconcile } from '../../src/delivery/reconcile.ts'
import { waitFor } from '../../src/delivery/wait-for.ts'
import { formatDuration } from '../../src/format.ts'
import { findOperation, type Operation } from '../../src/operations/catalogue.ts'
import { canReach } from '../../src/operations/invoice-state.ts'
import { buildRequest, requestShape } from '../../src/operations/request.ts'
import { startSandboxServer } from '../../src/sandbox/server.ts'
import { optionsFor, requestOf, startPreparedServer } from './requests.ts'

const answer = (status: number, headers: Record<string, string>) => ({ status, headers, text: '' })
const now = new Date('2026-01-01T00:00:00Z')

test.each([
  ['seconds', 503, { 'retry-after': '12' }, 12_000],
  ['a part of a second', 503, { 'retry-after': '1.5' }, 1500],
  ['a reset in nanoseconds', 429, { 'x-ratelimit-reset': '1767225630000000000' }, 30_000],
  ['a date', 503, { 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT' }, 60_000],
  [
    "a date by the server's own clock",
    503,
    { 'retry-after': 'Thu, 01 Jan 2026 01:01:00 GMT', date: 'Thu, 01 Jan 2026 01:00:00 GMT' },
    60_000,
  ],
  ['the reset of a rate limit', 429, { 'x-ratelimit-reset': '1767225630' }, 30_000],
  ['the later of two', 429, { 'retry-after': '5', 'x-ratelimit-reset': '1767225630' }, 30_000],
  ['a rate limit reset without a 429', 503, { 'x-ratelimit-reset': '1767225630' }, undefined],
  ['nonsense', 429, { 'retry-after': 'soon', 'x-ratelimit-reset': '-1' }, undefined],
  ['a date that has passed', 503, { 'retry-after': 'Thu, 01 Jan 2015 00:00:00 GMT' }, undefined],
])('the wait that a server asks for: %s', (_, status, headers, wait) => {
  expect(requestedWait(answer(status, headers as Record<string, string>), now)).toBe(wait)
})

test('backoff doubles up to half a minute, and jitter takes anything below', () => {
  expect([1, 2, 3, 10].map((attempt) => backoff(attempt, 1))).toEqual([500, 1000, 2000, 30_000])
  expect(backoff(5, 0)).toBe(0)
})

test('durations read well', () => {
  expect([12, 1500, 61_000, 7_260_000].map(formatDuration)).toEqual(['12 ms', '1.5 s', '1 min 1 s', '2 h 1 min'])
})

describe('the key of an invoice', () => {
  const content = {
    integrationConfigurationId: 'icfg_1',
    invoiceDate: '2026-01-15T00:00:00Z',
    period: { start: '2026-01-01T00:00:00Z', end: '2026-02-01T00:00:00Z' },
    items: [{ billingPlanId: 'p', name: 'n', price: '1.50', quantity: 2, units: 'u', total: '3.00' }],
  }
  const keyOf = async (payload: object) => {
    const check = { env: {}, readFile: () => '', now, errors: [], warnings: [], secrets: [] }
    const request = buildRequest(requestShape(findOperation('submitInvoice') as Operation), payload, {}, check)
    if (!request) throw new Error(JSON.stringify(check.errors))
    return deriveExternalId(request)
  }

  test('is the same in every version', async () => {
    expect(await keyOf(content)).toBe('auto-d6819c2a152c377c6beccda42938aff1')
  })

  test('does not depend on the order of fields, the spelling of times or closing zeros', async () => {
    const {
      integrationConfigurationId,
      items: [item],
      ...rest
    } = content
    const other = {
      items: [{ ...item, total: '3', price: '1.5' }],
      ...rest,
      invoiceDate: '2026-01-15T02:00:00.000+02:00',
    }
    expect(await keyOf({ requestBody: other, integrationConfigurationId })).toBe(await keyOf(content))
  })

  test('differs where the invoice does', async () => {
    const changes = [
      { memo: 'x' },
      { integrationConfigurationId: 'icfg_2' },
      { test: {} },
      { items: [] },
      { invoiceDate: '2026-01-15T00:00:01Z' },
    ]
    const keys = await Promise.all([content, ...changes.map((change) => ({ ...content, ...change }))].map(keyOf))
    expect(new Set(keys).size).toBe(keys.length)
  })
})

test('from a state that no step leads out of, the wanted one cannot come', () => {
  expect(canReach('pending', ['paid'])).toBe(true)
  expect(canReach('notpaid', ['paid'])).toBe(true)
  expect(canReach('refunded', ['paid'])).toBe(false)
  expect(canReach('paid', ['invoiced'])).toBe(false)
  fc.assert(fc.property(fc.string(), (state) => canReach(`new-${state}`, ['paid'])))
})

describe('waiting for a state', () => {
  const known = 'The request was accepted'
  const wait = { states: ['paid'], timeoutMs: 60_000, intervalMs: 10_000 }
  const waiting = async () => {
    const { server, invoiceId } = await startPreparedServer()
    const lines: string[] = []
    const log = { info: (line: string) => void lines.push(line) }
    const options = optionsFor(await requestOf('getInvoice', { invoiceId }), server.url, { log })
    return { server, options, lines }
  }

  test('tells each state once, and no trouble on the way ends it', async () => {
    const { server, options, lines } = await waiting()
    let polls = 0
    server.faults = () => (++polls % 2 ? { type: 'drop', work: false } : undefined)
    await waitFor(options, wait, { known })
    expect(lines.map((line) => line.split(': ')[1])).toEqual(['pending', 'invoiced', 'paid'])
  })

  test('ends when the time is over, with the last state', async () => {
    const { options } = await waiting()
    await expect(waitFor(options, { ...wait, states: ['refunded'] }, { known })).rejects.toMatchObject({
      code: 'wait_timeout',
      message: expect.stringContaining('it is paid'),
    })
  })

  test('ends at once when the state cannot come any more', async () => {
    const { server, options } = await waiting()
    await expect(waitFor(options, { ...wait, states: ['draft'] }, { known })).rejects.toMatchObject({
      code: 'state_unreachable',
    })
    expect(server.arrivals.at(-1)?.method).toBe('GET')
  })

  test('ends at once when the step is cancelled', async () => {
    const { options } = await waiting()
    const cancelled = AbortSignal.abort()
    await expect(waitFor({ ...options, signal: cancelled }, wait, { known })).rejects.toMatchObject({
      code: 'cancelled',
    })
  })
})

test('a poll that is refused does not hide that the request was accepted', async () => {
  const server = await startSandboxServer()
  onTestFinished(server.close)
  const options = optionsFor(await requestOf('getInvoice', { invoiceId: 'missing' }), server.url)
  const wait = { states: ['paid'], timeoutMs: 60_000, intervalMs: 10_000 }
  await expect(waitFor(options, wait, { known: 'The request was accepted' })).rejects.toMatchObject({
    message: expect.stringMatching(/^The request was accepted\. The invoice could not be read while waiting: .*404/),
  })
})

test('an invoice that was there before is a failure or a success, as the step says', async () => {
  const server = await startSandboxServer()
  onTestFinished(server.close)
  const send = async (onDuplicate: 'fail' | 'succeed') =>
    deliverAndReconcile(optionsFor(await requestOf('submitInvoice'), server.url), onDuplicate)
  expect((await send('fail')).failure).toBeUndefined()
  expect((await send('fail')).failure?.hint).toContain('on-duplicate: succeed')
  expect(await send('succeed')).toMatchObject({ duplicate: true })
})
