// What a request takes away that nobody can see: the secrets of a resource that it does not name.

import { countOf } from '../format.ts'
import type { MarketplaceRequest } from './request.ts'

const maxNames = 20

/** A sentence on the secrets that a request leaves as the only ones; undefined where it replaces none, or some. */
export function droppedSecretsWarning({ operation, params, body }: MarketplaceRequest): string | undefined {
  const change = body && operation.secretsOf?.(body)
  if (!change || change.partial === true) return undefined
  const names = change.secrets.map(({ name }) => name)
  const more = names.length - maxNames
  const list = names.slice(0, maxNames).join(', ') + (more > 0 ? ` and ${more} more` : '')
  const left = names.length === 0 ? 'none' : `${countOf(names.length, 'secret')}: ${list}`
  return `replacing all secrets of ${params.resourceId} by ${left}. Whatever else the resource has is dropped; Vercel does not show what that is`
}
