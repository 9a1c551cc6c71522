// What all tasks share: the context of the step, the connection to the API, delayed signals.

import type { Endpoint } from '../delivery/deliver.ts'
import type { Diagnostic } from '../failure.ts'
import type { Destination } from '../inputs/parse.ts'
import type { Operation } from '../operations/operation.ts'
import type { Identities } from '../payload/age-format.ts'
import type { Log } from '../report/log.ts'
import type { Clock, Runner, Runtime } from '../runtime.ts'
import type { Secrets } from '../secrets.ts'

/** The runtime of a step, with its log and its secrets. */
export interface StepContext {
  readonly env: NodeJS.ProcessEnv
  readonly cutProblem?: Runtime['cutProblem']
  /** Absolute path of the folder that relative paths start from. */
  readonly workspace: string
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  /** Aborted when the step is cancelled. */
  readonly signal: AbortSignal
  readonly takeLock: Runtime['takeLock']
  readonly runner: Runner
  readonly secrets: Secrets
  readonly log: Log
}

/**
 * Opens the connection to the API, or the sandbox.
 *
 * @param maxConnections  how many connections may be open at once; no limit by default
 */
export async function openEndpoint(
  destination: Destination,
  { env, clock }: Pick<StepContext, 'env' | 'clock'>,
  maxConnections?: number,
): Promise<Omit<Endpoint, 'token'>> {
  if (!destination.sandbox) {
    const { openNetwork } = await import('../http/network.ts')
    return {
      transport: openNetwork({ env, ...(maxConnections && { sockets: maxConnections }) }),
      baseUrl: destination.baseUrl,
    }
  }
  const { openSandbox, sandboxUrl } = await import('../sandbox/transport.ts')
  return { transport: openSandbox({ env, now: clock.now }), baseUrl: sandboxUrl }
}

/**
 * The identities of the input `tokens-key`.
 *
 * @throws {Failure} if it is not a key
 */
export const identitiesOf = async (text: string | undefined): Promise<Identities | undefined> =>
  text === undefined ? undefined : (await import('../payload/age-key.ts')).readAgeKey(text)

/** How long a request in flight may continue after a cancellation, because most responses arrive soon. */
export const requestGraceMs = 1000

/** A signal that is aborted `ms` milliseconds after another one. */
export function delayedSignal(signal: AbortSignal, ms: number): AbortSignal {
  const delayed = new AbortController()
  signal.addEventListener('abort', () => void setTimeout(() => delayed.abort(), ms).unref(), { once: true })
  return delayed.signal
}

/** The warning for a deprecated operation; empty for any other. */
export const deprecationWarnings = ({ sdkName, successor }: Operation): Diagnostic[] =>
  successor ? [{ message: `${sdkName} is deprecated: use ${successor}` }] : []
