// Where a rotation stores the new token of an installation.

import type { TokenStore } from '../credentials/complete-rotation.ts'
import { gitHubApiUrl } from '../credentials/github-api-url.ts'
import type { Transport } from '../http/transport.ts'
import type { RequestInputs } from '../inputs/read.ts'
import { delayedSignal, requestGraceMs, type StepContext } from './context.ts'

/**
 * Opens the store for the new token.
 *
 * @throws {Failure} if it is not accessible, so that the rotation does not begin
 */
export async function openTokenStore(
  store: NonNullable<RequestInputs['store']>,
  transport: Transport,
  { destination, limits }: RequestInputs,
  { env, clock, random, signal, log }: StepContext,
): Promise<TokenStore> {
  if (destination.sandbox) {
    // A token of the sandbox must not replace a real one.
    const label = `the secret ${store.name} (in the sandbox nothing is stored)`
    return { label, recoveryHint: '', save: async () => {} }
  }
  // Before the import: @actions/github reads the same variable as it is loaded, and fails if it is not a URL.
  const apiUrl = gitHubApiUrl(env)
  const { openSecret } = await import('../credentials/github-secret.ts')
  const secret = openSecret({
    place: {
      name: store.name,
      repository: store.repository,
      environment: store.environment,
      organization: store.organization,
    },
    token: store.githubToken,
    apiUrl,
    transport,
    limits,
    clock,
    random,
    signal,
    abort: delayedSignal(signal, requestGraceMs),
    log,
  })
  await secret.verifyAccess()
  return secret
}
