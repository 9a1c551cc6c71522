// From an issued credential to one that is in use: prove it, keep it, and only then retire the one before.

import { type DeliveryOptions, deliver } from '../delivery/deliver.ts'
import { Failure } from '../failure.ts'
import { findOperation, type Operation } from '../operations/catalogue.ts'
import type { MarketplaceRequest } from '../operations/request.ts'

/** Where a new token is kept. */
export interface Keeper {
  /** For people: `the secret NAME of octo-org/octo-repo`. */
  readonly place: string
  /** What to do about a token that could not be kept. */
  readonly otherwise: string
  /** @throws {Error} where it could not be kept, or where that is not known */
  readonly keep: (token: string) => Promise<void>
}

export interface Succession {
  /** Of the rotation: its request, and the route with the token that it was made with. */
  readonly rotation: DeliveryOptions
  /** The new one; undefined where the answer had none. */
  readonly token: string | undefined
  readonly keeper: Keeper
  readonly revokesPrevious: boolean
}

/** How a succession ended well. */
export interface Succeeded {
  /** Where the new token is kept, for people. */
  readonly place: string
  readonly previousRevoked: boolean
}

/**
 * Puts a new token in the place of the one before. Nothing unproven is kept, and nothing is revoked before it is.
 *
 * @throws {Failure} that says which token works, and what is left to do
 */
export async function succeed({ rotation, token, keeper, revokesPrevious }: Succession): Promise<Succeeded> {
  const { request, route, log } = rotation
  const { token: previous } = route
  const stays = `The present token goes on working, and ${keeper.place} was not touched`
  if (token === undefined || token === '') {
    throw new Failure('no_token', 'Vercel took the rotation, and its answer has no token in it', { hint: stays })
  }
  if (token === previous) {
    throw new Failure('no_token', 'Vercel answered the rotation with the token that it was asked with', { hint: stays })
  }

  log.info('proving the new token')
  const proof = await deliver({
    ...rotation,
    request: requestOf('getAccountInfo', request),
    route: { ...route, token },
  })
  if (proof.failure) {
    throw following(
      proof.failure,
      'The new token was issued, but could not be proven',
      `${stays}. Run the step again; the token that was issued can be left to expire`,
    )
  }

  log.info(`storing it as ${keeper.place}`)
  try {
    await keeper.keep(token)
  } catch (error) {
    const failure = error instanceof Failure ? error : new Failure('store_failed', (error as Error).message)
    throw following(
      failure,
      `The new token was proven, but could not be stored as ${keeper.place}`,
      `Both tokens work, and nothing was revoked. ${keeper.otherwise}`,
    )
  }
  if (!revokesPrevious) return { place: keeper.place, previousRevoked: false }

  log.info('revoking the previous token')
  const { clientId, clientSecret } = request.body ?? {}
  const body = { token: previous, clientSecret, ...(clientId !== undefined && { clientId }) }
  const revocation = await deliver({
    ...rotation,
    request: requestOf('revokeInstallationCredential', request, body),
    route: { ...route, token },
  })
  if (revocation.failure) {
    const left = revocation.unclear ? 'may still be live' : 'is still live'
    throw following(
      revocation.failure,
      `The new token is proven and stored as ${keeper.place}, but the previous one could not be revoked`,
      `The new token works; the previous one ${left}: revoke it with revokeInstallationCredential`,
    )
  }
  return { place: keeper.place, previousRevoked: true }
}

const requestOf = (
  name: 'getAccountInfo' | 'revokeInstallationCredential',
  { params }: MarketplaceRequest,
  body?: MarketplaceRequest['body'],
): MarketplaceRequest => ({ operation: findOperation(name) as Operation, params, body, shown: () => undefined })

/** A failure within the chain, told by what it means for the whole of it. */
const following = ({ code, message, hint, cause }: Failure, sentence: string, state: string) =>
  new Failure(code, `${sentence}: ${message}`, { hint: hint ? `${state}. ${hint}` : state, cause })
