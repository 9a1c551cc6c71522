import { describe, expect, test } from 'vitest'
import { type OperationName, operationNamed } from '../../src/operations/catalogue.ts'
import { buildRequest, requestShape } from '../../src/operations/request.ts'
import { newCheck, sentenceOf } from '../payload/checking.ts'

const refund = { action: 'refund', reason: 'Outage', total: '1.00' }
const ids = { integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1' }

const errorsOf = (name: OperationName, payload: unknown, inputs: Parameters<typeof buildRequest>[2] = {}) => {
  const context = newCheck()
  const request = buildRequest(requestShape(operationNamed(name)), payload, inputs, context)
  expect(request === undefined).toBe(context.errors.length > 0)
  return context.errors.map(sentenceOf)
}

test('the `$schema` of an example is no field, at the top and in requestBody', () => {
  const $schema = '../schemas/updateInvoice.json'
  expect(errorsOf('updateInvoice', { $schema, ...ids, ...refund })).toEqual([])
  expect(errorsOf('updateInvoice', { ...ids, requestBody: { $schema, ...refund } })).toEqual([])
  const context = newCheck()
  const payload = { ...ids, requestBody: { $schema, ...refund } }
  const request = buildRequest(requestShape(operationNamed('updateInvoice')), payload, {}, context)
  expect([request?.body, request?.redacted()]).toEqual([refund, refund])
})

describe('a misspelled requestBody', () => {
  const suggestion = 'is not a known field; did you mean `requestBody`?'

  test.each(['RequestBody', 'requestbody', 'REQUESTBODY', 'request_body', 'request-body'])(
    '%s gets the suggestion, and no other problem',
    (name) => {
      expect(errorsOf('updateInvoice', { ...ids, [name]: refund })).toEqual([`${name} ${suggestion}`])
    },
  )

  test('is reported with the problems inside and beside it', () => {
    const payload = { invoiceId: '..', RequestBody: { ...refund, total: 1, memo: '' }, reason: 'x', extra: 1 }
    expect(errorsOf('updateInvoice', payload)).toEqual([
      `RequestBody ${suggestion}`,
      'reason is beside `requestBody`: put all fields of the body inside it',
      'invoiceId must be an id, not ".."',
      'RequestBody.total must be a decimal as text: quote it, "1"',
      'RequestBody.memo is not a known field; known here: action, reason, total',
      'extra is not a known field; known here: integrationConfigurationId, invoiceId, RequestBody',
      'integrationConfigurationId is missing: set it in the payload or with the input `installation-id`',
    ])
  })

  test('beside a correct one is an unknown field', () => {
    expect(errorsOf('updateInvoice', { ...ids, requestBody: refund, RequestBody: refund })).toEqual([
      `RequestBody ${suggestion}`,
    ])
  })

  test('is not used by an operation without a body', () => {
    expect(errorsOf('getInvoice', { ...ids, RequestBody: {} })).toEqual([
      'RequestBody is not used: getInvoice sends no body',
    ])
  })
})

describe('a payload', () => {
  test('must be there if the operation sends a body', () => {
    const message = 'is missing: submitInvoice sends a body; set it with `payload` or `payload-file`'
    expect(errorsOf('submitInvoice', undefined)).toEqual([message])
  })

  test('need not be there if the operation sends none', () => {
    const context = newCheck()
    const inputs = { 'installation-id': 'icfg_1' }
    const request = buildRequest(requestShape(operationNamed('getAccountInfo')), undefined, inputs, context)
    expect(request).toMatchObject({ params: { integrationConfigurationId: 'icfg_1' }, body: undefined })
    expect(request?.redacted()).toBeUndefined()
  })

  test.each([
    [[], 'a list'],
    ['text', 'text'],
    [null, 'null'],
    [7, 'a number'],
  ])('must be an object, not %j', (payload, kind) => {
    const message = `must be an object with the fields of the request, not ${kind}`
    for (const name of ['submitInvoice', 'getInvoice'] as const) expect(errorsOf(name, payload)).toEqual([message])
  })
})

describe('a path parameter', () => {
  const inputs = { 'installation-id': 'icfg_1' }

  test('may come from an input, and may be in the payload too if it is equal', () => {
    expect(errorsOf('updateInvoice', { invoiceId: 'inv_1', ...refund }, inputs)).toEqual([])
    expect(errorsOf('updateInvoice', { ...ids, ...refund }, inputs)).toEqual([])
  })

  test('that differs from its input is refused', () => {
    const payload = { ...ids, integrationConfigurationId: 'icfg_2', ...refund }
    expect(errorsOf('updateInvoice', payload, inputs)).toEqual([
      'integrationConfigurationId differs from the input `installation-id`; remove one of the two, or make them equal',
    ])
  })

  test('without an input says only where else it can be', () => {
    expect(errorsOf('getIntegrationResource', { integrationConfigurationId: 'icfg_1' })).toEqual([
      expect.stringMatching(/^resourceId is missing: set it in the payload( or with the input `resource-id`)?$/),
    ])
  })
})

describe('the rules of an operation', () => {
  const negative = { ...refund, total: '0' }
  const context = () => newCheck()

  test.each([
    [{ ...ids, ...negative }, ['total']],
    [{ ...ids, requestBody: negative }, ['requestBody', 'total']],
  ])('report the field as the payload has it: %j', (payload, path) => {
    const check = context()
    buildRequest(requestShape(operationNamed('updateInvoice')), payload, {}, check)
    expect(check.warnings).toEqual([{ path, message: 'is 0, so nothing is refunded' }])
  })

  test('are applied once', () => {
    const check = context()
    const request = buildRequest(
      requestShape(operationNamed('updateInvoice')),
      { ...ids, ...negative },
      {},
      check,
      true,
    )
    expect(request?.body).toEqual(negative)
    expect(check.warnings).toEqual([])
  })
})

test('a field beside `requestBody` is reported at its name, and what it refers to is still checked', () => {
  const check = newCheck()
  const payload = { ...ids, requestBody: refund, reason: '${{ secrets.REASON }}' }
  buildRequest(requestShape(operationNamed('updateInvoice')), payload, {}, check)
  expect(check.errors[0]).toEqual({
    path: ['reason'],
    message: 'is beside `requestBody`: put all fields of the body inside it',
    at: 'key',
  })
  expect(check.errors.slice(1).map(sentenceOf)).toEqual([
    expect.stringMatching(/^reason contains an unexpanded GitHub expression: /),
  ])
})

test('a misspelled `requestBody` and one that is not used are reported at their names', () => {
  const check = newCheck()
  buildRequest(requestShape(operationNamed('updateInvoice')), { ...ids, RequestBody: refund }, {}, check)
  buildRequest(requestShape(operationNamed('getInvoice')), { ...ids, requestBody: {} }, {}, check)
  expect(check.errors).toEqual([
    { path: ['RequestBody'], message: 'is not a known field; did you mean `requestBody`?', at: 'key' },
    { path: ['requestBody'], message: 'is not used: getInvoice sends no body', at: 'key' },
  ])
})
