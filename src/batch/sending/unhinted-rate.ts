// The rate of a limit for which Vercel names no wait. Several processes may share it, and a 429 costs a short pause only.
// Additive increase and multiplicative decrease give each process the same share in the end.

import { minWindowMs } from './first-estimate.ts'
import { acceleration } from './growth.ts'
import type { LearnedRate } from './learned-rate.ts'

const decrease = 0.88
/** Per second, as a share of the first rate that was exceeded. */
const increase = 0.08

export class UnhintedRate implements LearnedRate {
  readonly holdMs = 2000
  #perMs: number
  readonly #additionPerMs: number
  #grownMs = 0

  /** @param exceededPerMs  the rate that met the limit, in requests per millisecond */
  constructor(exceededPerMs: number) {
    this.#perMs = exceededPerMs
    this.reduce()
    this.#additionPerMs = (this.#perMs * increase) / 1000
  }

  get perMs(): number {
    return this.#perMs
  }

  grow(ms: number): boolean {
    this.#perMs += this.#additionPerMs * ms * Math.max(1, acceleration(this.#grownMs) - 2)
    this.#grownMs += ms
    return false
  }

  reduce(): void {
    this.#perMs = Math.max(this.#perMs * decrease, 1 / minWindowMs)
    this.#grownMs = 0
  }
}
