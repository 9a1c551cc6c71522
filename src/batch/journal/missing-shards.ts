// Which shards of a batch have no journal.

import { readShard } from '../records/shard.ts'

export interface MissingShards {
  /** Into how many shards the batch was split. */
  readonly count: number
  /** How many of them have no journal. */
  readonly missing: number
  /** `2/4, 3/4`: ten at most, and a word for the rest. */
  readonly names: string
}

export const maxNamedShards = 10

/**
 * Finds the shards that have no journal. Journals of batches with different numbers of shards may be read together.
 *
 * @param shards  of the journals' headers
 */
export function findMissingShards(shards: readonly string[]): MissingShards[] {
  const found = new Map<number, Set<number>>()
  for (const text of shards) {
    const shard = readShard(text)
    if (shard) found.set(shard.count, (found.get(shard.count) ?? new Set()).add(shard.index))
  }
  return [...found].flatMap(([count, indexes]) => {
    const names: string[] = []
    for (let index = 1; index <= count && names.length < maxNamedShards; index++) {
      if (!indexes.has(index)) names.push(`${index}/${count}`)
    }
    const missing = count - indexes.size
    const others = missing > names.length ? ' and others' : ''
    return missing === 0 ? [] : [{ count, missing, names: `${names.join(', ')}${others}` }]
  })
}
