// The records of one installation in the store.

import { createHash } from 'node:crypto'
import type { Store } from './store.ts'

/** Secrets are remembered by their hash alone: enough to know one again. */
export const fingerprint = (secret: string): string => createHash('sha256').update(secret).digest('hex')

export interface Records {
  /** The installation's. */
  readonly id: string
  readonly get: <T>(kind: Kind, ...ids: Ids) => T | undefined
  /** By name; for kinds that belong to a resource, those of that resource. */
  readonly list: <T>(kind: Kind, ...owners: string[]) => ReadonlyMap<string, T>
  readonly put: (value: unknown, kind: Kind, ...ids: Ids) => void
  readonly remove: (kind: Kind, ...ids: Ids) => void
}

type Kind = 'credential' | 'code' | 'invoice' | 'externalId' | 'resource' | 'item' | 'config'
/** The record's own name last, behind those that it belongs to. */
type Ids = [...owners: string[], name: string]

/** Each kind has a bucket of its own. Ids are percent-encoded in its name, so that none reaches into another's. */
export function recordsOf(store: Store, id: string): Records {
  const bucketOf = (kind: Kind, owners: readonly string[]) => [kind, id, ...owners].map(encodeURIComponent).join('/')
  const place = (kind: Kind, ids: Ids): [bucket: string, name: string] => [
    bucketOf(kind, ids.slice(0, -1)),
    ids.at(-1) as string,
  ]
  return {
    id,
    get: <T>(kind: Kind, ...ids: Ids) => store.get(...place(kind, ids)) as T | undefined,
    list: <T>(kind: Kind, ...owners: string[]) => store.list(bucketOf(kind, owners)) as ReadonlyMap<string, T>,
    put: (value, kind, ...ids) => store.put(...place(kind, ids), value),
    remove: (kind, ...ids) => store.put(...place(kind, ids), null),
  }
}
