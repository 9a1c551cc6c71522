// The sandbox in place of the network: `api-url: sandbox`.

import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { Transport } from '../http/transport.ts'
import { createMarketplace, type MarketplaceOptions } from './marketplace.ts'
import { openStore } from './store.ts'

export const sandboxUrl = 'https://sandbox.invalid'

/** What a job's steps do in the sandbox is kept here, in RUNNER_TEMP, which the runner empties before each job. */
export const stateFile = 'vercel-marketplace-sandbox.ndjson'

export interface SandboxOptions {
  readonly env: NodeJS.ProcessEnv
  readonly now: () => Date
  readonly random?: MarketplaceOptions['random']
}

export function openSandbox({ env, now, random = randomBytes }: SandboxOptions): Transport {
  const store = openStore(join(env.RUNNER_TEMP || tmpdir(), stateFile))
  const marketplace = createMarketplace({ store, now, random })
  return {
    async send({ method, url, headers, body: text }) {
      // As an answer over the network would, this lets signals and timers have their turn.
      await turn()
      const path = url.pathname + url.search
      const { authorization = headers.Authorization } = headers
      const { status, headers: others, body } = await marketplace.handle({ method, path, authorization, body: text })
      if (body === undefined) return { status, headers: others, text: '' }
      return { status, headers: { ...others, 'content-type': 'application/json' }, text: JSON.stringify(body) }
    },
    close: store.close,
  }
}
