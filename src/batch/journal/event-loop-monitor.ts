// Whether the process has any time to spare.

import { performance } from 'node:perf_hooks'

/** The share of its time that a busy event loop is at work. */
const high = 0.9
/** How many questions one look at the loop answers: a look takes its time too. */
const stride = 64

export class Load {
  readonly #share: () => number
  #asked = 0
  #isHigh = false

  /** @param share  how much of the time since it was asked before the event loop was at work, from 0 to 1 */
  constructor(share: () => number = shareOfLoop()) {
    this.#share = share
  }

  /** Whether it was at work nearly all the time of late. */
  isHigh(): boolean {
    this.#asked++
    if (this.#asked % stride === 0) this.#isHigh = this.#share() > high
    return this.#isHigh
  }
}

function shareOfLoop(): () => number {
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return utilization
  }
}
