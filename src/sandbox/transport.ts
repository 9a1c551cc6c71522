// The sandbox in place of the network: `api-url: sandbox`.

import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Transport } from '../delivery/transport.ts'
import { createMarketplace } from './marketplace.ts'
import { openStore } from './store.ts'

export const sandboxUrl = 'https://sandbox.invalid'

/** What a job's steps do in the sandbox is kept here, in RUNNER_TEMP, which the runner empties before each job. */
export const stateFile = 'vercel-marketplace-sandbox.ndjson'

export function openSandbox({ env, now }: { env: NodeJS.ProcessEnv; now: () => Date }): Transport {
  const store = openStore(join(env.RUNNER_TEMP || tmpdir(), stateFile))
  const marketplace = createMarketplace({ store, now, random: randomBytes })
  return {
    async send({ method, url, headers, body }) {
      const { authorization } = headers
      const answer = await marketplace.handle({ method, path: url.pathname, authorization, body })
      const isEmpty = answer.body === undefined || method === 'HEAD'
      return {
        status: answer.status,
        headers: { ...answer.headers, ...(!isEmpty && { 'content-type': 'application/json' }) },
        text: isEmpty ? '' : JSON.stringify(answer.body),
      }
    },
    close: store.close,
  }
}
