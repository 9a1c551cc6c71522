// A request for each operation, built as a step builds it, and the ground that it needs.

import type { DeliveryOptions } from '../../src/delivery/deliver.ts'
import { openNetwork } from '../../src/http/network.ts'
import { findOperation, type Operation, type OperationName } from '../../src/operations/catalogue.ts'
import { buildRequest, type MarketplaceRequest, requestShape } from '../../src/operations/request.ts'
import type { SandboxServer } from '../../src/sandbox/server.ts'
import { installation, invoice, item } from '../e2e/invoices.ts'

const { integrationConfigurationId: _, ...bill } = invoice
const client = { clientId: 'oac_1', clientSecret: 'client-secret-1' }
const flag = { slug: 's', origin: 'https://example.com' }
const resource = { productId: 'pg', name: 'orders', status: 'ready' }
const secrets = { secrets: [{ name: 'A', value: 'value-a' }], partial: true }
const bodies: Partial<Record<OperationName, object>> = {
  updateInstallation: { status: 'ready' },
  createEvent: { event: { type: 'installation.updated' } },
  rotateInstallationCredential: client,
  revokeInstallationCredential: { token: 'old-token', ...client },
  importResource: resource,
  updateResource: { name: 'other' },
  updateResourceSecrets: secrets,
  updateResourceSecretsById: secrets,
  submitBillingData: { eod: bill.period.end, period: bill.period, billing: [item], usage: [] },
  submitInvoice: { ...bill, externalId: 'tested' },
  updateInvoice: { action: 'refund', reason: 'r', total: '1.00' },
  submitPrepaymentBalances: { balances: [] },
  exchangeSsoToken: { code: 'sso-code', ...client },
  createExperimentationItems: { items: [{ id: 'f-2', ...flag }] },
  updateExperimentationItem: flag,
  replaceGlobalConfig: { data: {} },
}

export async function requestOf(
  name: OperationName,
  ids: Record<string, string> = {},
  change: object = {},
): Promise<MarketplaceRequest> {
  const operation = findOperation(name) as Operation
  const all = {
    integrationConfigurationId: installation,
    resourceId: 'db-1',
    memberId: 'u',
    itemId: 'f-1',
    integrationProductIdOrSlug: 'pg',
    invoiceId: 'inv',
    ...ids,
  } as Record<string, string>
  const params = Object.fromEntries(operation.pathParameters.map((parameter) => [parameter, all[parameter]]))
  const body = bodies[name]
  const payload =
    operation.pathParameters.length === 0 ? body : { ...params, ...(body && { requestBody: { ...body, ...change } }) }
  const check = { env: {}, readFile: () => '', now: new Date(), errors: [], warnings: [], secrets: [] }
  const request = buildRequest(requestShape(operation), payload, {}, check)
  if (!request) throw new Error(JSON.stringify(check.errors))
  return request
}

/** Delivery against a server, on a clock that waiting moves on. */
export function optionsFor(
  request: MarketplaceRequest,
  url: string,
  change: Partial<DeliveryOptions> = {},
): DeliveryOptions & { waits: number[] } {
  let waited = 0
  const waits: number[] = []
  const never = new AbortController().signal
  return {
    request,
    endpoint: { baseUrl: url, token: 'test-token', transport: openNetwork({ env: {} }) },
    limits: { maxAttempts: 4, attemptTimeoutMs: 300, retryTimeoutMs: 300_000 },
    clock: {
      now: () => new Date(),
      monotonic: () => performance.now() + waited,
      sleep: async (ms) => {
        waits.push(ms)
        waited += ms
      },
    },
    random: () => 0.5,
    signal: never,
    abort: never,
    log: { info: () => {} },
    waits,
    ...change,
  }
}

/** A resource, an item and an invoice for the requests to be about. @returns the invoice's id */
export async function prepare({ url }: SandboxServer): Promise<string> {
  const { deliverAndReconcile: settle } = await import('../../src/delivery/reconcile.ts')
  const run = async (name: OperationName, change = {}) =>
    settle(optionsFor(await requestOf(name, {}, change), url), 'fail')
  await run('importResource')
  await run('createExperimentationItems', { items: [{ id: 'f-1', ...flag }] })
  const { response } = await run('submitInvoice', { externalId: 'prepared' })
  return JSON.parse(response?.text ?? '{}').invoiceId
}
