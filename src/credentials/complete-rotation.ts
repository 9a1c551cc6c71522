// From an issued credential to one that is in use: prove it, keep it, and only then retire the one before.

import { type DeliveryOptions, deliver } from '../delivery/deliver.ts'
import { Failure } from '../failure.ts'
import { findOperation, type Operation } from '../operations/catalogue.ts'
import type { MarketplaceRequest } from '../operations/request.ts'

/** Where a new token is kept. */
export interface TokenStore {
  /** For people: `the secret NAME of octo-org/octo-repo`. */
  readonly label: string
  /** What to do about a token that could not be kept. */
  readonly recoveryHint: string
  /** @throws {Error} where it could not be kept, or where that is not known */
  readonly save: (token: string) => Promise<void>
}

export interface RotationOptions {
  /** Of the rotation: its request, and the route with the token that it was made with. */
  readonly rotation: DeliveryOptions
  /** The new one; undefined where the response had none. */
  readonly token: string | undefined
  readonly store: TokenStore
  readonly revokesPrevious: boolean
}

/** How a succession ended well. */
export interface RotationResult {
  /** Where the new token is kept, for people. */
  readonly place: string
  readonly previousRevoked: boolean
}

/**
 * Puts a new token in the place of the one before. Nothing unproven is kept, and nothing is revoked before it is.
 *
 * @throws {Failure} that says which token works, and what is left to do
 */
export async function completeRotation({
  rotation,
  token,
  store: keeper,
  revokesPrevious,
}: RotationOptions): Promise<RotationResult> {
  const { request, endpoint: route, log } = rotation
  const { token: previous } = route
  const stays = `The present token goes on working, and ${keeper.label} was not touched`
  if (token === undefined || token === '') {
    throw new Failure('no_token', 'Vercel took the rotation, and its response has no token in it', { hint: stays })
  }
  if (token === previous) {
    throw new Failure('no_token', 'Vercel answered the rotation with the token that it was asked with', { hint: stays })
  }

  log.info('proving the new token')
  const proof = await deliver({
    ...rotation,
    request: requestOf('getAccountInfo', request),
    endpoint: { ...route, token },
  })
  if (proof.failure) {
    throw withContext(
      proof.failure,
      'The new token was issued, but could not be proven',
      `${stays}. Run the step again; the token that was issued can be left to expire`,
    )
  }

  log.info(`storing it as ${keeper.label}`)
  try {
    await keeper.save(token)
  } catch (error) {
    const failure = error instanceof Failure ? error : new Failure('store_failed', (error as Error).message)
    throw withContext(
      failure,
      `The new token was proven, but could not be stored as ${keeper.label}`,
      `Both tokens work, and nothing was revoked. ${keeper.recoveryHint}`,
    )
  }
  if (!revokesPrevious) return { place: keeper.label, previousRevoked: false }

  log.info('revoking the previous token')
  const { clientId, clientSecret } = request.body ?? {}
  const body = { token: previous, clientSecret, ...(clientId !== undefined && { clientId }) }
  const revocation = await deliver({
    ...rotation,
    request: requestOf('revokeInstallationCredential', request, body),
    endpoint: { ...route, token },
  })
  if (revocation.failure) {
    const left = revocation.outcomeUnknown ? 'may still be live' : 'is still live'
    throw withContext(
      revocation.failure,
      `The new token is proven and stored as ${keeper.label}, but the previous one could not be revoked`,
      `The new token works; the previous one ${left}: revoke it with revokeInstallationCredential`,
    )
  }
  return { place: keeper.label, previousRevoked: true }
}

const requestOf = (
  name: 'getAccountInfo' | 'revokeInstallationCredential',
  { params }: MarketplaceRequest,
  body?: MarketplaceRequest['body'],
): MarketplaceRequest => ({ operation: findOperation(name) as Operation, params, body, redacted: () => undefined })

/** A failure within the chain, told by what it means for the whole of it. */
const withContext = ({ code, message, hint, cause }: Failure, sentence: string, state: string) =>
  new Failure(code, `${sentence}: ${message}`, { hint: hint ? `${state}. ${hint}` : state, cause })
