// How fast the learned rate of a limit grows.

/**
 * The factor by which the rate grows per second. Each limit that is found makes the growth slower: the first one doubles
 * the rate to find its magnitude, the last one stays close to the limit.
 */
const growthPerSecond = [2, 1.08, 1.01] as const
/** After this time of growth it is twice as fast, then three times, and so on. */
const accelerationMs = 5000
export const lastStage = growthPerSecond.length - 1
/** How long a rate is kept before it grows, in milliseconds, by stage. */
export const holdMs = [1000, 2000, 60_000] as const

export interface Growth {
  /** The index of a growth: each limit that is found leads to the next one. */
  readonly stage: number
  readonly ms: number
  /** For how long the rate has grown before. */
  readonly grownMs: number
}

/** The factor of a growth of `ms`. */
export function growthFactor({ stage, ms, grownMs }: Growth): number {
  const seconds = (ms / 1000) * (stage === lastStage ? acceleration(grownMs) : 1)
  return (growthPerSecond[stage] ?? 1) ** seconds
}

/** The longer no limit is found, the faster the rate grows. */
export const acceleration = (grownMs: number) => 1 + grownMs / accelerationMs
