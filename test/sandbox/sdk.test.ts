// The SDK's function for each operation can read the sandbox's responses.

import { VercelCore } from '@vercel/sdk/core.js'
import { HTTPClient } from '@vercel/sdk/lib/http.js'
import { expect, test } from 'vitest'
import { prerequisites } from '../../scripts/examples.ts'
import { type OperationName, operationNamed, operations } from '../../src/operations/catalogue.ts'
import { type ExampleOptions, examplePayload, exampleRequest, type Fields } from '../example-payloads.ts'
import { useNodeWeb } from '../node-web.ts'
import { openTestSandbox, token } from './sandbox.ts'

// The SDK reads bodies with Node's own requests.
useNodeWeb()

const bodyOf = (name: OperationName): Fields => examplePayload(name).body
const { period, items, ...invoice } = bodyOf('submitInvoice')
const { billing, usage } = bodyOf('submitBillingData')
const { billingPlan, ...resource } = bodyOf('importResource')
const { notification } = bodyOf('updateResource')
const { secrets } = bodyOf('updateResourceSecretsById')
const openPlan = { ...billingPlan, additionalProperties: { seats: 5 } }

/** The requests of an operation, each as changes of its example. The example itself is sent if none are listed. */
const requests: Partial<Record<OperationName, readonly Fields[]>> = {
  updateInstallation: [{ billingPlan: openPlan, notification }],
  createEvent: [{}, { event: { type: 'installation.updated', billingPlanId: 'pro' } }],
  importResource: [{ billingPlan: openPlan, notification, metadata: { a: [1] }, secrets }],
  updateResource: [{}, { notification: undefined, secrets: { secrets, partial: true } }],
  updateResourceSecrets: [{}, { partial: undefined }],
  submitBillingData: [
    { usage: [{ ...usage[0], planValue: 3 }] },
    { timestamp: period.end, billing: { items: billing }, usage: [] },
  ],
  submitInvoice: [
    { items: [{ ...items[0], ...period }], memo: 'October' },
    { externalId: 'test-1', test: { result: 'paid' } },
    { externalId: invoice.externalId, test: { validate: true } },
  ],
  // The states pending, invoiced and paid.
  getInvoice: [{}, {}, {}],
  exchangeSsoToken: [
    { grantType: 'authorization_code' },
    { code: undefined, state: undefined, redirectUri: undefined, refreshToken: 'r', grantType: 'refresh_token' },
  ],
  replaceGlobalConfig: [{ data: { a: [1, null, { b: 'c' }] } }],
}

/** The statuses of successful responses without a body. A response with a body has the status 200. */
const emptyStatuses: Partial<Record<OperationName, number>> = {
  updateInstallation: 204,
  createEvent: 201,
  deleteIntegrationResource: 204,
  updateResourceSecrets: 201,
  updateResourceSecretsById: 201,
  submitBillingData: 201,
  updateInvoice: 204,
  submitPrepaymentBalances: 201,
  finalizeInstallation: 204,
  createExperimentationItems: 204,
  updateExperimentationItem: 204,
  deleteExperimentationItem: 204,
}

/** A sandbox with what the examples need, which the SDK's functions call. */
async function prepared() {
  const { ask } = openTestSandbox()
  const responses: { status: number; body?: unknown }[] = []
  const httpClient = new HTTPClient({
    fetcher: async (input) => {
      const request = input as Request
      const { pathname, search } = new URL(request.url)
      const bearer = request.headers.get('authorization')?.replace('Bearer ', '') ?? null
      const response = await ask(request.method, pathname + search, {
        body: (await request.text()) || undefined,
        token: bearer,
      })
      responses.push(response)
      const { status, body, headers } = response
      const type = body === undefined ? {} : { 'content-type': 'application/json' }
      return new Response(body === undefined ? null : JSON.stringify(body), {
        status,
        headers: { ...headers, ...type },
      })
    },
  })
  const core = new VercelCore({ serverURL: 'https://sandbox.invalid', bearerToken: token, httpClient })
  let invoiceId = ''
  const call = async (name: OperationName, changes: ExampleOptions['changes'] = {}) => {
    const { sdkName, pathParameters } = operationNamed(name)
    const fn = `marketplace${sdkName.charAt(0).toUpperCase()}${sdkName.slice(1)}`
    const module = await import(/* @vite-ignore */ `@vercel/sdk/funcs/${fn}.js`)
    const { params, body } = exampleRequest(name, { ids: { invoiceId }, changes })
    return module[fn](core, pathParameters.length === 0 ? body : { ...params, ...(body && { requestBody: body }) })
  }
  const preparations: Partial<Record<OperationName, Fields>> = {
    importResource: { notification, metadata: { ...resource.metadata, a: ['b'] } },
    submitInvoice: { externalId: 'prepared' },
  }
  for (const name of prerequisites) {
    const { value } = await call(name, preparations[name])
    if (name === 'submitInvoice') ({ invoiceId } = value)
  }
  return { call, responses }
}

test.each(operations.filter(({ method }) => method !== 'HEAD').map(({ name }) => name))(
  'response to %s',
  async (name) => {
    const { call, responses } = await prepared()
    for (const changes of requests[name] ?? [{}]) {
      const result = await call(name, changes)
      expect(result.error).toBeUndefined()
      expect(result.ok).toBe(true)
      // The SDK accepts one status for a response without a body: the one that the API documents.
      const { status, body } = responses.at(-1) ?? {}
      const expected = emptyStatuses[name] ?? (body === undefined ? undefined : 200)
      if (expected !== undefined) expect(status).toBe(expected)
    }
  },
)

// The response to a HEAD request has no body, which the SDK tries to parse.
test('response to headGlobalConfig', async () => {
  const { call, responses } = await prepared()
  await Promise.allSettled([call('headGlobalConfig')])
  expect(responses.at(-1)).toEqual({ status: 200, headers: expect.anything() })
})

test('the SDK reads a refunded invoice, and a resource whose notification was cleared', async () => {
  const { call } = await prepared()
  await call('updateInvoice')
  const states = []
  for (let read = 0; read < 2; read++) states.push((await call('getInvoice')).value.state)
  expect(states).toEqual(['refund_requested', 'refunded'])
  await call('updateResource', { notification: '' })
  expect((await call('getIntegrationResource')).value.notification).toBeUndefined()
})
