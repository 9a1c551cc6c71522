// A Vercel Marketplace in memory: checks each request against the operation's schema, and answers it from a store.

import { Refusal, type SandboxResponse } from './answer.ts'
import { readBody } from './body.ts'
import { handlers } from './handlers.ts'
import { fingerprint, type Records, recordsOf } from './records.ts'
import { matchRoute } from './route.ts'
import type { Store } from './store.ts'

/** A request to the sandbox. */
export interface SandboxRequest {
  readonly method: string
  /** The path of the request line, percent-encoded. */
  readonly path: string
  readonly authorization?: string | undefined
  readonly body?: string | undefined
}

/** A response with its headers. */
export interface SandboxAnswer extends SandboxResponse {
  readonly headers: Readonly<Record<string, string>>
}

/** The sandbox, apart from its transport. */
export interface Marketplace {
  /** Answers a request; never rejects because of the request. */
  readonly handle: (request: SandboxRequest) => Promise<SandboxAnswer>
}

/** What a marketplace needs. */
export interface MarketplaceOptions {
  readonly store: Store
  readonly now: () => Date
  /** Returns this number of random bytes. */
  readonly random: (bytes: number) => Buffer
}

/** Creates a marketplace with the state of a store. */
export function createMarketplace({ store, now, random }: MarketplaceOptions): Marketplace {
  const id = (prefix: string, bytes = 12) => `${prefix}_${random(bytes).toString('hex')}`

  async function answer({ method, path, authorization, body: text }: SandboxRequest): Promise<SandboxResponse> {
    const { operation, params } = matchRoute(method, path)
    const token = operation.anonymous ? undefined : bearer(authorization)
    const body = readBody(operation, text, now())
    // No `await` from here on, so that requests do not interleave.
    store.refresh()
    const records = recordsOf(store, params.integrationConfigurationId ?? '')
    try {
      if (isDeleted(records, now())) throw new Refusal(410, 'The installation has been deleted')
      if (token !== undefined) authorize(records, token)
      return handlers[operation.name]({ params, body, records, now: now(), id })
    } finally {
      store.flush()
    }
  }

  return {
    async handle(request) {
      const headers = { 'x-vercel-id': `sandbox1::${random(8).toString('hex')}`, date: now().toUTCString() }
      try {
        return { ...(await answer(request)), headers }
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        const { status, body } = error.answer
        return { status, ...(request.method !== 'HEAD' && { body }), headers }
      }
    },
  }
}

/** How long after its final invoice an installation still exists, unless it is finalized before. */
const maxFinalMs = 24 * 60 * 60 * 1000

function isDeleted(records: Records, now: Date): boolean {
  const announced = records.get<string>('deletion', 'announced')
  const isOver = announced !== undefined && now.getTime() - Date.parse(announced) >= maxFinalMs
  return isOver || records.get('deletion', 'done') === true
}

function bearer(authorization = ''): string {
  const [, token] = /^Bearer (\S+)$/i.exec(authorization) ?? []
  if (token === undefined) throw new Refusal(401, 'The authorization header is not "Bearer <token>"')
  return token
}

/** An installation accepts any token that was not revoked there. */
function authorize(records: Records, token: string): void {
  const print = fingerprint(token)
  const state = records.get<string>('credential', print)
  if (state === 'revoked') throw new Refusal(403, 'This token has been revoked')
  if (state === undefined) records.put('live', 'credential', print)
}
