// Refunds against a server that counts: none is made twice, and none is reported that was not made.

import { describe, expect, test } from 'vitest'
import { deliverAndReconcile } from '../../src/delivery/reconcile.ts'
import type { OnDuplicate } from '../../src/delivery/refund.ts'
import type { Arrival, Fault, SandboxServer } from '../../src/sandbox/server.ts'
import { optionsFor, requestOf, startPreparedServer } from './requests.ts'

const isRefund = ({ operation }: Arrival) => operation === 'updateInvoice'
const isRead = ({ operation }: Arrival) => operation === 'getInvoice'

/** A server with one invoice, and a function that refunds it. */
async function scene(faults?: (arrival: Arrival) => Fault | undefined) {
  const { server, invoiceId } = await startPreparedServer()
  const lines: string[] = []
  const refund = async (change: object = {}, onDuplicate: OnDuplicate = 'fail') => {
    const request = await requestOf('updateInvoice', { invoiceId }, { reason: 'outage', total: '1.00', ...change })
    const log = { info: (line: string) => void lines.push(line) }
    return deliverAndReconcile(optionsFor(request, server.url, { log }), onDuplicate)
  }
  /** Reads the invoice until a refund in progress is made. */
  const settle = async () => {
    const before = server.faults
    server.faults = () => undefined
    const options = optionsFor(await requestOf('getInvoice', { invoiceId }), server.url)
    for (let reads = 0; reads < 4; reads++) await deliverAndReconcile(options, 'fail')
    server.faults = before
  }
  if (faults) server.faults = faults
  return { server, refund, settle, lines, invoiceId, from: server.arrivals.length }
}

const refundsMade = (server: SandboxServer) =>
  server.arrivals.filter((arrival) => isRefund(arrival) && arrival.worked !== undefined && arrival.worked < 300).length

/** Answers reads of the invoice as the test says, in order; the last answer repeats. */
function readsAs(...invoices: object[]) {
  let reads = 0
  return (arrival: Arrival): Fault | undefined =>
    isRead(arrival)
      ? { type: 'answer', status: 200, body: invoices[Math.min(reads++, invoices.length - 1)] as object }
      : undefined
}
const lost: Fault = { type: 'drop', work: false }

test('the invoice is read first, and the log shows what it was', async () => {
  const { server, refund, lines, from, invoiceId } = await scene()
  expect((await refund()).failure).toBeUndefined()
  expect(server.arrivals.slice(from).map(({ operation }) => operation)).toEqual(['getInvoice', 'updateInvoice'])
  expect(lines).toContainEqual(
    expect.stringMatching(new RegExp(`^invoice ${invoiceId}: \\w+, total \\d+\\.\\d\\d, refunded 0\\.00$`)),
  )
})

