// The public key to which a GitHub secret is encrypted.

import { Failure } from '../failure.ts'
import { isObject } from '../payload/schema.ts'

export interface PublicKey {
  /** Base64. */
  readonly key: string
  readonly key_id: string
}

/** The length of a key of Curve25519. */
const keyBytes = 32

/**
 * Reads GitHub's response.
 *
 * @param route  of the call, for the message
 * @throws {Failure} if it has no key, such as the page of a proxy
 */
export function publicKeyIn(data: unknown, route: string): PublicKey {
  if (isObject(data)) {
    const { key, key_id } = data
    if (typeof key_id === 'string' && typeof key === 'string' && Buffer.from(key, 'base64').length === keyBytes) {
      return { key, key_id }
    }
  }
  throw new Failure('github_refused', `The response to ${route} has no public key, so it is not one of GitHub's API`, {
    hint: "Check the proxy and the address of GitHub's API (GITHUB_API_URL), then run the step again",
  })
}
