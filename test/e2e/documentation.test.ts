// The examples of the SDK's documentation, unchanged except for their placeholders.
// https://github.com/vercel/sdk/tree/main/docs/sdks/marketplace

import { expect, onTestFinished, test } from 'vitest'
import { type OperationName, operations } from '../../src/operations/catalogue.ts'
import { startSandboxServer } from '../../src/sandbox/server.ts'
import { examplePayload } from '../example-payloads.ts'
import { changed, installation, token } from './invoices.ts'
import { runStepInProcess } from './step.ts'

const line = { billingPlanId: '<id>', name: '<value>', units: '<value>', total: '<value>' }
const billed = { ...line, price: '694.00', quantity: 228.64 }
const metric = { name: '<value>', type: 'interval', units: '<value>', dayValue: 5212.43, periodValue: 4147.35 }
const invoiced = { ...line, price: '469.29', quantity: 3808.42 }
const resource = { integrationConfigurationId: '<id>', resourceId: '<id>' }

const bill = {
  invoiceDate: new Date('2023-12-12T13:24:35.882Z'),
  period: { start: new Date('2024-10-20T02:46:19.279Z'), end: new Date('2025-06-06T21:30:28.107Z') },
  items: [invoiced, invoiced],
}

const examples: [OperationName, object][] = [
  ['updateInstallation', { integrationConfigurationId: '<id>' }],
  ['getAccountInfo', { integrationConfigurationId: '<id>' }],
  ['getMember', { integrationConfigurationId: '<id>', memberId: '<id>' }],
  ['createEvent', { integrationConfigurationId: '<id>', requestBody: { event: { type: 'installation.updated' } } }],
  ['getIntegrationResources', { integrationConfigurationId: '<id>' }],
  ['getIntegrationResource', resource],
  ['deleteIntegrationResource', resource],
  ['updateResource', resource],
  [
    'submitBillingData',
    {
      integrationConfigurationId: '<id>',
      requestBody: {
        timestamp: new Date('2023-11-26T05:03:03.977Z'),
        eod: new Date('2023-04-14T04:58:49.647Z'),
        period: { start: new Date('2023-03-12T13:32:00.895Z'), end: new Date('2023-12-15T15:17:13.187Z') },
        billing: [billed, billed],
        usage: [metric, metric, metric],
      },
    },
  ],
  ['finalizeInstallation', { integrationConfigurationId: '<id>' }],
  ['getInvoice', { integrationConfigurationId: '<id>', invoiceId: '<id>' }],
  [
    'updateInvoice',
    {
      integrationConfigurationId: '<id>',
      invoiceId: '<id>',
      requestBody: { action: 'refund', reason: '<value>', total: '<value>' },
    },
  ],
  [
    'updateResourceSecrets',
    {
      integrationConfigurationId: '<id>',
      integrationProductIdOrSlug: '<value>',
      resourceId: '<id>',
      requestBody: { secrets: [] },
    },
  ],
  ['exchangeSsoToken', { code: '<value>', clientId: '<id>', clientSecret: '<value>', grantType: 'authorization_code' }],
  // From an earlier version of the documentation.
  ['exchangeSsoToken', { code: '<value>', clientId: '<id>', clientSecret: '<value>' }],
]

/** Examples that contradict the documentation, with the error of the action, and the corrected examples. */
const contradictions: [OperationName, object, error: string, corrected: object][] = [
  // "Must be within the period's start and end."
  [
    'submitInvoice',
    { integrationConfigurationId: '<id>', requestBody: bill },
    'requestBody.invoiceDate 2023-12-12T13:24:35.882Z is outside the period',
    { integrationConfigurationId: '<id>', requestBody: { ...bill, invoiceDate: bill.period.end } },
  ],
  // It has no body, although the schema of the body requires `secrets`.
  [
    'updateResourceSecretsById',
    resource,
    'secrets is missing (expected a list)',
    { ...resource, requestBody: { secrets: [] } },
  ],
]

/** Starts a server with a resource and an invoice, whose ids replace the placeholders of an example. */
async function prepared() {
  const server = await startSandboxServer()
  onTestFinished(server.close)
  const send = async (method: string, path: string, body: string) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const response = await fetch(`${server.url}/v1/installations/${installation}${path}`, { method, headers, body })
    return (await response.json()) as { invoiceId: string }
  }
  await send('PUT', '/resources/db-1', JSON.stringify(examplePayload('importResource').body))
  const { invoiceId } = await send('POST', '/billing/invoices', changed({ integrationConfigurationId: undefined }))
  const values: Record<string, string> = {
    integrationConfigurationId: installation,
    resourceId: 'db-1',
    invoiceId,
    total: '1.00',
  }
  const fill = (example: object) =>
    JSON.stringify(example, (name, value) => (/^<\w+>$/.test(value) ? (values[name] ?? `${name}-1`) : value))
  const run = (name: OperationName, example: object) => {
    const isAnonymous = operations.find((operation) => operation.name === name)?.anonymous
    const inputs = { operation: name, payload: fill(example), 'api-url': server.url }
    return runStepInProcess({ with: { ...inputs, ...(!isAnonymous && { token }) } })
  }
  return { server, run, before: server.arrivals.length }
}

test.each(examples)('%s: the example of the documentation succeeds (%#)', async (name, example) => {
  const { server, run, before } = await prepared()
  const step = await run(name, example)
  expect(step.errors).toEqual([])
  expect(step.code).toBe(0)
  // An invoice is read before it is refunded.
  const reads = name === 'updateInvoice' ? ['getInvoice'] : []
  expect(server.arrivals.slice(before).map(({ operation }) => operation)).toEqual([...reads, name])
})

test.each(contradictions)(
  '%s: an example that contradicts the documentation fails, and succeeds once it is corrected',
  async (name, example, error, corrected) => {
    const { server, run, before } = await prepared()
    const step = await run(name, example)
    expect(step.errors).toEqual([expect.stringContaining(error)])
    expect(server.arrivals).toHaveLength(before)
    expect(await run(name, corrected)).toMatchObject({ code: 0, errors: [] })
    expect(server.arrivals).toHaveLength(before + 1)
  },
)
