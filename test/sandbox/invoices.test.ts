// Invoices, as a billing workflow sees them.

import { expect, test } from 'vitest'
import { icfg, invoice, item, openTestSandbox } from './sandbox.ts'

const invoices = `${icfg}/billing/invoices`

async function submitted(change: object = {}) {
  const sandbox = openTestSandbox()
  const { body } = await sandbox.ask('POST', invoices, { body: { ...invoice, ...change } })
  const path = `${invoices}/${body.invoiceId}`
  const get = async () => (await sandbox.ask('GET', path)).body
  const refund = (total: string) =>
    sandbox.ask('POST', `${path}/actions`, { body: { action: 'refund', reason: 'outage', total } })
  return { ...sandbox, path, get, refund }
}

const states = async (get: () => Promise<{ state: string }>, reads: number) => {
  const seen = []
  for (let read = 0; read < reads; read++) seen.push((await get()).state)
  return seen
}

test('an invoice is pending, then invoiced, then paid', async () => {
  const { get } = await submitted()
  expect(await states(get, 4)).toEqual(['pending', 'invoiced', 'paid', 'paid'])
})

test('an invoice is returned as it was sent, with the fields that the Marketplace adds', async () => {
  const { get, clock } = await submitted({ externalId: 'ours-1', memo: 'January', final: true })
  const now = clock.now.toISOString()
  expect(await get()).toEqual({
    ...invoice,
    externalId: 'ours-1',
    memo: 'January',
    invoiceId: expect.stringMatching(/^inv_[0-9a-f]{24}$/),
    invoiceNumber: 'SANDBOX-0001',
    state: 'pending',
    total: '3.00',
    created: now,
    updated: now,
  })
  clock.now = new Date('2025-02-02T00:00:00Z')
  await get()
  expect(await get()).toMatchObject({
    state: 'paid',
    updated: '2025-02-02T00:00:00.000Z',
    paidAt: clock.now.toISOString(),
  })
})

test('an invoice also enters a state for each day that passes', async () => {
  const { get, clock } = await submitted()
  clock.now = new Date('2025-02-02T11:59:59Z')
  expect(await get()).toMatchObject({ state: 'pending' })
  clock.now = new Date('2025-02-05T12:00:00Z')
  expect(await get()).toMatchObject({ state: 'paid', paidAt: clock.now.toISOString() })
})

test('an invoice below 0.50 is never sent to the customer, so it stays pending', async () => {
  const { get } = await submitted({ items: [{ ...item, total: '0.49' }] })
  expect(await states(get, 4)).toEqual(['pending', 'pending', 'pending', 'pending'])
  const other = await submitted({ items: [{ ...item, total: '0.50' }] })
  expect(await states(other.get, 3)).toEqual(['pending', 'invoiced', 'paid'])
})

test('a test invoice below 0.50 ends in the requested state', async () => {
  const { get } = await submitted({ items: [{ ...item, total: '0.49' }], test: { result: 'overdue' } })
  expect(await states(get, 3)).toEqual(['pending', 'invoiced', 'overdue'])
})

test('an unpaid invoice is overdue 15 days after its date', async () => {
  const period = { start: '2025-01-05T00:00:00Z', end: '2025-02-05T00:00:00Z' }
  const invoiceDate = '2025-02-04T00:00:00Z'
  const { get, clock } = await submitted({ invoiceDate, period, test: { result: 'notpaid' } })
  clock.now = new Date('2025-02-18T23:59:59Z')
  expect(await states(get, 2)).toEqual(['notpaid', 'notpaid'])
  clock.now = new Date('2025-02-19T00:00:00Z')
  expect(await get()).toMatchObject({ state: 'overdue', invoiceDate })
})

test('an unpaid invoice that was submitted late is overdue 15 days after that', async () => {
  const { get, clock } = await submitted({ invoiceDate: '2025-01-01T00:00:00Z', test: { result: 'notpaid' } })
  expect(await states(get, 3)).toEqual(['pending', 'invoiced', 'notpaid'])
  clock.now = new Date('2025-02-16T12:00:00Z')
  expect(await get()).toMatchObject({ state: 'overdue' })
})

test('invoices are numbered per installation', async () => {
  const { ask } = openTestSandbox()
  const numbers = []
  for (const id of ['icfg_1', 'icfg_1', 'icfg_2']) {
    const path = `/v1/installations/${id}/billing/invoices`
    const { body } = await ask('POST', path, { body: invoice })
    numbers.push((await ask('GET', `${path}/${body.invoiceId}`)).body.invoiceNumber)
  }
  expect(numbers).toEqual(['SANDBOX-0001', 'SANDBOX-0002', 'SANDBOX-0001'])
})

test.each([
  ['three dimes', ['0.10', '0.20'], [], '0.30'],
  ['more digits than a float has', ['9007199254740993.01', '0.02'], [], '9007199254740993.03'],
  ['whole dollars', ['12'], [], '12.00'],
  ['parts of a cent', ['0.0001', '1'], ['0.5'], '0.5001'],
  ['discounts', ['10.00'], ['0.10', '0.20'], '9.70'],
])('the total of %s is exact', async (_, totals, amounts, total) => {
  const items = totals.map((one) => ({ ...item, total: one }))
  const discounts = amounts.map((amount) => ({ billingPlanId: 'pro', name: 'Credit', amount }))
  const { get } = await submitted({ items, discounts })
  expect((await get()).total).toBe(total)
})

