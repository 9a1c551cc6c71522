// Waiting for the state of an invoice: when it asks, when it ends, and what it says.

import { describe, expect, test } from 'vitest'
import type { DeliveryOptions } from '../../src/delivery/deliver.ts'
import { type Wait, type WaitContext, waitFor } from '../../src/delivery/wait-for.ts'
import { fail, type Planned, planDelivery, refuse, respond } from './planned.ts'
import { requestOf } from './requests.ts'

const pending = respond(200, { state: 'pending' })
const paid = respond(200, { state: 'paid' })
const known = 'The request was accepted'

/** Waits for an invoice whose readings the test plans. */
async function run(
  plan: readonly Planned[],
  wait: Partial<Wait> = {},
  { first, onRead, ...change }: Partial<DeliveryOptions> & Partial<WaitContext> & { onSend?: () => void } = {},
) {
  const request = await requestOf('submitInvoice', { integrationConfigurationId: 'icfg_1' })
  const params = { ...request.params, invoiceId: 'inv_1' }
  const planned = planDelivery({ ...request, params }, plan, change)
  const result = await waitFor(
    planned.options,
    { states: ['paid'], timeoutMs: 60_000, intervalMs: 10_000, ...wait },
    { first, known, ...(onRead && { onRead }) },
  ).catch((error: unknown) => error)
  return { ...planned, result, at: planned.sent.map(({ at }) => at) }
}

test('asks at once and then at each interval, and logs each state once', async () => {
  const { result, at, lines, sent } = await run([pending, pending, paid])
  expect(result).toBe(paid)
  expect(at).toEqual([0, 10_000, 20_000])
  expect(lines).toEqual(['invoice inv_1: pending', 'invoice inv_1: paid'])
  expect(`${sent[0]?.request.method} ${sent[0]?.request.url}`).toBe(
    'GET https://api.example/v1/installations/icfg_1/billing/invoices/inv_1',
  )
})

test('a response that was read already counts as the first poll, and each reading is passed on', async () => {
  const read: unknown[] = []
  const { result, at } = await run([paid], {}, { first: pending, onRead: (response) => void read.push(response) })
  expect(result).toBe(paid)
  expect(at).toEqual([10_000])
  expect(read).toEqual([pending, paid])
})

test('the last wait is cut to the end of wait-timeout, after which nothing is asked', async () => {
  const { result, waits, sent } = await run([pending, pending], { timeoutMs: 15_000 })
  expect(waits).toEqual([10_000, 5000])
  expect(sent).toHaveLength(2)
  expect(result).toMatchObject({
    code: 'wait_timeout',
    message: 'The invoice did not become paid within 15 s: it is pending',
    hint: `${known}. Keep waiting with getInvoice and wait-for`,
  })
})

test('a poll is repeated only as long as the waiting lasts', async () => {
  const busy = respond(503, undefined, { 'retry-after': '4' })
  const { result, at } = await run([pending, busy, busy], { timeoutMs: 15_000 })
  // The next repetition would start at 18 s.
  expect(at).toEqual([0, 10_000, 14_000])
  expect(result).toMatchObject({
    code: 'wait_timeout',
    message: expect.stringContaining('it is pending; the last poll'),
  })
})

test.each([60_000, 70_000])('a poll that ends after the waiting is the last, without a wait: %i', async (ms) => {
  const { result, waits } = await run([{ ...pending, ms }])
  expect(waits).toEqual([])
  expect(result).toMatchObject({
    code: 'wait_timeout',
    message: expect.stringContaining('within 1 min: it is pending'),
  })
})

describe('a poll that fails', () => {
  test('is told when the time is over', async () => {
    const { result } = await run([respond(500), respond(500), respond(500)], { timeoutMs: 10_000 })
    expect(result).toMatchObject({
      message:
        'The invoice did not become paid within 10 s: its state could not be read; the last poll failed: Vercel answered 500 to getInvoice',
    })
  })

  test('is not told any more after one that succeeds', async () => {
    const lost = fail('connect', 'refused')
    const { result } = await run([lost, lost, lost, pending], { timeoutMs: 20_000 })
    expect(result).toMatchObject({ message: 'The invoice did not become paid within 20 s: it is pending' })
  })

  test.each([408, 429, 500, 503])('with %i does not end the waiting', async (status) => {
    const { result } = await run([respond(status), paid], {}, { limits: oneAttempt })
    expect(result).toBe(paid)
  })

  test("with a proxy's page does not end the waiting", async () => {
    const page = respond(200, '<html>Maintenance</html>')
    expect((await run([page, paid], {}, { limits: oneAttempt })).result).toBe(paid)
    const { result } = await run([page, page], { timeoutMs: 10_000 }, { limits: oneAttempt })
    expect(result).toMatchObject({
      code: 'wait_timeout',
      message: expect.stringMatching(/its state could not be read; the last poll failed: .* 200 and an HTML page/),
      hint: expect.stringMatching(/Keep waiting with getInvoice/),
    })
  })

  test('without an answer does not end the waiting', async () => {
    expect((await run([fail('timeout'), paid], {}, { limits: oneAttempt })).result).toBe(paid)
  })

  test.each([400, 404])('with %i ends the waiting, and says that the request itself was accepted', async (status) => {
    const { result } = await run([pending, refuse(status, 'no', 'No such invoice')])
    expect(result).toMatchObject({
      message: `${known}. The invoice could not be read while waiting: Vercel refused getInvoice with ${status} no: No such invoice`,
    })
  })
})

const oneAttempt = { maxAttempts: 1, attemptTimeoutMs: 1000, retryTimeoutMs: 60_000 }

test('an answer without a state is none', async () => {
  const without = [respond(200, { status: 'paid' }), respond(200, { state: 7 })]
  const read: unknown[] = []
  const { result, lines } = await run([...without, paid], {}, { onRead: (response) => void read.push(response) })
  expect(result).toBe(paid)
  expect(read).toEqual([paid])
  expect(lines).toEqual(['invoice inv_1: paid'])
  const { result: failure } = await run(without, { timeoutMs: 20_000 })
  expect(failure).toMatchObject({
    message: 'The invoice did not become paid within 20 s: its state could not be read',
  })
})

test('a state from which the wanted ones cannot come ends the waiting', async () => {
  const { result } = await run([respond(200, { state: 'refunded' })], { states: ['paid', 'notpaid'] })
  expect(result).toMatchObject({
    code: 'state_unreachable',
    message: 'The invoice is refunded, from where it cannot become paid or notpaid',
    hint: known,
  })
})

describe('a step that is cancelled', () => {
  test('says what the invoice was', async () => {
    const controller = new AbortController()
    const { result, waits } = await run([pending], {}, { signal: controller.signal, onSend: () => controller.abort() })
    expect(waits).toEqual([])
    expect(result).toMatchObject({
      code: 'cancelled',
      message: 'Cancelled while waiting for the invoice to be paid; it was pending',
      hint: known,
    })
  })

  test('before the invoice was read says so', async () => {
    const controller = new AbortController()
    const { result } = await run([respond(500)], {}, { signal: controller.signal, onSend: () => controller.abort() })
    expect(result).toMatchObject({ message: expect.stringMatching(/; it was not read yet$/) })
  })
})