describe('the same refund, made again', () => {
  const again = async (onDuplicate: OnDuplicate, change: object = {}) => {
    const here = await scene()
    await here.refund()
    await here.settle()
    return { ...here, second: await here.refund(change, onDuplicate) }
  }

  test('fails before anything is sent, and says what is there and what to set', async () => {
    const { server, second } = await again('fail')
    expect(refundsMade(server)).toBe(1)
    expect(second.failure).toMatchObject({ code: 'refund_present' })
    expect(second.failure?.text).toMatch(
      /already shows a refund with the reason "outage" \(refunded, 1\.00 refunded in all, last changed at 20\d\d-.*`on-duplicate: succeed`.*`on-duplicate: send`/,
    )
  })

  test('is a duplicate with on-duplicate: succeed', async () => {
    const { server, second } = await again('succeed')
    expect(refundsMade(server)).toBe(1)
    expect(second).toMatchObject({ duplicate: true, attempts: 0 })
  })

  const shown = { state: 'refunded', total: '30.00', refundReason: 'outage' }
  test.each<[what: string, invoice: object, total: string, warning: string | undefined]>([
    ['the sum of the refunds is its amount', { refundTotal: '1.00' }, '1.00', undefined],
    ['the sum is larger', { refundTotal: '3.00' }, '1.00', '3.00 was refunded in all, not 1.00. Nothing was sent.'],
    ['the invoice shows no sum', {}, '1.00', undefined],
    ['the refund is under way', { state: 'refund_requested', refundTotal: '0' }, '1.00', undefined],
  ])('with on-duplicate: succeed, if %s', async (_, invoice, total, warning) => {
    const { server, refund } = await scene(readsAs({ ...shown, ...invoice }))
    const { warning: given, ...result } = await refund({ total }, 'succeed')
    expect(result).toEqual({ attempts: 0, duplicate: true })
    if (warning === undefined) expect(given).toBeUndefined()
    else expect(given).toContain(warning)
    expect(server.arrivals.filter(isRefund)).toEqual([])
  })

  test('of more than was refunded in all was not made: with on-duplicate: succeed it fails and says so', async () => {
    const { server, refund } = await scene(readsAs({ ...shown, refundTotal: '1.00' }))
    const { failure, duplicate } = await refund({ total: '2.00' }, 'succeed')
    expect({ code: failure?.code, duplicate }).toEqual({ code: 'refund_present', duplicate: undefined })
    expect(failure?.text).toMatch(/less than 2\.00: this refund was not made.*its own reason.*`on-duplicate: send`/)
    expect(server.arrivals.filter(isRefund)).toEqual([])
  })

  test('after another one, whose reason is all that the invoice shows, warns', async () => {
    const { server, refund } = await scene(readsAs({ ...shown, refundReason: 'other', refundTotal: '1.00' }))
    expect(await refund()).toMatchObject({
      warning: expect.stringMatching(/1\.00 of the invoice .* only the latest reason/),
    })
    expect(server.arrivals.filter(isRefund)).toHaveLength(1)
    const unknown = await scene(readsAs({ state: 'refunded', total: '30.00' }))
    expect((await unknown.refund()).warning).toMatch(/^A part of the invoice .* was refunded before/)
    expect(unknown.lines.join()).toContain('refunded an unknown amount')
    const smaller = await scene(readsAs({ ...shown, refundReason: 'other', refundTotal: '0.99' }))
    expect((await smaller.refund()).warning).toBeUndefined()
  })

  test('is sent with on-duplicate: send', async () => {
    const { server, second } = await again('send')
    expect(second.failure).toBeUndefined()
    expect(refundsMade(server)).toBe(2)
  })

  test('with another reason is another refund', async () => {
    const { server, second } = await again('fail', { reason: 'another outage' })
    expect(second.failure).toBeUndefined()
    expect(refundsMade(server)).toBe(2)
  })
})

test('a refund of more than the invoice has left is refused before it is sent', async () => {
  const { server, refund } = await scene(
    readsAs({ state: 'refunded', total: '10.00', refundTotal: '7.50', refundReason: 'other' }),
  )
  const { failure } = await refund({ total: '2.51' })
  expect(failure).toMatchObject({ code: 'refund_too_large' })
  expect(failure?.message).toContain('2.50 left to refund (total 10.00, refunded 7.50), less than 2.51')
  expect(server.arrivals.filter(isRefund)).toEqual([])
  const exact = await scene(readsAs({ state: 'refunded', total: '10.00', refundTotal: '7.50', refundReason: 'other' }))
  await exact.refund({ total: '2.50' })
  expect(exact.server.arrivals.filter(isRefund)).toHaveLength(1)
})

test.each<[what: string, fault: Fault, says: string]>([
  ['is refused', { type: 'answer', status: 403 }, 'refused getInvoice with 403'],
  ['gets no response', { type: 'drop', work: false }, 'got no answer'],
  ['is answered with something else', { type: 'answer', status: 200, body: [] }, 'is not an invoice'],
  [
    'has a sum that cannot be read',
    { type: 'answer', status: 200, body: { state: 'refunded', refundTotal: '$45.00' } },
    'has a refundTotal that is not a decimal',
  ],
])('if the first reading %s, nothing is sent', async (_, fault, says) => {
  const { server, refund } = await scene((arrival) => (isRead(arrival) ? fault : undefined))
  const { failure, outcomeUnknown = false } = await refund()
  expect(failure?.message).toContain('could not be read before the refund, so nothing was sent')
  expect(failure?.message).toContain(says)
  expect(outcomeUnknown).toBe(false)
  expect(server.arrivals.filter(isRefund)).toEqual([])
})

const paid = { state: 'paid', total: '30.00' }
const mine = { refundReason: 'outage' }

describe('a refund whose response was lost', () => {
  /** What the invoice shows before and after, and whether that proves the refund of 1.00. */
  test.each<[what: string, before: object, after: object, arrived: boolean]>([
    [
      'refundTotal has grown by exactly the amount',
      { ...paid, refundTotal: '2.00' },
      { state: 'refunded', total: '30.00', refundTotal: '3.00' },
      true,
    ],
    ['refundTotal is new and exactly the amount', paid, { state: 'refund_requested', ...mine, refundTotal: '1' }, true],
    [
      'refundTotal as a number has grown exactly',
      { ...paid, refundTotal: 0 },
      { state: 'refunded', refundTotal: 1 },
      true,
    ],
    [
      'the state has moved to refund_requested with the same reason, without refundTotal',
      paid,
      { state: 'refund_requested', ...mine },
      true,
    ],
    [
      'refundTotal has grown by more',
      { ...paid, refundTotal: '2.00' },
      { state: 'refunded', ...mine, refundTotal: '4.00' },
      false,
    ],
    [
      'refundTotal has grown by less',
      { ...paid, refundTotal: '2.00' },
      { state: 'refunded', ...mine, refundTotal: '2.50' },
      false,
    ],
    [
      'only the state has moved on',
      { state: 'refund_requested', total: '30.00', refundTotal: '1.00' },
      { state: 'refunded', ...mine, refundTotal: '1.00', updated: '2999-01-01T00:00:00Z' },
      false,
    ],
    [
      'a later refund has the same reason, without refundTotal',
      { state: 'refund_requested', total: '30.00' },
      { state: 'refund_requested', ...mine, updated: '2999-01-01T00:00:00Z' },
      false,
    ],
    ['it is refunded at once with the same reason, without refundTotal', paid, { state: 'refunded', ...mine }, false],
    [
      'the reason is another one, without refundTotal',
      paid,
      { state: 'refund_requested', refundReason: 'other' },
      false,
    ],
    [
      'refundTotal has grown by exactly the amount, but the reason is that of another refund',
      { ...paid, refundTotal: '2.00' },
      { state: 'refunded', refundReason: 'other', refundTotal: '3.00' },
      false,
    ],
    [
      'refundTotal has grown by exactly the amount, and Vercel has trimmed the reason',
      paid,
      { state: 'refunded', refundReason: ' outage', refundTotal: '1.00' },
      true,
    ],
    [
      'refundTotal is exactly the amount, but an earlier refund showed none',
      { state: 'refunded', total: '30.00', refundReason: 'other' },
      { state: 'refunded', ...mine, refundTotal: '1.00' },
      false,
    ],
    ['refundTotal has vanished', { ...paid, refundTotal: '2.00' }, { state: 'refund_requested', ...mine }, false],
    ['nothing has changed', paid, paid, false],
  ])('%s: arrived %#', async (_, before, after, arrived) => {
    const { server, refund } = await scene()
    const reads = readsAs(before, after)
    server.faults = (arrival) => (isRefund(arrival) ? lost : reads(arrival))
    const { failure, outcomeUnknown = false } = await refund({}, 'send')
    expect(server.arrivals.filter(isRefund)).toHaveLength(1)
    expect({ failed: failure !== undefined, outcomeUnknown }).toEqual({ failed: !arrived, outcomeUnknown: !arrived })
    if (!arrived) {
      expect(failure?.code).toBe('outcome_unknown')
      expect(failure?.hint).toMatch(/The outcome is unknown.*Looked up just now: the invoice is/)
    }
  })

  test('and an invoice that cannot be read any more leaves it unknown', async () => {
    const { server, refund } = await scene()
    let reads = 0
    server.faults = (arrival) => {
      if (isRefund(arrival)) return lost
      return isRead(arrival) && reads++ > 0 ? { type: 'answer', status: 403 } : undefined
    }
    const { failure, outcomeUnknown } = await refund()
    expect(outcomeUnknown).toBe(true)
    expect(failure?.hint).toContain('the invoice could not be read')
    expect(server.arrivals.filter(isRefund)).toHaveLength(1)
  })
})
