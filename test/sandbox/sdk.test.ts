// Every answer of the sandbox is one that the SDK's own function for the operation can read.

import { VercelCore } from '@vercel/sdk/core.js'
import { HTTPClient } from '@vercel/sdk/lib/http.js'
import { expect, test } from 'vitest'
import { findOperation, type OperationName, operations } from '../../src/operations/catalogue.ts'
import { icfg, openTestSandbox, resource, token } from './sandbox.ts'

const period = { start: new Date('2025-01-01T00:00:00Z'), end: new Date('2025-01-31T00:00:00Z') }
const item = {
  billingPlanId: 'pro',
  name: 'Storage',
  price: '0.10',
  quantity: 3,
  units: 'GB',
  total: '0.30',
  ...period,
}
const discount = { billingPlanId: 'pro', name: 'Credit', amount: '0.10' }
const usage = { name: 'Storage', type: 'total', units: 'GB', dayValue: 1, periodValue: 2, planValue: 3 }
const flag = { slug: 'checkout', origin: 'https://example.com/f' }
const secrets = [{ name: 'URL', value: 'pg://db', environmentOverrides: { preview: 'pg://pre' } }]
const client = { clientId: 'oac_1', clientSecret: 'client-secret-1' }
const billingPlan = { id: 'pro', type: 'subscription', name: 'Pro', additionalProperties: { seats: 5 } }
const notification = { level: 'info', title: 'Hello', href: 'https://example.com' }
const bill = {
  invoiceDate: period.end,
  period,
  items: [item],
  discounts: [discount],
  memo: 'January',
  externalId: 'ours-1',
}

interface Case {
  readonly params?: object
  readonly body?: object
  readonly status?: number
}

const db = { resourceId: 'db-1' }
const cases: Record<OperationName, Case[]> = {
  updateInstallation: [{ body: { status: 'ready', billingPlan, notification }, status: 204 }],
  getAccountInfo: [{}],
  getMember: [{ params: { memberId: 'user_1' } }],
  createEvent: [
    { body: { event: { type: 'resource.updated', resourceId: 'db-1' } }, status: 201 },
    { body: { event: { type: 'installation.updated', billingPlanId: 'pro' } }, status: 201 },
  ],
  rotateInstallationCredential: [{ body: client }],
  revokeInstallationCredential: [{ body: { token: 'old', ...client } }],
  getIntegrationResources: [{}],
  getIntegrationResource: [{ params: db }],
  importResource: [{ params: db, body: { ...resource, billingPlan, notification, metadata: { a: [1] }, secrets } }],
  updateResource: [{ params: db, body: { status: 'suspended', secrets: { secrets, partial: true } } }],
  deleteIntegrationResource: [{ params: db, status: 204 }],
  updateResourceSecrets: [{ params: { ...db, integrationProductIdOrSlug: 'pg' }, body: { secrets }, status: 201 }],
  updateResourceSecretsById: [{ params: db, body: { secrets, partial: true }, status: 201 }],
  submitBillingData: [
    { body: { timestamp: period.end, eod: period.end, period, billing: [item], usage: [usage] }, status: 201 },
    { body: { timestamp: period.end, eod: period.end, period, billing: { items: [item] }, usage: [] }, status: 201 },
  ],
  submitInvoice: [
    { body: { ...bill, externalId: 'ours-2' } },
    { body: { ...bill, externalId: 'ours-3', test: { result: 'paid' } } },
    { body: { ...bill, test: { validate: true } } },
  ],
  // pending, invoiced, paid.
  getInvoice: [{}, {}, {}],
  updateInvoice: [{ body: { action: 'refund', reason: 'outage', total: '0.10' }, status: 204 }],
  submitPrepaymentBalances: [
    { body: { timestamp: period.end, balances: [{ resourceId: 'db-1', currencyValueInCents: 5 }] }, status: 201 },
  ],
  finalizeInstallation: [{ status: 204 }],
  exchangeSsoToken: [
    { body: { code: 'c', redirectUri: 'https://a.example', ...client, grantType: 'authorization_code' } },
    { body: { refreshToken: 'r', ...client, grantType: 'refresh_token' } },
  ],
  createExperimentationItems: [{ params: db, body: { items: [{ id: 'f-2', ...flag }] }, status: 204 }],
  updateExperimentationItem: [{ params: { ...db, itemId: 'f-1' }, body: { ...flag, category: 'flag' }, status: 204 }],
  deleteExperimentationItem: [{ params: { ...db, itemId: 'f-1' }, status: 204 }],
  headGlobalConfig: [{ params: db }],
  getGlobalConfig: [{ params: db }],
  replaceGlobalConfig: [{ params: db, body: { data: { a: [1, null, { b: 'c' }] } } }],
}

