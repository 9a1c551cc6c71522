// What the SDK makes of responses, and what of a request and its errors gets through.

import { describe, expect, test } from 'vitest'
import type { HttpRequest, HttpResponse } from '../../src/http/transport.ts'
import type { OperationName } from '../../src/operations/catalogue.ts'
import type { MarketplaceRequest } from '../../src/operations/request.ts'
import { callOperation, userAgent } from '../../src/sdk/call.ts'
import { respond } from '../delivery/planned.ts'
import { requestOf } from '../delivery/requests.ts'

/** Calls an operation that is answered in this way. */
async function call(
  name: OperationName,
  answer: HttpResponse | Error,
  change: (request: MarketplaceRequest) => MarketplaceRequest = (request) => request,
) {
  let sent: HttpRequest | undefined
  const result = await callOperation({
    request: change(await requestOf(name)),
    baseUrl: 'https://api.example',
    token: 'test-token',
    send: async (request) => {
      sent = request
      if (answer instanceof Error) throw answer
      return answer
    },
  })
  return { ...result, sent }
}

const json = { 'content-type': 'application/json' }

describe('a 2xx that the SDK cannot read is a response, with the reason', () => {
  test.each<[what: string, answer: HttpResponse, reason: string]>([
    ['without a body', respond(200), '200 without a body'],
    ['with blanks', respond(200, ' \n', json), '200 without a body'],
    ['that is not JSON', respond(200, 'ok', json), 'it is not JSON'],
    ['of another type', respond(200, 'ok', { 'content-type': 'text/plain' }), 'unexpected as 200 with text/plain'],
    ['without a type', respond(201, '{}'), 'unexpected as 201 with no content-type'],
  ])('%s', async (_, answer, reason) => {
    const { response, unreadable } = await call('getAccountInfo', answer)
    expect({ response, unreadable }).toEqual({ response: answer, unreadable: reason })
  })

  test('names the fields that are wrong, and never their values', async () => {
    const { unreadable } = await call('getInvoice', respond(200, { state: { secret: 'hunter2' } }, json))
    expect(unreadable).toMatch(/^unexpected at (\w+ \(\w+\), )*state \(\w+\)/)
    expect(unreadable).not.toContain('hunter2')
    expect((await call('getAccountInfo', respond(200, [], json))).unreadable).toBe('unexpected at body (invalid_type)')
  })

  test('but one that is too long was not read', async () => {
    expect((await call('getAccountInfo', { ...respond(200), tooLong: true })).unreadable).toBeUndefined()
  })
})

test.each([199, 300, 404, 500])('%i is not called unreadable', async (status) => {
  const answer = respond(status, 'nothing of the API')
  const result = await call('getAccountInfo', answer)
  expect(result.response).toBe(answer)
  expect('unreadable' in result).toBe(false)
})

test('an error of the transport is thrown as it is', async () => {
  const error = new Error('the connection broke')
  await expect(call('getAccountInfo', error)).rejects.toBe(error)
})

test('a request that the SDK refuses is not sent, and its values are not shown', async () => {
  const broken = (request: MarketplaceRequest) => ({ ...request, body: { ...request.body, items: 'hunter2' } })
  await expect(call('submitInvoice', respond(200), broken)).rejects.toThrow(
    /^@vercel\/sdk refused a submitInvoice request: requestBody\.items \(invalid_type\)\. Please report this$/,
  )
})

test.each([
  [new TypeError('hunter2'), 'TypeError'],
  ['hunter2', 'unknown reason'],
  [undefined, 'unknown reason'],
])('a refusal of another kind is named, and what it says is not shown: %s', async (error, reason) => {
  const name = `refuses ${String(error)}` as OperationName
  const refusing = ({ operation, ...rest }: MarketplaceRequest) => ({
    ...rest,
    operation: { ...operation, name, sdkFunction: async () => async () => ({ ok: false as const, error }) },
  })
  await expect(call('getAccountInfo', respond(200), refusing)).rejects.toThrow(
    `@vercel/sdk refused a getAccountInfo request: ${reason}. Please report this`,
  )
})

test("the SDK's function of an operation is loaded once", async () => {
  let loads = 0
  const counting = ({ operation, ...rest }: MarketplaceRequest) => {
    const sdkFunction = async () => {
      loads += 1
      return await operation.sdkFunction()
    }
    return { ...rest, operation: { ...operation, name: 'counts loads' as OperationName, sdkFunction } }
  }
  for (let i = 0; i < 3; i += 1) await call('getAccountInfo', respond(200, {}, json), counting)
  expect(loads).toBe(1)
})

test('fields that are null are sent, and the others as the SDK writes them', async () => {
  const nulls = (request: MarketplaceRequest) => ({ ...request, body: { ...request.body, memo: null } })
  const { sent } = await call('submitInvoice', respond(200, {}, json), nulls)
  expect(JSON.parse(sent?.body ?? '')).toMatchObject({ memo: null, items: [{ price: expect.any(String) }] })
  const onlyNull = (request: MarketplaceRequest) => ({ ...request, body: { status: null } })
  expect((await call('updateInstallation', respond(204), onlyNull)).sent?.body).toBe('{"status":null}')
})

test('a request names the action, and has no cookie', async () => {
  const { sent } = await call('getAccountInfo', respond(200, {}, json))
  expect(sent?.headers).toMatchObject({ 'user-agent': userAgent, authorization: 'Bearer test-token' })
  expect(Object.keys(sent?.headers ?? {})).not.toContain('cookie')
  expect(sent?.body).toBeUndefined()
  expect(sent?.url).toBeInstanceOf(URL)
})

test('a HEAD response has no body, whatever comes, and is not called unreadable', async () => {
  const answer = respond(200, 'no JSON', json)
  const result = await call('headGlobalConfig', answer)
  expect(result.response).toBe(answer)
  expect('unreadable' in result).toBe(false)
})

test('a 299 can be unreadable too', async () => {
  expect((await call('getAccountInfo', respond(299))).unreadable).toBe('299 without a body')
})
