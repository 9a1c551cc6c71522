// Measures whether the event loop is saturated.

import { performance } from 'node:perf_hooks'

/** The event loop is saturated if it is active for more than this share of the time. */
const saturatedShare = 0.9
/** How many checks share one measurement, because a measurement takes time too. */
const checksPerSample = 64

/** Tells whether the process has no time to spare, so that writes are shared between records. */
export class EventLoopMonitor {
  readonly #sampleShare: () => number
  #checks = 0
  #isSaturated = false

  /** @param sampleShare  returns the share of the time since its last call that the event loop was active, from 0 to 1 */
  constructor(sampleShare: () => number = eventLoopSampler()) {
    this.#sampleShare = sampleShare
  }

  /** Whether the event loop was active nearly all the time during the last measurement. */
  isSaturated(): boolean {
    this.#checks++
    if (this.#checks % checksPerSample === 0) this.#isSaturated = this.#sampleShare() > saturatedShare
    return this.#isSaturated
  }
}

function eventLoopSampler(): () => number {
  let previous = performance.eventLoopUtilization()
  return () => {
    const current = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(current, previous)
    previous = current
    return utilization
  }
}
