// The records of one installation in the store.

import { createHash } from 'node:crypto'
import type { Store } from './store.ts'

/** The SHA-256 hash of a secret: the store keeps only hashes, which are enough to recognise a secret. */
export const fingerprint = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** The stored records of one installation. */
export interface Records {
  /** The id of the installation. */
  readonly id: string
  readonly get: <T>(kind: Kind, ...ids: Ids) => T | undefined
  /** The records of a kind by name; for kinds that belong to a resource, only those of that resource. */
  readonly list: <T>(kind: Kind, ...owners: string[]) => ReadonlyMap<string, T>
  readonly put: (value: unknown, kind: Kind, ...ids: Ids) => void
  readonly remove: (kind: Kind, ...ids: Ids) => void
}

type Kind = 'deletion' | 'credential' | 'code' | 'invoice' | 'externalId' | 'resource' | 'item' | 'config'
/** The names of the owners, then the record's own name. */
type Ids = [...owners: string[], name: string]

/** The records of an installation. Each kind has a bucket; ids in its name are percent-encoded, so that names cannot collide. */
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
