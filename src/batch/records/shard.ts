// Shards: parts of a batch for jobs that share it. Every job assigns an installation to the same shard.

import { hash } from 'node:crypto'

export interface Shard {
  /** 1-based. */
  readonly index: number
  readonly count: number
}

/** Reads `2/4`. @returns undefined if the text is not a shard */
export function readShard(text: string): Shard | undefined {
  if (!/^[1-9]\d{0,5}\/[1-9]\d{0,5}$/.test(text)) return undefined
  const [index, count] = text.split('/').map(Number) as [number, number]
  return index <= count ? { index, count } : undefined
}

/** `2/4` */
export const formatShard = ({ index, count }: Shard): string => `${index}/${count}`

/**
 * Whether an installation belongs to a shard, by the first 48 bits of the SHA-256 of its id. The assignment must never
 * change, or a run that a later version resumes would skip installations.
 */
export const isInShard = ({ index, count }: Shard, installation: string): boolean =>
  count === 1 || Number.parseInt(hash('sha256', installation).slice(0, 12), 16) % count === index - 1
