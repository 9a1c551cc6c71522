// A part of a batch, for jobs that share one: each installation belongs to one of n parts, whoever asks.

import { hash } from 'node:crypto'

export interface Shard {
  /** 1-based. */
  readonly index: number
  readonly count: number
}

/** `2/4`; undefined where the text is no shard. */
export function readShard(text: string): Shard | undefined {
  const [, index, count] = /^([1-9]\d{0,5})\/([1-9]\d{0,5})$/.exec(text)?.map(Number) ?? []
  return index !== undefined && count !== undefined && index <= count ? { index, count } : undefined
}

export const formatShard = ({ index, count }: Shard): string => `${index}/${count}`

/**
 * Whether an installation belongs to a part: by the first 48 bits of the SHA-256 of its id. It must never change, or a
 * run that is resumed by a later version would leave installations out.
 */
export const isInShard = ({ index, count }: Shard, installation: string): boolean =>
  count === 1 || Number.parseInt(hash('sha256', installation).slice(0, 12), 16) % count === index - 1
