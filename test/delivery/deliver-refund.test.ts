// A refund over planned responses: what is read, what is sent, and what is looked up after a lost response.

import { describe, expect, test } from 'vitest'
import type { DeliveryOptions } from '../../src/delivery/deliver.ts'
import { deliverRefund, prepareRefund } from '../../src/delivery/deliver-refund.ts'
import type { OnDuplicate, OwnRefunds } from '../../src/delivery/refund.ts'
import {
  describeReading,
  hasArrived,
  presentRefundProblem,
  readInvoice,
  withoutOwnRefunds,
} from '../../src/delivery/refund.ts'
import { fail, type Planned, planDelivery, refuse, respond } from './planned.ts'
import { requestOf } from './requests.ts'

const ids = { integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1' }
const refund = (change: object = {}) => requestOf('updateInvoice', ids, { reason: 'outage', total: '1.00', ...change })
const paid = { state: 'paid', total: '30.00' }
const made = { state: 'refunded', total: '30.00', refundTotal: '1.00', refundReason: 'outage' }
const lost = fail('reset', 'the connection broke')

/** Prepares a refund, and sends it if it may be sent. */
async function run(
  plan: readonly Planned[],
  {
    onDuplicate = 'fail',
    own,
    isOneUnknown,
    isAmbiguous,
    change,
    ...options
  }: Partial<DeliveryOptions> & {
    onDuplicate?: OnDuplicate
    own?: OwnRefunds
    isOneUnknown?: boolean
    isAmbiguous?: () => boolean
    change?: object
    onSend?: (count: number) => void
  } = {},
) {
  const planned = planDelivery(await refund(change), plan, options)
  const prepared = await prepareRefund(planned.options, onDuplicate, {
    made: own,
    ...(isOneUnknown && { isOneUnknown }),
  })
  const result = 'reading' in prepared ? await deliverRefund(planned.options, prepared, isAmbiguous) : prepared.settled
  return { ...result, ...planned, methods: planned.sent.map(({ request }) => request.method) }
}

describe('after a lost response', () => {
  test('the invoice is read again, and the log says what it shows', async () => {
    const { failure, warning, methods, lines } = await run([respond(200, paid), lost, respond(200, made)])
    expect(failure).toBeUndefined()
    expect(warning).toBe('The response to the refund was lost; the invoice shows that the refund was made')
    expect(methods).toEqual(['GET', 'POST', 'GET'])
    expect(lines).toEqual(
      expect.arrayContaining([
        'invoice inv_1: paid, total 30.00, refunded 0.00',
        'the outcome of the refund is unknown: reading the invoice again',
        'the refund has arrived: the invoice shows it',
      ]),
    )
  })

  test('an invoice that shows no refund leaves the outcome unknown, and says what it shows', async () => {
    const { failure, outcomeUnknown } = await run([respond(200, paid), lost, respond(200, paid)])
    expect(outcomeUnknown).toBe(true)
    expect(failure?.hint).toMatch(
      /\. Looked up just now: the invoice is paid, total 30\.00, refunded 0\.00; before the refund it was paid, total 30\.00, refunded 0\.00$/,
    )
  })

  test('a refund that may be another one of the batch proves nothing', async () => {
    const { failure, outcomeUnknown, warning } = await run([respond(200, paid), lost, respond(200, made)], {
      isAmbiguous: () => true,
    })
    expect({ outcomeUnknown, warning }).toEqual({ outcomeUnknown: true, warning: undefined })
    expect(failure?.hint).toMatch(
      /Looked up just now: the invoice shows such a refund, but it may be another one of this batch$/,
    )
  })

  test('nothing is looked up once the step is cancelled', async () => {
    const controller = new AbortController()
    const { failure, outcomeUnknown, methods } = await run([respond(200, paid), lost], {
      signal: controller.signal,
      onSend: (count) => count === 2 && controller.abort(),
    })
    expect(methods).toEqual(['GET', 'POST'])
    expect(outcomeUnknown).toBe(true)
    expect(failure?.hint).not.toContain('Looked up')
  })
})

test('nothing is looked up after a refusal', async () => {
  const { failure, outcomeUnknown, methods } = await run([respond(200, paid), refuse(400, 'bad', 'No')])
  expect({ outcomeUnknown, methods }).toEqual({ outcomeUnknown: false, methods: ['GET', 'POST'] })
  expect(failure?.code).toBe('http_400')
})

test('an earlier run that may have sent a refund does not make its reading unknown', async () => {
  const { failure, outcomeUnknown, attempts } = await run([refuse(403, 'forbidden', 'No')], { resumed: true })
  expect({ attempts, outcomeUnknown }).toEqual({ attempts: 0, outcomeUnknown: undefined })
  expect(failure?.hint).not.toContain('No usable answer')
  expect(failure?.message).toBe(
    'The invoice inv_1 could not be read before the refund, so nothing was sent: Vercel refused getInvoice with 403 forbidden: No',
  )
})

describe('a refund that may have been made before', () => {
  const earlier = { state: 'refunded', total: '30.00', refundTotal: '1.00', refundReason: 'other' }
  const warning =
    '1.00 of the invoice inv_1 was refunded before, and Vercel shows only the latest reason. Check that this refund was not made before'

  test('is sent with a warning', async () => {
    expect(await run([respond(200, earlier), respond(200, {})])).toMatchObject({ warning, methods: ['GET', 'POST'] })
  })

  test('is not sent with fail-on-warning', async () => {
    const { failure, attempts, methods } = await run([respond(200, earlier)], { failsOnWarning: true })
    expect({ attempts, methods }).toEqual({ attempts: 0, methods: ['GET'] })
    expect(failure).toMatchObject({
      code: 'refund_present',
      message: `${warning}. Nothing was sent, because of \`fail-on-warning\``,
    })
    expect((await run([respond(200, paid), respond(200, {})], { failsOnWarning: true })).failure).toBeUndefined()
  })
})

test('a refund that is there already is told in the log', async () => {
  const { lines, attempts, duplicate } = await run([respond(200, made)], { onDuplicate: 'succeed' })
  expect({ attempts, duplicate }).toEqual({ attempts: 0, duplicate: true })
  expect(lines.at(-1)).toBe('the invoice already shows a refund with this reason: nothing is sent')
})

test.each<OnDuplicate>(['fail', 'succeed'])(
  'a refund that may be another one of the batch, whose outcome is unknown, ends with on-duplicate: %s',
  async (onDuplicate) => {
    const { failure, duplicate, methods } = await run([respond(200, made)], { onDuplicate, isOneUnknown: true })
    expect({ duplicate, methods }).toEqual({ duplicate: undefined, methods: ['GET'] })
    expect(failure).toMatchObject({
      code: 'refund_present',
      message:
        'The invoice inv_1 already shows a refund with the reason "outage" (refunded, 1.00 refunded in all). It may be another refund of this batch, whose outcome is unknown, so nothing was sent',
      hint: 'Run the batch again with its journal, which looks up the other refund first',
    })
  },
)

describe('what a refund is compared with', () => {
  test.each<[what: string, invoice: object, change: object, message: RegExp]>([
    [
      'an invoice without a sum, whose state says nothing of it',
      { state: 'refunded', refundReason: 'outage', updated: '2026-01-01T00:00:00Z' },
      {},
      /^The invoice inv_1 already shows a refund with the reason "outage" \(refunded, last changed at 2026-01-01T00:00:00Z\), so nothing was sent$/,
    ],
    [
      'an invoice without a time',
      made,
      {},
      /^The invoice inv_1 already shows a refund with the reason "outage" \(refunded, 1\.00 refunded in all\), so nothing was sent$/,
    ],
    [
      'an invoice with nothing left',
      { ...made, refundReason: 'other', refundTotal: '31.00' },
      {},
      /^The invoice inv_1 has 0\.00 left to refund \(total 30\.00, refunded 31\.00\), less than 1\.00; nothing was sent$/,
    ],
    [
      'an invoice that was not refunded',
      paid,
      { total: '30.01' },
      /^The invoice inv_1 has 30\.00 left to refund \(total 30\.00, refunded 0\.00\), less than 30\.01; nothing was sent$/,
    ],
  ])('%s', async (_, invoice, change, message) => {
    expect((await run([respond(200, invoice)], { change })).failure?.message).toMatch(message)
  })

  test.each<[what: string, invoice: object, change: object]>([
    ['the reason is the same, but nothing was refunded', { ...paid, refundReason: 'outage', refundTotal: '0.00' }, {}],
    ['the reason is the same, without a sum or a state of a refund', { ...paid, refundReason: 'outage' }, {}],
    ['the whole invoice is left', paid, { total: '30.00' }],
    ['the total is not known', { state: 'paid' }, { total: '99999.00' }],
    ['empty texts stand for nothing', { ...paid, refundReason: '', refundTotal: '', updated: '' }, {}],
    ['null stands for nothing', { ...paid, refundReason: null, refundTotal: null }, {}],
  ])('is sent if %s', async (_, invoice, change) => {
    const { failure, warning, methods } = await run([respond(200, invoice), respond(200, {})], { change })
    expect({ failure, warning, methods }).toEqual({ failure: undefined, warning: undefined, methods: ['GET', 'POST'] })
  })

  test.each(['1.', '.5', '-1', '1e3', '1'.repeat(41), `1.${'1'.repeat(41)}`, true, {}, [1]])(
    'a total of %j is not read as none',
    async (total) => {
      const { failure, methods } = await run([respond(200, { ...paid, total })])
      expect(failure?.message).toMatch(/the response to getInvoice has a total that is not a decimal$/)
      expect(methods).toEqual(['GET'])
    },
  )

  test.each([{}, { state: 7 }, [paid], 'paid', null])('%j is not an invoice', async (invoice) => {
    const { failure, methods } = await run([respond(200, invoice)])
    expect(failure).toMatchObject({
      code: 'http_200',
      message: expect.stringMatching(/nothing was sent: the response to getInvoice is not an invoice$/),
    })
    expect(methods).toEqual(['GET'])
  })
})

test('a reading has what the invoice says, and nothing else', async () => {
  const read = async (invoice: object) => {
    const { options } = planDelivery(await refund(), [respond(200, invoice)])
    const result = await readInvoice(options)
    return 'reading' in result ? result.reading : result.failure.message
  }
  expect(await read({ ...paid, refundReason: '', updated: '', refundTotal: null, id: 'inv_1' })).toStrictEqual(paid)
  const updated = '2026-01-01T00:00:00Z'
  expect(await read({ state: 'refunded', total: 30, refundTotal: 1.5, refundReason: 'r', updated })).toStrictEqual({
    state: 'refunded',
    total: '30',
    refundTotal: '1.5',
    refundReason: 'r',
    updated,
  })
  expect(describeReading({ state: 'paid' })).toBe('paid, refunded 0.00')
  const { failure } = await run([respond(201, [])])
  expect(failure?.code).toBe('http_201')
})

describe('the reason of a refund', () => {
  test('is the same with blanks around it, which Vercel may trim', async () => {
    const { failure } = await run([respond(200, made)], { change: { reason: ' outage ' } })
    expect(failure?.code).toBe('refund_present')
  })

  test('that the invoice shows already is no warning about earlier refunds', async () => {
    const result = await run([respond(200, made), respond(200, {})], { onDuplicate: 'send' })
    expect(result.failure).toBeUndefined()
    expect(result).not.toHaveProperty('warning')
  })

  test('that is the same, with another sum, is told with the sums', async () => {
    const { warning } = await run([respond(200, { ...made, refundTotal: '3.00' })], { onDuplicate: 'succeed' })
    expect(warning).toBe(
      'The invoice inv_1 shows the reason of this refund, but 3.00 was refunded in all, not 1.00. Nothing was sent. If this is another refund, give it its own reason, or set `on-duplicate: send`',
    )
  })

  test('is needed where the invoice shows no sum', async () => {
    const request = await refund()
    expect(hasArrived(paid, { state: 'refund_requested' }, request)).toBe(false)
    expect(hasArrived(paid, { state: 'refund_requested', refundReason: 'outage' }, request)).toBe(true)
  })
})

test.each([
  [undefined, 'less than 1.00: this'],
  ['2.00', 'less than 3.00 with the refunds of this batch that it showed already: this'],
])('a reason of a smaller sum is told with the refunds of the batch that it showed: %s', async (found, message) => {
  const options = { onDuplicate: 'succeed', mayBeOwn: false, found } as const
  expect(presentRefundProblem({ ...made, refundTotal: '0.50' }, await refund(), options)).toMatchObject({
    message: `The invoice inv_1 already shows a refund with the reason "outage" (refunded, 0.50 refunded in all), which is ${message} refund was not made, and nothing was sent`,
    hint: 'It is another refund: give it its own reason, or set `on-duplicate: send`',
  })
})

test('refunds of the same batch do not count as those of others', () => {
  const before = { state: 'paid', total: '30.00' }
  const own = { before, total: '3.00' }
  const reading = (refundTotal?: string) => ({ state: 'refunded', ...(refundTotal && { refundTotal }) })
  expect(withoutOwnRefunds(reading('3.00'), undefined)).toEqual(reading('3.00'))
  expect(withoutOwnRefunds(reading('3.00'), own)).toBe(before)
  expect(withoutOwnRefunds(reading('2.00'), own)).toBe(before)
  expect(withoutOwnRefunds(reading('3.01'), own)).toEqual(reading('3.01'))
  expect(withoutOwnRefunds(reading(), own)).toBe(before)
  const unknownBefore = { before: { state: 'refunded' }, total: '3.00' }
  expect(withoutOwnRefunds(reading('3.00'), unknownBefore)).toEqual(reading('3.00'))
})
