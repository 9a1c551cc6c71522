// The examples of the SDK's documentation (docs/sdks/marketplace in vercel/sdk), as they are written there.

import { expect, onTestFinished, test } from 'vitest'
import { type OperationName, operations } from '../../src/operations/catalogue.ts'
import { startSandboxServer } from '../../src/sandbox/server.ts'
import { changed, installation, token } from './invoices.ts'
import { runStep } from './step.ts'

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
  // As an earlier edition has it.
  ['exchangeSsoToken', { code: '<value>', clientId: '<id>', clientSecret: '<value>' }],
]

/** Examples that the documentation itself contradicts, what is wrong with them, and what is missing. */
const contradictions: [OperationName, object, error: string, mended: object][] = [
  // "Must be within the period's start and end."
  [
    'submitInvoice',
    { integrationConfigurationId: '<id>', requestBody: bill },
    'requestBody.invoiceDate 2023-12-12T13:24:35.882Z is outside the period',
    { integrationConfigurationId: '<id>', requestBody: { ...bill, invoiceDate: bill.period.end } },
  ],
  // Without a body; the body's own schema requires `secrets`.
  [
    'updateResourceSecretsById',
    resource,
    'secrets is missing (expected a list)',
    { ...resource, requestBody: { secrets: [] } },
  ],
]

/** An installation with a resource and an invoice, and what to put for the placeholders of an example. */
async function prepared() {
  const server = await startSandboxServer()
  onTestFinished(server.close)
  const put = async (method: string, path: string, body: string) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const answer = await fetch(`${server.url}/v1/installations/${installation}${path}`, { method, headers, body })
    return (await answer.json()) as { invoiceId: string }
  }
  await put('PUT', '/resources/db-1', '{"productId":"pg","name":"orders","status":"ready"}')
  const { invoiceId } = await put('POST', '/billing/invoices', changed({ integrationConfigurationId: undefined }))
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
    return runStep({ with: { ...inputs, ...(!isAnonymous && { token }) } })
  }
  return { server, run, before: server.arrivals.length }
}

test.each(examples)('%s %#', async (name, example) => {
  const { server, run, before } = await prepared()
  const step = await run(name, example)
  expect(step.errors).toEqual([])
  expect(step.code).toBe(0)
  expect(server.arrivals.slice(before).map(({ operation }) => operation)).toEqual([name])
})

test.each(contradictions)('%s, which contradicts itself', async (name, example, error, mended) => {
  const { server, run, before } = await prepared()
  const step = await run(name, example)
  expect(step.errors).toEqual([expect.stringContaining(error)])
  expect(server.arrivals).toHaveLength(before)
  expect(await run(name, mended)).toMatchObject({ code: 0, errors: [] })
  expect(server.arrivals).toHaveLength(before + 1)
})
