import { describe, expect, test } from 'vitest'
import { type OperationName, operationNamed } from '../../src/operations/catalogue.ts'
import { buildRequest, requestShape } from '../../src/operations/request.ts'
import { newCheck, sentenceOf } from '../payload/checking.ts'

const refund = { action: 'refund', reason: 'Outage', total: '1.00' }
const ids = { integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1' }

const errorsOf = (name: OperationName, payload: object) => {
  const context = newCheck()
  const request = buildRequest(requestShape(operationNamed(name)), payload, {}, context)
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
