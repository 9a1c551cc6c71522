// The transport of the sandbox, in place of the network: `api-url: sandbox`.

import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as yieldTurn } from 'node:timers/promises'
import type { Transport } from '../http/transport.ts'
import { createMarketplace, type MarketplaceOptions } from './marketplace.ts'
import { openStore } from './store.ts'

/** The base URL of requests to the sandbox; the domain never resolves. */
export const sandboxUrl = 'https://sandbox.invalid'

/**
 * The state that the steps of a job share, in RUNNER_TEMP, which the runner empties before each job.
 * See https://docs.github.com/actions/reference/workflows-and-actions/variables
 */
export const stateFile = 'vercel-marketplace-sandbox.ndjson'

/** What a sandbox needs from the process. */
export interface SandboxOptions {
  readonly env: NodeJS.ProcessEnv
  readonly now: () => Date
  readonly random?: MarketplaceOptions['random']
}

/** Opens the sandbox of a job. */
export function openSandbox({ env, now, random = randomBytes }: SandboxOptions): Transport {
  const store = openStore(join(env.RUNNER_TEMP || tmpdir(), stateFile))
  const marketplace = createMarketplace({ store, now, random })
  return {
    async send({ method, url, headers, body: text }) {
      // Yield to signals and timers, as a request over the network does.
      await yieldTurn()
      const path = url.pathname + url.search
      const { authorization = headers.Authorization } = headers
      const { status, headers: others, body } = await marketplace.handle({ method, path, authorization, body: text })
      if (body === undefined) return { status, headers: others, text: '' }
      return { status, headers: { ...others, 'content-type': 'application/json' }, text: JSON.stringify(body) }
    },
    close: store.close,
  }
}
