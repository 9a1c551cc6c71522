// What a response means: 2xx responses that are not Vercel's, conflicts that prove nothing, waits that are too long.

import { describe, expect, test } from 'vitest'
import { requestedWait } from '../../src/delivery/backoff.ts'
import { deliverAndReconcile } from '../../src/delivery/reconcile.ts'
import type { OnDuplicate } from '../../src/delivery/refund.ts'
import type { OperationName } from '../../src/operations/catalogue.ts'
import type { Fault } from '../../src/sandbox/server.ts'
import { optionsFor, requestOf, startPreparedServer } from './requests.ts'

/** Sends a request whose attempts meet these faults, one each. */
async function send(
  name: OperationName,
  faults: readonly (Fault | undefined)[],
  { change = {}, onDuplicate = 'fail' }: { change?: object; onDuplicate?: OnDuplicate } = {},
) {
  const { server, invoiceId } = await startPreparedServer()
  const from = server.arrivals.length
  const left = [...faults]
  server.faults = () => left.shift()
  const reconciled = await deliverAndReconcile(
    optionsFor(await requestOf(name, { invoiceId }, change), server.url),
    onDuplicate,
  )
  return { ...reconciled, arrivals: server.arrivals.slice(from) }
}

const says = (status: number, code: string, message: string): Fault => ({
  type: 'answer',
  status,
  body: { error: { code, message } },
})
const lost: Fault = { type: 'answer', status: 503 }

describe('a 2xx that is not an answer of the API is ambiguous', () => {
  const page: Fault = { type: 'replace', status: 200, headers: { 'content-type': 'text/html' }, body: '<p>Sign in' }
  const pageWithoutType: Fault = {
    type: 'replace',
    status: 200,
    headers: { 'content-type': '' },
    body: ' <!DOCTYPE html><title>x',
  }
  const error: Fault = { type: 'replace', status: 200, body: { error: { code: 'oops', message: 'no' } } }

  test.each([
    ['an HTML page', page],
    ['an HTML page of another type', pageWithoutType],
    ['an object with an error', error],
  ])('%s: an invoice with a key is sent again, and found', async (_, fault) => {
    const { duplicate, arrivals, failure } = await send('submitInvoice', [fault], { change: { externalId: 'html' } })
    expect(failure).toBeUndefined()
    expect(duplicate).toBe(true)
    expect(arrivals.filter(({ worked = 500 }) => worked < 300)).toHaveLength(1)
  })

  test.each([
    ['an HTML page', page, 'an HTML page instead of JSON'],
    ['an object with an error', error, 'an error in the body'],
  ])('%s: a rotation is not repeated, and its outcome is unknown', async (_, fault, text) => {
    const { failure, outcomeUnknown, attempts } = await send('rotateInstallationCredential', [fault])
    expect({ outcomeUnknown, attempts }).toEqual({ outcomeUnknown: true, attempts: 1 })
    expect(failure?.message).toContain(text)
    expect(failure?.hint).toContain('The outcome is unknown')
  })

  test('but a body that mentions an error deeper down is one', async () => {
    const body = { name: 'x', contact: { error: 'y' } }
    expect((await send('getAccountInfo', [{ type: 'answer', status: 200, body }])).failure).toBeUndefined()
    const none = { name: 'x', error: null }
    expect((await send('getAccountInfo', [{ type: 'answer', status: 200, body: none }])).failure).toBeUndefined()
  })
})

describe('a conflict after an ambiguous attempt', () => {
  test.each<[OperationName, Fault]>([
    ['submitInvoice', says(409, 'conflict', 'An invoice with this externalId already exists')],
    ['submitInvoice', says(409, 'duplicate_invoice', 'no')],
    ['submitInvoice', says(409, 'conflict', 'An invoice of this period with the externalId x already exists')],
    ['finalizeInstallation', says(409, 'installation_finalized', 'no')],
    ['finalizeInstallation', says(403, 'forbidden', 'Not authorized')],
    ['finalizeInstallation', says(401, 'unauthorized', 'no')],
    ['finalizeInstallation', says(410, 'gone', 'no')],
    ['createExperimentationItems', says(409, 'conflict', 'The item f-2 already exists')],
    ['deleteIntegrationResource', says(404, 'not_found', 'Resource db-1 not found')],
  ])('%s proves that it arrived: %j', async (name, answer) => {
    const { failure, attempts } = await send(name, [lost, answer])
    expect({ failure, attempts }).toEqual({ failure: undefined, attempts: 2 })
  })

  test.each<[OperationName, Fault]>([
    ['submitInvoice', says(409, 'installation_finalized', 'The installation is finalized')],
    ['submitInvoice', says(409, 'conflict', 'Resource db-1 has been billed for 2026-01, which overlaps this invoice')],
    ['submitInvoice', says(409, 'conflict', 'Another request is in progress')],
    ['submitInvoice', says(409, 'conflict', 'Invoice not created: a discount with this name already exists')],
    ['submitInvoice', says(409, 'bad_items', 'Duplicate items in the request: nothing was created')],
    ['submitInvoice', says(409, 'conflict', 'An invoice for this resource, plan and period already exists')],
    ['submitInvoice', { type: 'answer', status: 409 }],
    ['submitInvoice', says(403, 'forbidden', 'An invoice already exists')],
    ['createExperimentationItems', says(409, 'conflict', 'Try later')],
    ['deleteIntegrationResource', { type: 'answer', status: 404 }],
    ['deleteIntegrationResource', says(404, 'bad_route', 'no such route')],
    ['getInvoice', says(404, 'not_found', 'Invoice not found')],
  ])('%s proves nothing, and Vercel is quoted: %j', async (name, answer) => {
    const { failure, outcomeUnknown, duplicate } = await send(name, [lost, answer])
    expect({ outcomeUnknown, duplicate }).toEqual({ outcomeUnknown: true, duplicate: undefined })
    const { error } = (answer as { body?: { error: { code: string; message: string } } }).body ?? {}
    if (error) expect(failure?.message).toContain(`${error.code}: ${error.message}`)
    expect(failure?.hint).toContain(name === 'getInvoice' ? 'Reading changes nothing' : 'The outcome is unknown')
  })

  test.each<[OperationName, Fault]>([
    ['finalizeInstallation', says(403, 'forbidden', 'Not authorized')],
    ['deleteIntegrationResource', says(404, 'not_found', 'Resource db-1 not found')],
  ])('but as the first answer it is a failure: %s', async (name, answer) => {
    const { failure, outcomeUnknown } = await send(name, [answer])
    expect(failure).toBeDefined()
    expect(outcomeUnknown).toBe(false)
  })
})

