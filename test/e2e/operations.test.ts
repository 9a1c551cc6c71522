// Every operation through the built action, against the sandbox over HTTP.

import { expect, onTestFinished, test } from 'vitest'
import { namesOf, operations } from '../../src/operations/catalogue.ts'
import { startSandboxServer } from '../../src/sandbox/server.ts'
import { day, installation, invoice, item, token } from './invoices.ts'
import { runStep, scratch } from './step.ts'

const { integrationConfigurationId: _, ...bill } = invoice
const resource = { productId: 'pg', name: 'orders', status: 'ready' }
const secrets = [{ name: 'URL', value: 'pg://user:pass-word@db', environmentOverrides: { preview: 'pre-view-value' } }]
const flag = { slug: 'checkout', origin: 'https://example.com/f' }
const client = { clientId: 'oac_1', clientSecret: 'client-secret-1' }
const bodies: Record<string, object> = {
  updateInstallation: { notification: null, billingPlan: { id: 'p', type: 'subscription', name: 'P', own: 1 } },
  createEvent: { event: { type: 'resource.updated', resourceId: 'db-1' } },
  rotateInstallationCredential: client,
  revokeInstallationCredential: { token: 'old-token-1', ...client },
  importResource: { ...resource, secrets },
  updateResource: { secrets: { secrets, partial: true } },
  updateResourceSecrets: { secrets, partial: true, integrationProductIdOrSlug: 'pg' },
  updateResourceSecretsById: { secrets, partial: false },
  submitBillingData: { eod: day(1), period: bill.period, billing: [item], usage: [] },
  submitInvoice: { ...bill, externalId: 'another' },
  updateInvoice: { action: 'refund', reason: 'r', total: '1.00' },
  submitPrepaymentBalances: { balances: [{ currencyValueInCents: 5 }] },
  exchangeSsoToken: { code: 'sso-code-1', ...client },
  createExperimentationItems: { items: [{ id: 'f-2', ...flag }] },
  updateExperimentationItem: { ...flag, itemId: 'f-1' },
  deleteExperimentationItem: { itemId: 'f-1' },
  replaceGlobalConfig: { data: { a: [1, null] } },
}
const statuses: Record<string, string> = { getInvoice: 'pending', getIntegrationResource: 'ready' }

async function prepared() {
  const server = await startSandboxServer()
  onTestFinished(server.close)
  const send = async (method: string, path: string, body: object) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const answer = await fetch(`${server.url}/v1/installations/${installation}${path}`, {
      method,
      headers,
      body: JSON.stringify(body),
    })
    return answer.status === 200 ? ((await answer.json()) as { invoiceId: string }) : undefined
  }
  await send('PUT', '/resources/db-1', resource)
  await send('POST', '/resources/db-1/experimentation/items', { items: [{ id: 'f-1', ...flag }] })
  const { invoiceId = '' } = (await send('POST', '/billing/invoices', bill)) ?? {}
  return { server, invoiceId, before: server.arrivals.length }
}