/** A sandbox with a resource, an experimentation item and an invoice, behind the SDK. */
async function prepared() {
  const { ask } = openTestSandbox()
  const answers: { status: number; body?: unknown }[] = []
  const httpClient = new HTTPClient({
    fetcher: async (input) => {
      const request = input as Request
      const { pathname, search } = new URL(request.url)
      const by = request.headers.get('authorization')?.replace('Bearer ', '') ?? null
      const answer = await ask(request.method, pathname + search, {
        body: (await request.text()) || undefined,
        token: by,
      })
      answers.push(answer)
      const { status, body, headers } = answer
      const type = body === undefined ? {} : { 'content-type': 'application/json' }
      return new Response(body === undefined ? null : JSON.stringify(body), {
        status,
        headers: { ...headers, ...type },
      })
    },
  })
  const core = new VercelCore({ serverURL: 'https://sandbox.invalid', bearerToken: token, httpClient })
  const call = async (name: OperationName, request: object) => {
    const sdkName = findOperation(name)?.sdkName ?? ''
    const fn = `marketplace${sdkName.charAt(0).toUpperCase()}${sdkName.slice(1)}`
    const module = await import(/* @vite-ignore */ `@vercel/sdk/funcs/${fn}.js`)
    return module[fn](core, request)
  }
  await ask('PUT', `${icfg}/resources/db-1`, { body: { ...resource, notification, metadata: { a: ['b'] } } })
  await ask('POST', `${icfg}/resources/db-1/experimentation/items`, { body: { items: [{ id: 'f-1', ...flag }] } })
  const params = { integrationConfigurationId: 'icfg_1' }
  const { invoiceId } = (await call('submitInvoice', { ...params, requestBody: bill })).value
  return { call, answers, ids: { ...params, invoiceId } }
}

test.each(operations.filter(({ method }) => method !== 'HEAD').map(({ name }) => name))('%s', async (name) => {
  const { call, answers, ids } = await prepared()
  for (const { params, body, status = 200 } of cases[name]) {
    const request = name === 'exchangeSsoToken' ? body : { ...ids, ...params, ...(body && { requestBody: body }) }
    const result = await call(name, request as object)
    expect(result.error).toBeUndefined()
    expect(result.ok).toBe(true)
    expect(answers.at(-1)?.status).toBe(status)
  }
})

// To a HEAD there is no body, which the SDK wants to parse all the same.
test('headGlobalConfig', async () => {
  const { call, answers, ids } = await prepared()
  await Promise.allSettled([call('headGlobalConfig', { ...ids, resourceId: 'db-1' })])
  expect(answers.at(-1)).toEqual({ status: 200, headers: expect.anything() })
})

test('an invoice that was refunded, and a resource whose notification was cleared, can be read too', async () => {
  const { call, ids } = await prepared()
  await call('updateInvoice', { ...ids, requestBody: { action: 'refund', reason: 'outage', total: '0.10' } })
  const states = []
  for (let read = 0; read < 2; read++) states.push((await call('getInvoice', ids)).value.state)
  expect(states).toEqual(['refund_requested', 'refunded'])
  await call('updateResource', { ...ids, ...db, requestBody: { notification: '' } })
  expect((await call('getIntegrationResource', { ...ids, ...db })).value.notification).toBeUndefined()
})
