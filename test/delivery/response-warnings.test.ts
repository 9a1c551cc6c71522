// What to check about a request that was accepted.

import { describe, expect, test } from 'vitest'
import type { Reconciled } from '../../src/delivery/deliver.ts'
import { type ResponseSubject, responseWarnings } from '../../src/delivery/response-warnings.ts'
import type { OperationName } from '../../src/operations/catalogue.ts'
import type { RequestOutcome } from '../../src/operations/outcome.ts'
import { respond } from './planned.ts'
import { requestOf } from './requests.ts'

async function warningsOf(
  name: OperationName,
  delivery: Partial<Reconciled>,
  { outcome, ...change }: Partial<Omit<ResponseSubject, 'outcome'>> & { outcome?: Partial<RequestOutcome> } = {},
) {
  const request = await requestOf(name)
  return responseWarnings(
    { attempts: 1, response: respond(200, {}), ...delivery },
    {
      request,
      outcome: { status: 'accepted', invoiceId: 'inv_1', accessToken: 'issued-token', ...outcome },
      hasChosenKey: false,
      hasResult: true,
      ...change,
    },
  )
}

test('nothing is to be checked about a usual response', async () => {
  expect(await warningsOf('submitInvoice', {})).toEqual([])
  expect(await warningsOf('rotateInstallationCredential', {})).toEqual([])
  expect(
    await warningsOf('getAccountInfo', {}, { outcome: { invoiceId: undefined, accessToken: undefined } as object }),
  ).toEqual([])
})

test('the warning of the delivery comes first', async () => {
  const [first, second] = await warningsOf('getAccountInfo', { warning: 'Check this', unreadable: 'it is not JSON' })
  expect(first).toBe('Check this')
  expect(second).toMatch(/it is not JSON/)
})

describe('a response that the SDK cannot read', () => {
  const unreadable = 'unexpected at name'

  test.each<[what: string, text: string, hasResult: boolean, end: string]>([
    ['is shown as it is', '{"name":1}', true, '. `result` contains the response body as received'],
    ['and empty is null', ' \n', true, '. `result` is null'],
    ['has no result in a batch', '{"name":1}', false, ''],
  ])('%s', async (_, text, hasResult, end) => {
    const [warning = '', ...others] = await warningsOf(
      'getAccountInfo',
      { unreadable, response: respond(200, text) },
      { hasResult },
    )
    expect(others).toEqual([])
    expect(warning).toMatch(/^Vercel accepted the request, but .*unexpected at name/)
    expect(warning.slice(warning.indexOf(unreadable) + unreadable.length)).toBe(end)
  })
})

test('a response that is too long says that it was not read', async () => {
  const response = { ...respond(200), tooLong: true as const }
  const said = 'Vercel accepted the request, but the response is longer than 10 MiB and was not read'
  expect(await warningsOf('getAccountInfo', { response })).toEqual([`${said}: \`result\` is null`])
  expect(await warningsOf('getAccountInfo', { response }, { hasResult: false })).toEqual([said])
})

describe('an invoice without an id', () => {
  const outcome = { invoiceId: undefined } as object
  const warned = (reason: string) => [
    `Vercel accepted the invoice, but ${reason}. Do not send the request again: look for the invoice at Vercel`,
  ]

  test('is not to be sent again', async () => {
    expect(await warningsOf('submitInvoice', {}, { outcome })).toEqual(warned('the response has no `invoiceId`'))
    expect(await warningsOf('submitInvoice', { response: respond(200, 'ok') }, { outcome })).toEqual(
      warned('its id could not be read'),
    )
  })

  test('that is there already has none to expect', async () => {
    const there = { invoiceId: undefined, status: 'duplicate' } as object
    expect(await warningsOf('submitInvoice', { duplicate: true }, { outcome: there })).toEqual([])
  })
})

test('a response without a token is told, and which token works', async () => {
  const outcome = { accessToken: undefined } as object
  const said = 'Vercel accepted the request, but the response contains no token that can be read'
  expect(await warningsOf('rotateInstallationCredential', {}, { outcome })).toEqual([
    `${said}. The current token still works: run the step again`,
  ])
  expect(await warningsOf('exchangeSsoToken', {}, { outcome })).toEqual([said])
})

test('a duplicate of a chosen key may have another content', async () => {
  const warned = [expect.stringMatching(/^An invoice with this externalId exists, and Vercel does not return its/)]
  expect(await warningsOf('submitInvoice', { duplicate: true }, { hasChosenKey: true })).toEqual(warned)
  expect(await warningsOf('submitInvoice', { duplicate: true }, { hasChosenKey: false })).toEqual([])
  expect(await warningsOf('submitInvoice', {}, { hasChosenKey: true })).toEqual([])
})
