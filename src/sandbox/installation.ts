// The installation and its records in the store.

import { createHash } from 'node:crypto'
import type { Store } from './store.ts'

export type Credentials = Record<string, 'live' | 'revoked'>

/** Secrets are remembered by their hash alone: enough to know one again. */
export const fingerprint = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** The records of one installation. Ids are percent-encoded, so that none reaches into another's. */
export function recordsOf(store: Store, id: string) {
  const key = (kind: string, ...ids: string[]) => [kind, id, ...ids].map(encodeURIComponent).join('/')
  return {
    id,
    get: <T>(kind: string, ...ids: string[]) => store.get(key(kind, ...ids)) as T | undefined,
    put: (value: unknown, kind: string, ...ids: string[]) => store.put(key(kind, ...ids), value),
  }
}

export type Records = ReturnType<typeof recordsOf>

export const credentialsOf = (records: Records): Credentials => records.get<Credentials>('credentials') ?? {}
