// From an issued token to one in use: verify it, store it, and only then revoke the previous one.

import { type DeliveryOptions, deliver } from '../delivery/deliver.ts'
import { Failure } from '../failure.ts'
import { loadOperation } from '../operations/load.ts'
import type { MarketplaceRequest } from '../operations/request.ts'

/** Where a new token is stored. */
export interface TokenStore {
  /** As messages name it: `the secret NAME of octo-org/octo-repo`. */
  readonly label: string
  /** What to do if the token could not be stored: a sentence without its full stop. */
  readonly recoveryHint: string
  /** @throws {Error} if the token could not be stored, or if that is unknown */
  readonly save: (token: string) => Promise<void>
}

export interface RotationOptions {
  /** How the rotation was delivered: its request, and the endpoint with the previous token. */
  readonly rotation: DeliveryOptions
  /** The new token; undefined if the response had none. */
  readonly token: string | undefined
  readonly store: TokenStore
  readonly revokesPrevious: boolean
}

export interface RotationResult {
  /** The label of the store. */
  readonly storedIn: string
  readonly previousRevoked: boolean
}

/**
 * Verifies a new token, stores it, and revokes the previous one. Nothing unverified is stored, and nothing is revoked
 * before its successor is stored.
 *
 * @throws {Failure} if the new token could not be verified or stored, or the previous one could not be revoked; it says
 *                   which token works and what to do next
 */
export async function completeRotation(options: RotationOptions): Promise<RotationResult> {
  const { rotation, token, store, revokesPrevious } = options
  const { request, endpoint, log } = rotation
  const unchanged = `The current token still works, and ${store.label} was not changed`
  if (token === undefined || token === '') {
    throw new Failure('no_token', 'Vercel accepted the rotation, but the response contains no token', {
      hint: unchanged,
    })
  }
  if (token === endpoint.token) {
    throw new Failure('no_token', 'Vercel answered the rotation with the previous token', {
      hint: unchanged,
    })
  }
  const withNewToken = { ...endpoint, token }

  log.info('verifying the new token')
  const verification = await deliver({
    ...rotation,
    request: await requestFor('getAccountInfo', request),
    endpoint: withNewToken,
  })
  if (verification.failure) {
    throw withContext(
      verification.failure,
      'The new token was issued, but could not be verified',
      `${unchanged}. Run the step again, and let the token that was issued expire`,
    )
  }

  log.info(`storing the new token as ${store.label}`)
  try {
    await store.save(token)
  } catch (error) {
    throw withContext(
      error instanceof Failure ? error : new Failure('store_failed', (error as Error).message),
      `The new token was verified, but could not be stored as ${store.label}`,
      `Both tokens work, and nothing was revoked. ${store.recoveryHint}`,
    )
  }
  if (!revokesPrevious) return { storedIn: store.label, previousRevoked: false }

  log.info('revoking the previous token')
  const { clientId, clientSecret } = request.body ?? {}
  const body = { token: endpoint.token, clientId, clientSecret }
  const revocation = await deliver({
    ...rotation,
    request: await requestFor('revokeInstallationCredential', request, body),
    endpoint: withNewToken,
  })
  if (revocation.failure) {
    const state = revocation.outcomeUnknown ? 'may still be valid' : 'is still valid'
    throw withContext(
      revocation.failure,
      `The new token is verified and stored as ${store.label}, but the previous one could not be revoked`,
      `The new token works; the previous one ${state}: revoke it with revokeInstallationCredential`,
    )
  }
  return { storedIn: store.label, previousRevoked: true }
}

/** A request for the installation of another request. */
const requestFor = async (
  name: 'getAccountInfo' | 'revokeInstallationCredential',
  { params }: MarketplaceRequest,
  body?: MarketplaceRequest['body'],
): Promise<MarketplaceRequest> => ({ operation: await loadOperation(name), params, body, redacted: () => undefined })

/**
 * Adds to the failure of one call what it means for the rotation.
 *
 * @param context  what happened, for the message
 * @param state    which token works and what to do next, for the hint
 */
const withContext = (failure: Failure, context: string, state: string) =>
  failure.with({
    message: `${context}: ${failure.message}`,
    hint: failure.hint ? `${state}. ${failure.hint}` : state,
  })
