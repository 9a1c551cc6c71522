// Compares the fast way to a request with the thorough one: it may leave a payload to that, but never build another request
// or report something else.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type OperationName, operationNamed, operations } from '../../src/operations/catalogue.ts'
import { quickRequest } from '../../src/operations/quick-request.ts'
import { buildRequest, requestShape } from '../../src/operations/request.ts'
import { isObject } from '../../src/payload/schema.ts'
import { payloadOf } from '../payload/arbitrary.ts'
import { newCheck } from '../payload/checking.ts'
import { mutationOf } from '../payload/wild-json.ts'
import { runs } from '../runs.ts'

const shapes = operations.map(requestShape)

/** A payload in either notation, as JSON. */
const payloadText = fc.constantFrom(...shapes).chain((shape) => {
  const { flat, nested, operation } = shape
  const ids = Object.fromEntries(operation.pathParameters.map((name) => [name, `${name}-1`]))
  const payload = fc
    .oneof(payloadOf(flat), payloadOf(nested ?? flat))
    .map((value) => JSON.stringify(isObject(value) ? { ...ids, ...value } : value))
  return payload.map((text) => ({ shape, text }))
})

function compare({ shape, text }: { shape: (typeof shapes)[number]; text: string }): 'built' | 'refused' | 'left' {
  let payload: unknown
  try {
    payload = JSON.parse(text)
  } catch {
    return 'left'
  }
  if (!isObject(payload)) return 'left'
  const [quickCheck, thoroughCheck] = [newCheck({ env: { A: 'a' } }), newCheck({ env: { A: 'a' } })]
  const quick = quickRequest(shape, payload, quickCheck, false)
  const { errors, warnings, secrets } = quickCheck
  if (!quick) {
    expect({ errors, warnings, secrets }).toEqual({ errors: [], warnings: [], secrets: [] })
    return 'left'
  }
  const thorough = buildRequest(shape, JSON.parse(text), {}, thoroughCheck)
  expect({ errors, warnings, secrets }).toEqual({
    errors: thoroughCheck.errors,
    warnings: thoroughCheck.warnings,
    secrets: thoroughCheck.secrets,
  })
  if (quick === 'refused') {
    expect(thorough).toBeUndefined()
    return 'refused'
  }
  expect({ ...quick, redacted: quick.redacted() }).toEqual({ ...thorough, redacted: thorough?.redacted() })
  // The order of fields is equal too.
  expect(JSON.stringify(quick.body)).toBe(JSON.stringify(thorough?.body))
  return 'built'
}

test('both ways agree on valid payloads of every operation', () => {
  const results = new Map<string, number>()
  fc.assert(
    fc.property(payloadText, (sample) => {
      const result = compare(sample)
      results.set(result, (results.get(result) ?? 0) + 1)
    }),
    runs(200),
  )
  // Open objects with fields of their own are left to the thorough way.
  expect(results.get('built')).toBeGreaterThan(80)
})

test('both ways agree on payloads that are slightly broken', () => {
  const results = new Map<string, number>()
  const broken = payloadText.chain(({ shape, text }) => mutationOf(text).map((changed) => ({ shape, text: changed })))
  fc.assert(
    fc.property(broken, (sample) => {
      const result = compare(sample)
      results.set(result, (results.get(result) ?? 0) + 1)
    }),
    runs(600),
  )
  expect(results.get('built')).toBeGreaterThan(30)
  expect(results.get('left')).toBeGreaterThan(100)
})

test('a `requestBody` for an operation that sends no body is left to the thorough way, which refuses it', () => {
  const shape = shapes.find(({ operation }) => operation.name === 'getInvoice')
  if (!shape) throw new Error('no shape')
  const ids = { integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1' }
  expect(compare({ shape, text: JSON.stringify({ ...ids, requestBody: {} }) })).toBe('left')
})

const invoice = {
  integrationConfigurationId: 'icfg_1',
  invoiceDate: '2025-03-15T00:00:00Z',
  period: { start: '2025-03-01T00:00:00Z', end: '2025-04-01T00:00:00Z' },
  items: [{ billingPlanId: 'pro', name: 'Storage', price: '1.50', quantity: 2, units: 'GB', total: '3.00' }],
}
const [item] = invoice.items
const { integrationConfigurationId: _, ...body } = invoice

test.each<[what: string, change: object, result: 'built' | 'refused' | 'left']>([
  ['a valid invoice', {}, 'built'],
  ['an invoice with `$schema`', { $schema: 'submitInvoice.json' }, 'built'],
  ['a time with an offset', { invoiceDate: '2025-03-15T00:00:00.5+02:00' }, 'built'],
  ['a total that does not add up', { items: [{ ...item, total: '9.00' }] }, 'built'],
  ['a total that is a cent off', { items: [{ ...item, total: '3.01' }] }, 'built'],
  ['a total that is almost a cent off', { items: [{ ...item, total: '3.009999999999999999999999' }] }, 'built'],
  [
    'an invoice of half a cent',
    { items: [{ ...item, price: '0.49999999999999999999', quantity: 1, total: '0.4999' }] },
    'built',
  ],
  ['a discount that is too large', { discounts: [{ billingPlanId: 'pro', name: 'Gift', amount: '9.00' }] }, 'built'],
  ['a date outside the period', { invoiceDate: '2025-05-01T00:00:00Z' }, 'refused'],
  ['a field that is unknown', { memos: 'x' }, 'left'],
  ['a field of another type', { final: 'true' }, 'left'],
  ['a reference', { memo: { $env: 'A' } }, 'left'],
  ['an expression', { memo: '${{ x }}' }, 'left'],
  ['half of a surrogate pair', { memo: '\ud800' }, 'left'],
  ['a day that does not exist', { invoiceDate: '2025-02-30T00:00:00Z' }, 'left'],
  ['an id that climbs', { integrationConfigurationId: '..' }, 'left'],
  ['no id', { integrationConfigurationId: undefined }, 'left'],
  ['a body in both notations', { requestBody: {} }, 'left'],
  ['a misspelled `requestBody`', { request_body: {} }, 'left'],
])('%s: both ways agree', (_, change, result) => {
  // A new shape is compiled again.
  const shape = requestShape(operationNamed('submitInvoice'))
  expect(compare({ shape, text: JSON.stringify({ ...invoice, ...change }) })).toBe(result)
})

test.each<[name: OperationName, payload: object, result: 'built' | 'left']>([
  ['submitInvoice', { integrationConfigurationId: 'icfg_1', $schema: 's', requestBody: body }, 'built'],
  ['submitInvoice', { integrationConfigurationId: 'icfg_1', requestBody: [] }, 'left'],
  ['getInvoice', { $schema: 's', integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1' }, 'built'],
  ['getInvoice', { integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1', memo: 'x' }, 'left'],
  ['getInvoice', { integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1', requestBody: {} }, 'left'],
  ['exchangeSsoToken', { requestBody: { code: 'c', clientId: 'oac_1', clientSecret: 's' } }, 'left'],
  ['exchangeSsoToken', { code: 'c', clientId: 'oac_1', clientSecret: 's', redirectUri: 'https://a.example' }, 'left'],
])('%s with %j: both ways agree', (name, payload, result) => {
  expect(compare({ shape: requestShape(operationNamed(name)), text: JSON.stringify(payload) })).toBe(result)
})