test('each installation accepts an externalId once', async () => {
  const { ask } = await submitted({ externalId: 'ours-1' })
  const body = { ...invoice, externalId: 'ours-1' }
  const again = await ask('POST', invoices, { body })
  expect(again).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } })
  expect(again.body.error.message).toContain('ours-1')
  expect((await ask('POST', '/v1/installations/icfg_2/billing/invoices', { body })).status).toBe(200)
  for (const sent of [1, 2])
    expect([sent, (await ask('POST', invoices, { body: invoice })).status]).toEqual([sent, 200])
})

test.each(['paid', 'notpaid', 'overdue'])('a test invoice ends in the requested state: %s', async (result) => {
  const { get } = await submitted({ test: { result } })
  expect(await get()).toMatchObject({ test: true })
  expect(await states(get, 2)).toEqual(['invoiced', result])
})

test('a test invoice with validate bills nothing and does not use its externalId', async () => {
  const { ask } = openTestSandbox()
  const body = { ...invoice, externalId: 'ours-1' }
  const validated = await ask('POST', invoices, { body: { ...body, test: { validate: true } } })
  expect(validated).toMatchObject({ status: 200, body: { test: true, validationErrors: [] } })
  expect(validated.body.invoiceId).toBeUndefined()
  expect((await ask('POST', invoices, { body })).status).toBe(200)
})

test('a refund is requested, then refunded, with its reason and sum', async () => {
  const { get, refund, clock } = await submitted()
  clock.now = new Date('2025-03-01T00:00:00Z')
  expect(await refund('1.00')).toMatchObject({ status: 204 })
  const requested = await get()
  expect(requested).toMatchObject({
    state: 'refund_requested',
    refundReason: 'outage',
    refundTotal: '1.00',
    updated: '2025-03-01T00:00:00.000Z',
  })
  expect(requested.refundedAt).toBeUndefined()
  expect(await get()).toMatchObject({ state: 'refunded', refundedAt: '2025-03-01T00:00:00.000Z' })
})

test('a second refund is refused until the first one is done', async () => {
  const { get, refund } = await submitted()
  await refund('1.00')
  expect(await refund('1.00')).toMatchObject({ status: 409 })
  await get()
  expect(await refund('1.00')).toMatchObject({ status: 204 })
  expect(await get()).toMatchObject({ refundTotal: '2.00' })
})

test('refunds add up to exactly the total of the invoice, and not more', async () => {
  const { get, refund } = await submitted()
  await refund('1.00')
  await get()
  const tooMuch = await refund('2.10')
  expect(tooMuch.status).toBe(400)
  expect(tooMuch.body.error.message).toContain('3.10')
  expect(await get()).toMatchObject({ state: 'refunded', refundTotal: '1.00' })
  expect(await refund('2.00')).toMatchObject({ status: 204 })
})

test('an unknown invoice, or one of another installation, is not found', async () => {
  const { ask, path } = await submitted()
  expect((await ask('GET', path.replace('icfg_1', 'icfg_2'))).status).toBe(404)
  expect((await ask('GET', `${invoices}/inv_none`)).status).toBe(404)
  const body = { action: 'refund', reason: 'r', total: '1' }
  expect((await ask('POST', `${invoices}/inv_none/actions`, { body })).status).toBe(404)
})

test('after its final invoice and finalizeInstallation, an installation no longer exists', async () => {
  const { ask, path, get } = await submitted({ final: true })
  expect(await get()).toMatchObject({ state: 'pending' })
  const finalize = () => ask('POST', `${icfg}/billing/finalize`)
  expect(await finalize()).toMatchObject({ status: 204 })
  for (const answer of [await ask('GET', path), await ask('POST', invoices, { body: invoice }), await finalize()]) {
    expect(answer).toMatchObject({ status: 410, body: { error: { code: 'gone' } } })
  }
  expect((await ask('GET', '/v1/installations/icfg_2/account')).status).toBe(200)
})

test('an installation no longer exists 24 hours after its final invoice', async () => {
  const { ask, path, clock } = await submitted({ final: true })
  clock.now = new Date('2025-02-02T11:59:59Z')
  expect(await ask('GET', path)).toMatchObject({ status: 200 })
  expect(await ask('POST', invoices, { body: invoice })).toMatchObject({ status: 200 })
  clock.now = new Date('2025-02-02T12:00:00Z')
  for (const answer of [await ask('GET', path), await ask('POST', invoices, { body: invoice })]) {
    expect(answer).toMatchObject({ status: 410, body: { error: { code: 'gone' } } })
  }
})

test('finalizeInstallation without a final invoice leaves the installation as it is', async () => {
  const { ask, get } = await submitted()
  expect(await ask('POST', `${icfg}/billing/finalize`)).toMatchObject({ status: 204 })
  expect(await get()).toMatchObject({ state: 'pending' })
})

test('an invoice keeps its date and its creation, from which its age follows', async () => {
  const { get, clock } = await submitted({ test: { result: 'overdue' } })
  const created = clock.now.toISOString()
  clock.now = new Date('2025-03-01T00:00:00Z')
  await states(get, 2)
  expect(await get()).toMatchObject({ state: 'overdue', invoiceDate: invoice.invoiceDate, created, total: '3.00' })
})
