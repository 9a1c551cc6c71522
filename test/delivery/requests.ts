// Requests of the operations' examples, and what it takes to deliver them to a sandbox server.

import { prerequisites } from '../../scripts/examples.ts'
import type { DeliveryOptions } from '../../src/delivery/deliver.ts'
import { deliverAndReconcile } from '../../src/delivery/reconcile.ts'
import { openNetwork } from '../../src/http/network.ts'
import type { OperationName } from '../../src/operations/catalogue.ts'
import type { PathParameters } from '../../src/operations/definition.ts'
import type { MarketplaceRequest } from '../../src/operations/request.ts'
import type { SandboxServer } from '../../src/sandbox/server.ts'
import { exampleRequest } from '../example-payloads.ts'

/** The request of an operation's example, with other path parameters and other fields of the body. */
export const requestOf = async (
  name: OperationName,
  ids: PathParameters = {},
  changes: object = {},
): Promise<MarketplaceRequest> => exampleRequest(name, { ids, changes })

/** Options to deliver a request to a server. The clock advances by each wait; no wait takes real time. */
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

/**
 * Creates what the examples need, such as a resource and an invoice. The invoice has another `externalId` than the
 * example, so that the example can still be submitted.
 *
 * @returns the id of the invoice
 */
export async function prepare({ url }: SandboxServer): Promise<string> {
  let invoiceId = ''
  for (const name of prerequisites) {
    const changes = name === 'submitInvoice' ? { externalId: 'prepared' } : {}
    const options = optionsFor(await requestOf(name, {}, changes), url)
    const { response, failure } = await deliverAndReconcile(options, 'fail')
    if (failure) throw failure
    if (name === 'submitInvoice') ({ invoiceId } = JSON.parse(response?.text ?? ''))
  }
  return invoiceId
}
