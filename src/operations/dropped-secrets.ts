// Warns that a request deletes the secrets of a resource that it does not name.

import { countOf, quote } from '../format.ts'
import type { MarketplaceRequest } from './request.ts'

/** At most this many secrets are named. */
const maxNames = 20

/** A sentence about the secrets that a request leaves; undefined if it does not replace all secrets of a resource. */
export function droppedSecretsWarning({ operation, params, body }: MarketplaceRequest): string | undefined {
  const change = body && operation.secretsOf?.(body)
  if (!change || change.partial === true) return undefined
  const names = change.secrets.map(({ name }) => name)
  const more = names.length - maxNames
  const list = names.slice(0, maxNames).map(visibleName).join(', ') + (more > 0 ? ` and ${more} more` : '')
  const left = names.length === 0 ? 'none' : `${countOf(names.length, 'secret')}: ${list}`
  return `replacing all secrets of ${params.resourceId} with ${left}. Every other secret of the resource is deleted; Vercel does not say which ones`
}

/** A name of a secret; quoted if it is unusual, because any text can be one. */
const visibleName = (name: string) => (/^[\w.-]{1,60}$/.test(name) ? name : quote(name))
