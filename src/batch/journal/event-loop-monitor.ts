// Whether the process has any time to spare.

import { performance } from 'node:perf_hooks'

/** The share of its time that a busy event loop is at work. */
const saturatedShare = 0.9
/** How many questions one look at the loop answers: a look takes its time too. */
const checksPerSample = 64

export class EventLoopMonitor {
  readonly #share: () => number
  #asked = 0
  #isSaturated = false

  /** @param share  how much of the time since it was asked before the event loop was at work, from 0 to 1 */
  constructor(share: () => number = sampleLoop()) {
    this.#share = share
  }

  /** Whether it was at work nearly all the time of late. */
  isSaturated(): boolean {
    this.#asked++
    if (this.#asked % checksPerSample === 0) this.#isSaturated = this.#share() > saturatedShare
    return this.#isSaturated
  }
}

function sampleLoop(): () => number {
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return utilization
  }
}
