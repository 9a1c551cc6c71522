// The rate of a limit for which Vercel names the wait: it goes back to what was safe, and grows carefully from there.

import { type AcceptedSample, type FirstEstimate, margin, minWindowMs } from './first-estimate.ts'
import { growthFactor, holdMs, lastStage } from './growth.ts'
import type { ExceededRate, LearnedRate } from './learned-rate.ts'

/** A rate that lasted this long without a 429 is safe. */
const verifiedMs = 2000
/** If the limit is exceeded after growing for less than this, the rate before was close to it. */
const closeMs = 1000
/** The least reduction of a rate; one that was too high without having grown is reduced by several of them. */
const wrongFactor = 0.98
/** A rate that was kept for this number of windows is exceeded by jitter only. */
const provenWindows = 5
/** No less than this share of what got through in the last second or two. */
const minAcceptedShare = 0.9
/** How much above the last known limit the rate must be to count as another limit. */
const raisedFactor = 1.1

export class SafeRate implements LearnedRate {
  #perMs: number
  #holdMs: number
  #growthStage: number
  /** The rate at which the limit was last exceeded. */
  #exceededPerMs = Number.POSITIVE_INFINITY
  /** For how long the rate has grown since it was last reduced. */
  #grownMs = 0
  /** How often the rate was reduced without having grown in between. */
  #wrongInRow = 0
  /** Whether the limit is known to be a bucket. */
  #isBucket = false

  /** @param growthStage  the index of a growth: 0 doubles the rate per second */
  constructor(perMs: number, growthStage: number) {
    this.#perMs = perMs
    this.#growthStage = growthStage
    this.#holdMs = holdMs[growthStage] as number
  }

  get perMs(): number {
    return this.#perMs
  }

  get holdMs(): number {
    return this.#holdMs
  }

  /** Follows the first estimate. The rate of a window is known well, so that it grows slowly at once. */
  follow({ perMs, isWindow }: Pick<FirstEstimate, 'perMs' | 'isWindow'>): void {
    this.#perMs = perMs
    this.#isBucket = isWindow === false
    if (isWindow) this.#setStage(lastStage)
  }

  grow(ms: number): boolean {
    this.#perMs *= this.#growth(ms)
    this.#grownMs += ms
    if (this.#growthStage > 0 && this.#perMs > raisedFactor * this.#exceededPerMs) {
      this.#growthStage--
      this.#exceededPerMs = this.#perMs
    }
    return false
  }

  /** Goes back to a rate that was not too high, and grows more slowly from there. */
  reduce({ wait: { waitMs }, sample, keptMs }: ExceededRate): void {
    const windowMs = Math.max(minWindowMs, waitMs)
    this.#exceededPerMs = this.#perMs
    const reduced = Math.min(
      Math.max(this.#verifiedPerMs(), this.#perMs / 2),
      this.#perMs * wrongFactor ** this.#steps(keptMs >= provenWindows * windowMs),
    )
    const accepted = Math.min(acceptedPerMs(sample) * minAcceptedShare, this.#perMs * wrongFactor)
    // After each pause one request may be sent anyway.
    this.#perMs = Math.max(reduced, accepted, 1 / windowMs)
    this.#growMoreSlowly()
    this.#grownMs = 0
  }

  /** By how many steps the rate is reduced. One that is exceeded without having grown was wrong, and more so each time. */
  #steps(isProven: boolean): number {
    const hasGrown = this.#grownMs > 0
    this.#wrongInRow = hasGrown || isProven ? 0 : this.#wrongInRow + 1
    return isProven && !hasGrown ? 2 : 4 * 2 ** Math.min(2, this.#wrongInRow)
  }

  /** The rate of two seconds ago, which no 429 has contradicted. */
  #verifiedPerMs(): number {
    const before = this.#perMs / this.#growth(Math.min(this.#grownMs, verifiedMs))
    return this.#grownMs > verifiedMs ? before * margin : before
  }

  /** A failed increase costs a pause, so that the next one comes later and is slower. */
  #growMoreSlowly(): void {
    if (this.#growthStage === lastStage) return
    // The first rate was close to the limit if doubling it failed at once.
    this.#setStage(this.#grownMs < closeMs && !this.#isBucket ? lastStage : this.#growthStage + 1)
  }

  #setStage(stage: number): void {
    this.#growthStage = stage
    this.#holdMs = holdMs[stage] as number
  }

  /** The factor of a growth of `ms`. */
  #growth(ms: number): number {
    return growthFactor({ stage: this.#growthStage, ms, grownMs: this.#grownMs })
  }
}

/** How much got through; 0 if that was measured for less than a second. */
const acceptedPerMs = ({ count, spanMs }: AcceptedSample) => (spanMs < minWindowMs ? 0 : count / spanMs)
