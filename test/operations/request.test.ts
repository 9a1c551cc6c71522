import { describe, expect, test } from 'vitest'
import { type OperationName, operationNamed } from '../../src/operations/catalogue.ts'
import { buildRequest, requestShape } from '../../src/operations/request.ts'
import { newCheck, sentenceOf } from '../payload/checking.ts'

const refund = { action: 'refund', reason: 'Outage', total: '1.00' }
const ids = { integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1' }
const idInputs = { 'installation-id': 'icfg_1', 'invoice-id': 'inv_1' }

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

test.each<[requestBody: unknown, kind: string]>([
  [null, 'null'],
  ['x', 'text'],
  [[refund], 'a list'],
])('a requestBody that is %j is refused as what it is', (requestBody, kind) => {
  expect(errorsOf('updateInvoice', { ...ids, requestBody })).toEqual([`requestBody must be an object, not ${kind}`])
})

describe('what is wrong with times is reported together with everything else', () => {
  const installation = { integrationConfigurationId: 'icfg_1' }
  const swapped = { start: '2025-03-16T00:00:00Z', end: '2025-03-15T00:00:00Z' }
  const march = { start: '2025-03-01T00:00:00Z', end: '2025-03-31T00:00:00Z' }
  const isSwapped = "period.end is before the period's start: 2025-03-15T00:00:00.000Z < 2025-03-16T00:00:00.000Z"
  const isOutside =
    'invoiceDate 2025-04-01T00:00:00.000Z is outside the period, 2025-03-01T00:00:00.000Z to 2025-03-31T00:00:00.000Z'
  const unknown = 'externalID is not a known field; did you mean `externalId`?'
  const invoice = { externalID: 'a', invoiceDate: '2025-04-01T00:00:00Z', items: [] }

  test.each<[what: string, body: object, errors: string[]]>([
    ['a period', { ...invoice, period: swapped }, [unknown, isSwapped]],
    ['a date', { ...invoice, period: march }, [unknown, isOutside]],
    [
      'an empty externalId',
      { ...invoice, period: march, invoiceDate: march.end, externalId: '', externalID: 'a' },
      [
        'externalID is not a known field; did you mean `externalId`?',
        'externalId is empty; set it, or remove the field: then it is derived from the invoice',
      ],
    ],
    [
      'a time of the period that cannot be read',
      { ...invoice, period: { ...march, start: 'x' }, externalID: undefined },
      ['period.start must be a time with its time zone, such as "2025-01-31T00:00:00Z", not "x"', unknown],
    ],
    ['no period', { ...invoice, period: undefined }, ['period is missing (expected an object)', unknown]],
    ['a period of another kind', { ...invoice, period: [] }, ['period must be an object, not a list', unknown]],
    [
      'a date that cannot be read',
      { ...invoice, period: swapped, invoiceDate: 'x' },
      ['invoiceDate must be a time with its time zone, such as "2025-01-31T00:00:00Z", not "x"', unknown, isSwapped],
    ],
  ])('%s', (_, body, errors) => {
    expect(errorsOf('submitInvoice', { ...installation, ...body })).toEqual(errors)
    const inBody = (message: string) => `requestBody.${message}`
    expect(errorsOf('submitInvoice', { ...installation, requestBody: body })).toEqual(errors.map(inBody))
  })

  test('also if the id of the installation is missing, or requestBody is misspelled', () => {
    const { externalID: _, ...known } = { ...invoice, period: march }
    const missing = 'integrationConfigurationId is missing: set it in the payload or with the input `installation-id`'
    expect(errorsOf('submitInvoice', known)).toEqual([missing, isOutside])
    expect(errorsOf('submitInvoice', { ...installation, requestbody: known })).toEqual([
      'requestbody is not a known field; did you mean `requestBody`?',
      `requestbody.${isOutside}`,
    ])
  })

  test('of billing data', () => {
    const data = { eod: '2025-04-01T00:00:00Z', period: march, billing: [], usages: [], usage: [] }
    expect(errorsOf('submitBillingData', { ...installation, ...data })).toEqual([
      'usages is not a known field; did you mean `usage`?',
      isOutside.replace('invoiceDate', 'eod'),
    ])
  })
})

test('a payload cannot be a reference', () => {
  expect(errorsOf('updateInvoice', { $env: 'PAYLOAD' })).toEqual([
    'must be an object, not a reference, which can only replace text',
    'integrationConfigurationId is missing: set it in the payload or with the input `installation-id`',
    'invoiceId is missing: set it in the payload or with the input `invoice-id`',
  ])
})

describe('a payload that is not one object', () => {
  const shape = requestShape(operationNamed('updateInvoice'))
  test.each<[payload: unknown, message: string]>([
    [undefined, 'is missing: updateInvoice sends a body; set it with `payload` or `payload-file`'],
    [[], 'must be an object with the fields of the request, not a list'],
    [null, 'must be an object with the fields of the request, not null'],
  ])('%j is refused as a whole', (payload, message) => {
    const context = newCheck()
    expect(buildRequest(shape, payload, {}, context)).toBeUndefined()
    expect(context.errors).toStrictEqual([{ path: [], message }])
  })

  test('may be missing if the operation sends no body', () => {
    const context = newCheck()
    const request = buildRequest(requestShape(operationNamed('getInvoice')), undefined, idInputs, context)
    expect([request?.params, request?.body, request?.redacted(), context.errors]).toEqual([
      ids,
      undefined,
      undefined,
      [],
    ])
  })
})

test('an unknown name is located at its key, a missing one at its place', () => {
  const located = (name: OperationName, payload: object) => {
    const context = newCheck()
    buildRequest(requestShape(operationNamed(name)), payload, {}, context)
    return context.errors.map(({ path, at }) => ({ path, at }))
  }
  expect(located('updateInvoice', { ...ids, RequestBody: refund })).toEqual([{ path: ['RequestBody'], at: 'key' }])
  expect(located('updateInvoice', { ...ids, requestBody: refund, total: '1' })).toEqual([
    { path: ['total'], at: 'key' },
  ])
  expect(located('getInvoice', { ...ids, requestBody: {} })).toEqual([{ path: ['requestBody'], at: 'key' }])
  expect(located('getInvoice', { invoiceId: 'inv_1' })).toEqual([
    { path: ['integrationConfigurationId'], at: undefined },
  ])
})

describe('a path parameter that an input sets', () => {
  const built = (payload: object, inputs: object) => {
    const context = newCheck()
    const request = buildRequest(requestShape(operationNamed('updateInvoice')), payload, inputs, context)
    return { params: request?.params, errors: context.errors.map(sentenceOf) }
  }

  test('may be in the payload too if it is equal', () => {
    expect(built({ ...ids, ...refund }, idInputs)).toEqual({ params: ids, errors: [] })
    expect(built(refund, idInputs)).toEqual({ params: ids, errors: [] })
  })

  test('must not differ from the payload', () => {
    const differs = (input: string) => `differs from the input \`${input}\`; remove one of the two, or make them equal`
    const other = { 'installation-id': 'icfg_2', 'invoice-id': 'inv_2' }
    expect(built({ ...ids, ...refund }, other)).toEqual({
      params: undefined,
      errors: [`integrationConfigurationId ${differs('installation-id')}`, `invoiceId ${differs('invoice-id')}`],
    })
  })

  test('is missing if neither has it', () => {
    expect(built(refund, {}).errors).toEqual([
      'integrationConfigurationId is missing: set it in the payload or with the input `installation-id`',
      'invoiceId is missing: set it in the payload or with the input `invoice-id`',
    ])
    const context = newCheck()
    buildRequest(requestShape(operationNamed('deleteExperimentationItem')), ids, {}, context)
    expect(context.errors.map(sentenceOf)).toEqual(expect.arrayContaining(['itemId is missing: set it in the payload']))
  })
})

describe("the operation's rules", () => {
  const nothing = { ...refund, total: '0' }
  const warningsOf = (payload: object, alreadyChecked = false) => {
    const context = newCheck()
    const request = buildRequest(requestShape(operationNamed('updateInvoice')), payload, {}, context, alreadyChecked)
    expect(request).toBeDefined()
    return context.warnings
  }

  test('report at the place in the payload', () => {
    const message = 'is 0, so nothing is refunded'
    expect(warningsOf({ ...ids, ...nothing })).toEqual([{ path: ['total'], message }])
    expect(warningsOf({ ...ids, requestBody: nothing })).toEqual([{ path: ['requestBody', 'total'], message }])
  })

  test('are skipped for a payload that was checked before', () => {
    expect(warningsOf({ ...ids, ...nothing }, true)).toEqual([])
  })

  test('report an error at its place inside requestBody', () => {
    const at = '2025-03-15T00:00:00Z'
    const item = { billingPlanId: 'pro', name: 'x', price: '1', quantity: 1, units: 'GB', total: '1' }
    const body = { invoiceDate: at, period: { start: at, end: '2025-03-14T00:00:00Z' }, items: [item] }
    expect(errorsOf('submitInvoice', { integrationConfigurationId: 'icfg_1', requestBody: body })).toEqual([
      "requestBody.period.end is before the period's start: 2025-03-14T00:00:00.000Z < 2025-03-15T00:00:00.000Z",
    ])
  })
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

test('what a field beside `requestBody` refers to is still checked', () => {
  const payload = { ...ids, requestBody: refund, reason: '${{ secrets.REASON }}' }
  expect(errorsOf('updateInvoice', payload)).toEqual([
    'reason is beside `requestBody`: put all fields of the body inside it',
    expect.stringMatching(/^reason contains an unexpanded GitHub expression: /),
  ])
})