test('on-duplicate: succeed takes no other conflict for a duplicate', async () => {
  const other = says(409, 'installation_finalized', 'The installation is finalized')
  const { failure, duplicate } = await send('submitInvoice', [other], { onDuplicate: 'succeed' })
  expect(duplicate).toBeUndefined()
  expect(failure?.message).toContain('installation_finalized')
  const exists = says(409, 'conflict', 'It exists already')
  expect(await send('submitInvoice', [exists], { onDuplicate: 'succeed' })).toMatchObject({ duplicate: true })
})

describe('a test invoice', () => {
  const answer = (validationErrors: unknown): Fault => ({
    type: 'answer',
    status: 200,
    body: { test: true, validationErrors },
  })
  const change = { test: { validate: true } }

  test('with validation errors is a failure that shows each of them', async () => {
    const { failure, outcomeUnknown } = await send(
      'submitInvoice',
      [answer(['The plan is unknown', { message: 'No such resource' }, { code: 'x1' }])],
      { change },
    )
    expect({ code: failure?.code, outcomeUnknown }).toEqual({ code: 'validation_failed', outcomeUnknown: false })
    expect(failure?.diagnostics.map(({ message }) => message)).toEqual([
      "Vercel's check of the test invoice: The plan is unknown",
      "Vercel's check of the test invoice: No such resource",
      `Vercel's check of the test invoice: {"code":"x1"}`,
    ])
  })

  test('without any is none', async () => {
    expect((await send('submitInvoice', [answer([])], { change })).failure).toBeUndefined()
    expect((await send('submitInvoice', [answer(undefined)], { change })).failure).toBeUndefined()
  })
})

test.each<[body: unknown, outcomeUnknown: boolean | undefined]>([
  [{ revoked: true, already_revoked: false }, undefined],
  [{ revoked: false, already_revoked: true }, undefined],
  [{ revoked: false }, false],
  [{ revoked: 'true' }, true],
  [{}, true],
  ['', true],
])('a revocation answered with %j', async (body, outcomeUnknown) => {
  const fault: Fault = { type: 'answer', status: 200, body }
  const { failure, ...rest } = await send('revokeInstallationCredential', [fault])
  expect(failure?.code).toBe(outcomeUnknown === undefined ? undefined : 'not_revoked')
  expect(rest.outcomeUnknown).toBe(outcomeUnknown)
})

describe('a wait that is too long to be meant', () => {
  const now = new Date('2026-01-01T00:00:00Z')
  const wait = (status: number, headers: Record<string, string>) => requestedWait({ status, headers, text: '' }, now)
  const soon = now.getTime() + 30_000

  test.each([
    ['seconds', String(soon / 1000)],
    ['milliseconds', String(soon)],
    ['microseconds', String(soon * 1000)],
  ])('a reset in %s is read as such', (_, reset) => {
    expect(wait(429, { 'x-ratelimit-reset': reset })).toBe(30_000)
  })

  test.each([
    [{ 'retry-after': '9999999999999' }],
    [{ 'retry-after': '9'.repeat(400) }],
    [{ 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' }],
    [{ 'x-ratelimit-reset': '9'.repeat(30) }],
    [{ 'x-ratelimit-reset': '1' }],
  ])('%j is not believed', (headers) => {
    expect(wait(429, headers as Record<string, string>)).toBeUndefined()
  })

  test('no header crashes a delivery', async () => {
    const fault = (value: string): Fault => ({
      type: 'answer',
      status: 429,
      headers: { 'retry-after': value, 'x-ratelimit-reset': value },
    })
    for (const value of ['9999999999999', '-1', '1e999', '9'.repeat(300), 'NaN']) {
      expect((await send('getAccountInfo', [fault(value)])).failure).toBeUndefined()
    }
  })
})
