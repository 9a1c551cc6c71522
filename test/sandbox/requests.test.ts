// Which requests the sandbox accepts, and which it refuses.

import { expect, test } from 'vitest'
import { operations } from '../../src/operations/catalogue.ts'
import { client, icfg, invoice, item, openTestSandbox, resource } from './sandbox.ts'

const sso = '/v1/integrations/sso/token'

test.each([
  ['an unknown path', 'GET', '/v1/nothing'],
  ['a known path with another method', 'DELETE', `${icfg}/account`],
  ['a dot segment', 'GET', '/v1/installations/../account'],
  ['an escaped dot segment', 'GET', '/v1/installations/%2E%2e/account'],
  ['an empty id', 'GET', '/v1/installations//account'],
  ['a path with an additional slash', 'GET', `${icfg}/account/`],
])('%s is not found', async (_, method, path) => {
  const { status, body } = await openTestSandbox().ask(method, path)
  expect(status).toBe(404)
  expect(body).toEqual({ error: { code: 'not_found', message: expect.stringContaining(`${method} ${path}`) } })
})

test.each([
  ['a slash in an id', `${icfg}%2Fmember/account`, 'integrationConfigurationId must be a single id'],
  ['a broken escape', `${icfg}%zz/account`, 'percent-encoding'],
  ['a query', `${icfg}/account?teamId=t`, 'get-account-info takes no query'],
])('%s is refused', async (_, path, message) => {
  const { status, body } = await openTestSandbox().ask('GET', path)
  expect([status, body.error.code]).toEqual([400, 'bad_request'])
  expect(body.error.message).toContain(message)
})

test('every operation except the anonymous one requires a bearer token', async () => {
  const { ask, marketplace } = openTestSandbox()
  for (const { method, path, anonymous } of operations) {
    const { status } = await ask(method, path.replace(/\{\w+\}/g, 'x'), { token: null })
    expect([path, status]).toEqual([path, anonymous ? 400 : 401])
  }
  const path = `${icfg}/account`
  for (const authorization of ['Basic dTpw', 'Bearer', 'Bearer ', 'Bearer a b', 'token']) {
    expect(await marketplace.handle({ method: 'GET', path, authorization })).toMatchObject({ status: 401 })
  }
})

test('every response, also an error, has its own request id and the date', async () => {
  const { ask } = openTestSandbox()
  const answers = [await ask('GET', `${icfg}/account`), await ask('GET', '/nowhere')]
  const ids = answers.map(({ headers }) => headers['x-vercel-id'])
  expect(new Set(ids).size).toBe(2)
  for (const id of ids) expect(id).toMatch(/^sandbox1::[0-9a-f]{16}$/)
  for (const { headers } of answers) expect(headers.date).toBe('Sat, 01 Feb 2025 12:00:00 GMT')
})

test.each([
  ['no body', undefined, 'items is missing'],
  ['a body that is not JSON', '{"items":', 'The body is not JSON'],
  ['a list', [], 'the body must be an object'],
  ['an unknown field', { ...invoice, externalID: 'x' }, 'externalID is not a known field'],
  ['an unknown field, deep', { ...invoice, items: [{ ...item, unit: 'GB' }] }, 'items[0].unit is not a known field'],
  ['a number for money', { ...invoice, items: [{ ...item, total: 0.3 }] }, 'items[0].total must be a decimal'],
  ['a time without a zone', { ...invoice, invoiceDate: '2025-01-31T00:00:00' }, 'invoiceDate must be a time'],
  ['a date outside the period', { ...invoice, invoiceDate: '2025-01-31T00:00:01Z' }, 'invoiceDate 2025-01-31T00:00:01'],
  ['a reference', { ...invoice, memo: { $env: 'PATH' } }, 'memo is a reference, which the client must resolve'],
  ['a reference to a file', { ...invoice, memo: { $file: 'package.json' } }, 'memo is a reference'],
  [
    'a period the wrong way round',
    { ...invoice, period: { ...invoice.period, end: '2024-12-31T00:00:00Z' } },
    'period.end',
  ],
])('an invoice with %s is refused, and the field named', async (_, body, message) => {
  const { ask } = openTestSandbox()
  const answer = await ask('POST', `${icfg}/billing/invoices`, { body })
  expect(answer.status).toBe(400)
  expect(answer.body.error.message).toContain(message)
})

test('all problems are reported together', async () => {
  const { body } = await openTestSandbox().ask('POST', `${icfg}/billing/invoices`, { body: { items: [{}], x: 1 } })
  for (const field of ['invoiceDate', 'period', 'items[0].total', 'x'])
    expect(body.error.message).toContain(`${field} is`)
})

test('fields for which the action has defaults are required', async () => {
  const { ask } = openTestSandbox()
  const balance = await ask('POST', `${icfg}/billing/balance`, { body: { balances: [] } })
  expect(balance.body.error.message).toContain('timestamp is missing')
  const exchange = await ask('POST', sso, { body: { code: 'c', ...client } })
  expect(exchange.body.error.message).toContain('grant_type is missing')
})

test('credentials are accepted only in snake case', async () => {
  const { ask } = openTestSandbox()
  const camel = await ask('POST', `${icfg}/credentials/rotate`, { body: { clientSecret: 'hidden-1' } })
  expect(camel.body.error.message).toContain('client_secret is missing')
  expect(camel.body.error.message).toContain('clientSecret is not a known field; did you mean `client_secret`?')
  const refresh = { grant_type: 'refresh_token', ...client, refreshToken: 'r' }
  const wrong = await ask('POST', sso, { body: refresh })
  expect(wrong.body.error.message).toContain('refresh_token is missing')
})

test('a body for an operation without one is refused', async () => {
  const { status } = await openTestSandbox().ask('POST', `${icfg}/billing/finalize`, { body: {} })
  expect(status).toBe(400)
})

test('a deeply nested body is refused, and overflows no stack', async () => {
  const { ask } = openTestSandbox()
  const body = `{"productId":"p","name":"n","status":"ready","metadata":{"a":${'['.repeat(3e4)}${']'.repeat(3e4)}}}`
  const answer = await ask('PUT', `${icfg}/resources/db-1`, { body })
  expect(answer.status).toBe(400)
})

test('no error contains the value of a secret', async () => {
  const { ask } = openTestSandbox()
  const secret = (value: unknown) => ({ name: 'DB', value })
  const wrong = [
    secret('hunter2\n'),
    secret(['hunter2']),
    { ...secret('hunter2'), values: 'x' },
    secret('hunter2${{ x }}'),
  ]
  for (const entry of wrong) {
    const answer = await ask('PUT', `${icfg}/resources/db-1`, { body: { ...resource, secrets: [entry] } })
    expect(answer.status).toBe(400)
    expect(answer.body.error.message).toContain('secrets[0].value')
    expect(JSON.stringify(answer)).not.toContain('hunter2')
  }
})
