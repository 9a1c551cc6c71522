// The key of an invoice: which spelling does not matter, and which key is used.

import { expect, test } from 'vitest'
import { deriveExternalId, keyOf, keyProblem, withKey } from '../../src/delivery/idempotency-key.ts'
import { isSafeToRepeat } from '../../src/delivery/verdict.ts'
import type { MarketplaceRequest } from '../../src/operations/request.ts'
import { requestOf } from './requests.ts'

const invoice = (changes: object = {}) => requestOf('submitInvoice', {}, { externalId: undefined, ...changes })

const item = (change: object = {}) => ({
  billingPlanId: 'pro',
  name: 'Storage',
  price: '1.50',
  quantity: 2,
  units: 'GB',
  total: '3.00',
  ...change,
})
const keyWith = async (change: object) => deriveExternalId(await invoice({ items: [item(change)] }))

test.each([
  ['0.50', '00.50'],
  ['0.5', '000.500'],
  ['7.5', '007.50'],
  ['10', '0010.000'],
  ['0', '000'],
  ['0', '0.0'],
  ['100', '100'],
  ['0.05', '00.050'],
  ['100.5', '100.50'],
  ['1000', '1000.0'],
])('the price %s has the key of %s', async (price, other) => {
  expect(await keyWith({ price: other })).toBe(await keyWith({ price }))
})

test.each([
  ['10', '1'],
  ['100', '10'],
  ['0.05', '0.5'],
  ['0.01', '0.010000001'],
  ['1.5', '15'],
  ['100.50', '10.5'],
  ['100.50', '100.05'],
])('the price %s has another key than %s', async (price, other) => {
  expect(await keyWith({ price: other })).not.toBe(await keyWith({ price }))
})

test('zeros of a text that is not an amount do matter', async () => {
  expect(await keyWith({ name: '007.50' })).not.toBe(await keyWith({ name: '7.5' }))
  expect(await keyWith({ units: '1.0' })).not.toBe(await keyWith({ units: '1' }))
})

test('a field that is given as null differs from one that is not given, and fields do not run into each other', async () => {
  const { body } = await invoice()
  const keyOfBody = async (change: object) =>
    deriveExternalId({ ...(await invoice()), body: { ...body, ...change } } as MarketplaceRequest)
  const keys = await Promise.all(
    [
      {},
      { memo: null },
      { memo: '' },
      { memo: ['a', 'b'] },
      { memo: ['a,b'] },
      { memo: ['a"', '"b'] },
      { memo: [] },
      { memo: {} },
      { memo: { a: 1, b: 2 } },
      { memo: { a: '1,"b":2' } },
    ].map(keyOfBody),
  )
  expect(new Set(keys).size).toBe(keys.length)
  expect(await keyOfBody({ memo: undefined })).toBe(keys[0])
})

test('the key is the same after a thousand other times', async () => {
  const { body, ...rest } = await invoice()
  const at = (minute: number) =>
    deriveExternalId({ ...rest, body: { ...body, invoiceDate: new Date(Date.UTC(2026, 0, 1, 0, minute)) } })
  const before = at(0)
  const others = Array.from({ length: 1100 }, (_, minute) => at(minute))
  expect(new Set(others).size).toBe(1100)
  expect(at(0)).toBe(before)
})

test('its own externalId is no part of the content', async () => {
  expect(deriveExternalId(await invoice({ externalId: 'a' }))).toBe(deriveExternalId(await invoice()))
})

test("a payload's own key stands, and the input has to agree", async () => {
  const own = await invoice({ externalId: 'our-7' })
  for (const wanted of ['auto', 'our-7']) {
    expect(keyProblem(own, wanted)).toBeUndefined()
    expect(keyOf(own, wanted)).toBe('our-7')
    expect(withKey(own, wanted)).toEqual({ request: own, derived: false })
  }
  expect(keyProblem(own, 'none')).toBe('is set, but the input `external-id` is `none`: remove one of them')
  expect(keyProblem(own, 'other')).toBe('differs from the input `external-id`: remove one of them')
})

test('a payload without a key gets that of the input, or a derived one, or no key', async () => {
  const plain = await invoice()
  for (const wanted of ['auto', 'none', 'november']) expect(keyProblem(plain, wanted)).toBeUndefined()
  const derived = deriveExternalId(plain)
  expect(derived).toMatch(/^auto-[0-9a-f]{32}$/)
  expect(keyOf(plain, 'none')).toBeUndefined()
  expect(withKey(plain, 'none')).toEqual({ request: plain, derived: false })
  for (const [wanted, externalId, isDerived] of [
    ['auto', derived, true],
    ['november', 'november', false],
  ] as const) {
    expect(keyOf(plain, wanted)).toBe(externalId)
    const { request, derived: wasDerived } = withKey(plain, wanted)
    expect(wasDerived).toBe(isDerived)
    expect(request.body).toEqual({ ...plain.body, externalId })
    expect(request.redacted()).toEqual({ ...(plain.redacted() as object), externalId })
    expect(request.operation).toBe(plain.operation)
  }
})

test('a request without a body has no key', async () => {
  const empty: MarketplaceRequest = { ...(await invoice()), body: undefined }
  expect(keyProblem(empty, 'none')).toBeUndefined()
  expect(keyOf(empty, 'none')).toBeUndefined()
  expect(withKey(empty, 'november').request.body).toEqual({ externalId: 'november' })
  expect(isSafeToRepeat(empty)).toBe(false)
})
