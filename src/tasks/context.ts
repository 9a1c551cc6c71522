// What a task works with.

import type { Endpoint } from '../delivery/deliver.ts'
import type { Diagnostic } from '../failure.ts'
import type { Destination } from '../inputs/parse.ts'
import type { Operation } from '../operations/catalogue.ts'
import type { Log } from '../report/log.ts'
import type { Clock, Runner } from '../runtime.ts'
import type { Secrets } from '../secrets.ts'

export interface StepContext {
  readonly env: NodeJS.ProcessEnv
  readonly workspace: string
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  /** Aborted when the step is cancelled. */
  readonly signal: AbortSignal
  readonly runner: Runner
  readonly secrets: Secrets
  readonly log: Log
}

/**
 * Opens the connection to the API, or the sandbox in its place.
 *
 * @param sockets  how many connections may be open at once
 */
export async function openEndpoint(
  destination: Destination,
  { env, clock }: Pick<StepContext, 'env' | 'clock'>,
  sockets?: number,
): Promise<Omit<Endpoint, 'token'>> {
  if (!destination.sandbox) {
    const { openNetwork } = await import('../http/network.ts')
    return { transport: openNetwork({ env, ...(sockets && { sockets }) }), baseUrl: destination.baseUrl }
  }
  const { openSandbox, sandboxUrl } = await import('../sandbox/transport.ts')
  return { transport: openSandbox({ env, now: clock.now }), baseUrl: sandboxUrl }
}

/** A signal that follows another one `ms` milliseconds later. */
export function delayedSignal(signal: AbortSignal, ms: number): AbortSignal {
  const later = new AbortController()
  signal.addEventListener('abort', () => void setTimeout(() => later.abort(), ms).unref(), { once: true })
  return later.signal
}

/** The warning for a deprecated operation, if it is one. */
export const deprecationOf = ({ sdkName, successor }: Operation): Diagnostic[] =>
  successor ? [{ message: `${sdkName} is deprecated: use ${successor}` }] : []
