// A sandbox with its own clock and randomness.

import { createMarketplace, type SandboxAnswer } from '../../src/sandbox/marketplace.ts'
import { openStore, type Store } from '../../src/sandbox/store.ts'

export const icfg = '/v1/installations/icfg_1'
export const token = 'installation-token-1'

export interface Ask {
  readonly body?: unknown
  /** `null` sends no token. */
  readonly token?: string | null
}

// biome-ignore lint/suspicious/noExplicitAny: tests read responses of every type
export type Told = Omit<SandboxAnswer, 'body'> & { readonly body?: any }

export function openTestSandbox(store: Store = openStore()) {
  const clock = { now: new Date('2025-02-01T12:00:00Z') }
  let dice = 0
  const random = (bytes: number) => Buffer.alloc(bytes, ++dice)
  const marketplace = createMarketplace({ store, now: () => clock.now, random })
  const ask = (method: string, path: string, { body, token: by = token }: Ask = {}): Promise<Told> =>
    marketplace.handle({
      method,
      path,
      ...(by !== null && { authorization: `Bearer ${by}` }),
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
  return { ask, clock, marketplace }
}

export const item = {
  billingPlanId: 'pro',
  name: 'Storage',
  price: '1.00',
  quantity: 3,
  units: 'GB',
  total: '3.00',
}

export const invoice = {
  invoiceDate: '2025-01-31T00:00:00Z',
  period: { start: '2025-01-01T00:00:00Z', end: '2025-01-31T00:00:00Z' },
  items: [item],
}

export const resource = { productId: 'pg', name: 'orders', status: 'ready' }

export const client = { client_id: 'oac_1', client_secret: 'client-secret-1' }