test.each(operations.map((operation) => [operation.name, operation] as const))('%s', async (name, operation) => {
  const { server, invoiceId, before } = await prepared()
  const ids = { 'installation-id': installation, 'resource-id': 'db-1', 'invoice-id': invoiceId, 'member-id': 'user_1' }
  const used = {
    integrationConfigurationId: 'installation-id',
    resourceId: 'resource-id',
    invoiceId: 'invoice-id',
    memberId: 'member-id',
  } as Record<string, keyof typeof ids>
  const inputs = operation.pathParameters.flatMap((parameter) => {
    const input = used[parameter]
    return input ? [[input, ids[input]]] : []
  })
  const step = await runStep({
    with: {
      operation: namesOf(operation).at(-1) ?? name,
      'api-url': server.url,
      ...(!operation.anonymous && { token }),
      ...Object.fromEntries(inputs),
      ...(bodies[name] && { payload: JSON.stringify(bodies[name]) }),
    },
  })
  expect(step.errors).toEqual([])
  expect(step.code).toBe(0)
  // The invoice is read before it is refunded.
  const reads = name === 'updateInvoice' ? ['getInvoice'] : []
  expect(server.arrivals.slice(before).map((arrival) => arrival.operation)).toEqual([...reads, name])
  expect(step.outputs).toMatchObject({
    operation: operation.sdkName,
    status: statuses[name] ?? 'accepted',
    attempts: '1',
  })
  expect(() => JSON.parse(step.outputs.result ?? '')).not.toThrow()
  expect(step.summary).toContain(`${name}: `)
  const { idToken = '', accessToken = '', refreshToken = '', ...open } = step.outputs
  for (const issued of [idToken, accessToken, refreshToken]) if (issued) expect(step.masks).toContain(issued)
  const visible = [step.lines.join('\n'), step.summary, JSON.stringify(open), JSON.stringify(step.annotations)].join(
    '\n',
  )
  const hidden = [
    token,
    'pass-word@',
    'pre-view-value',
    'client-secret-1',
    'sso-code-1',
    'old-token-1',
    idToken,
    accessToken,
    refreshToken,
  ]
  for (const secret of hidden.filter(Boolean)) expect(visible).not.toContain(secret)
  if (name === 'updateInstallation')
    expect(server.arrivals.at(-1)?.body).toMatchObject({ notification: null, billingPlan: { own: 1 } })
  if (operation.successor) expect(step.warnings.join()).toContain(operation.successor)
})

test('in the sandbox of a job an invoice is submitted, read until it is paid, and refunded; a second one with its key is refused', async () => {
  const temp = scratch()
  const common = { 'api-url': 'sandbox', token, 'installation-id': installation }
  const run = (inputs: Record<string, string>) => runStep({ temp, with: { ...common, ...inputs } })
  const payload = JSON.stringify(bill)
  const { outputs } = await run({ operation: 'submitInvoice', payload })
  const again = await run({ operation: 'submitInvoice', payload })
  expect(again.outputs).toMatchObject({ status: 'failed', errorCode: 'conflict', httpStatus: '409' })
  const get = { operation: 'getInvoice', 'invoice-id': outputs.invoiceId ?? '' }
  const seen = [await run(get), await run(get), await run(get)].map((step) => step.outputs.status)
  expect(seen).toEqual(['pending', 'invoiced', 'paid'])
  const refund = { ...get, operation: 'updateInvoice' }
  await run({ ...refund, payload: '{action: refund, reason: r, total: "1.00"}' })
  expect((await run(get)).outputs.status).toBe('refund_requested')
  const tooMuch = await run({ ...refund, payload: '{action: refund, reason: other, total: "3.00"}' })
  expect(tooMuch.outputs.errorCode).toBe('refund_too_large')
  const same = await run({ ...refund, payload: '{action: refund, reason: r, total: "1.00"}' })
  expect(same.outputs).toMatchObject({ errorCode: 'refund_present', status: 'failed' })
})

test('a dry run sends nothing and shows the request without its secrets', async () => {
  const payload = JSON.stringify({ secrets: [...secrets, { name: 'B', value: { $env: 'B' } }], partial: true })
  const inputs = {
    operation: 'updateResourceSecretsById',
    'installation-id': installation,
    'resource-id': 'db-1',
    token,
    payload,
  }
  const step = await runStep({ with: { ...inputs, 'dry-run': 'true' }, env: { B: 'b-secret-value' } })
  expect(step.outputs.status).toBe('validated')
  expect(step.lines.join()).toContain('"value":"***"')
  expect(step.lines.join() + step.summary).not.toMatch(/b-secret-value|pass-word/)
  expect(step.masks).toContain('b-secret-value')
})

test('text from a payload cannot start a workflow command or leave the summary', async () => {
  const memo = 'x\n::error::forged\n##[error]forged\n</td></table>\n\n# big <img src=x> @octocat'
  const step = await runStep({
    with: { operation: 'submitInvoice', 'api-url': 'sandbox', token, payload: JSON.stringify({ ...invoice, memo }) },
  })
  expect(step.annotations).toEqual([])
  expect(step.summary).toContain('&lt;/td&gt;&lt;/table&gt; # big &lt;img src=x&gt;')
  expect(step.summary.trimEnd()).not.toMatch(/\n\s*\n|<img|@octocat/)
})
