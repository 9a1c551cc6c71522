// Requests of the operations' examples, and what it takes to deliver them to a sandbox server.

import { onTestFinished } from 'vitest'
import { prerequisites } from '../../scripts/examples.ts'
import type { DeliveryOptions } from '../../src/delivery/deliver.ts'
import { deliverAndReconcile } from '../../src/delivery/reconcile.ts'
import { openNetwork } from '../../src/http/network.ts'
import type { OperationName } from '../../src/operations/catalogue.ts'
import type { PathParameters } from '../../src/operations/definition.ts'
import type { MarketplaceRequest } from '../../src/operations/request.ts'
import { type SandboxServer, startSandboxServer } from '../../src/sandbox/server.ts'
import { openStore, type Store } from '../../src/sandbox/store.ts'
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
    limits: { maxAttempts: 4, attemptTimeoutMs: 30_000, retryTimeoutMs: 300_000 },
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

type Change = Parameters<Store['put']>

/** What the examples need, such as a resource and an invoice: changes of a store. Made once for all tests of a file. */
let preparation: Promise<{ readonly changes: readonly Change[]; readonly invoiceId: string }> | undefined

/** The invoice has another `externalId` than the example, so that the example can still be submitted. */
async function prepareExamples() {
  const changes: Change[] = []
  const store = openStore()
  const put = (...change: Change) => {
    changes.push(change)
    store.put(...change)
  }
  const server = await startSandboxServer({ store: { ...store, put } })
  let invoiceId = ''
  for (const name of prerequisites) {
    const options = optionsFor(
      await requestOf(name, {}, name === 'submitInvoice' ? { externalId: 'prepared' } : {}),
      server.url,
    )
    const { response, failure } = await deliverAndReconcile(options, 'fail')
    options.endpoint.transport.close()
    if (failure) throw failure
    if (name === 'submitInvoice') ({ invoiceId } = JSON.parse(response?.text ?? ''))
  }
  await server.close()
  return { changes, invoiceId }
}

/** Opens a store with what the examples need. @returns it with the id of the invoice */
export async function preparedStore(): Promise<{ readonly store: Store; readonly invoiceId: string }> {
  preparation ??= prepareExamples()
  const { changes, invoiceId } = await preparation
  const store = openStore()
  for (const change of changes) store.put(...change)
  return { store, invoiceId }
}

/** Starts a server with what the examples need, which is closed after the test. @returns it with the id of the invoice */
export async function startPreparedServer(): Promise<{ readonly server: SandboxServer; readonly invoiceId: string }> {
  const { store, invoiceId } = await preparedStore()
  const server = await startSandboxServer({ store })
  onTestFinished(server.close)
  return { server, invoiceId }
}
