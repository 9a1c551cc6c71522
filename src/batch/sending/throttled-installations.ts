// The installations that a rate limit of their own holds back.

import type { AcceptedSample, ThrottledWait } from './first-estimate.ts'
import { PacedRate } from './paced-rate.ts'

interface ThrottledInstallation {
  readonly rate: PacedRate
  /** When the first 429 since the last success came. */
  throttledSince: number | undefined
  /** 429s since the last success. */
  inRow: number
  /** Whether it succeeded after a 429: then the limit is a rate that can be learned. */
  isRate: boolean
}

/** A 429 for one installation. Times are those of a monotonic clock, in milliseconds. */
export interface InstallationThrottled {
  readonly now: number
  /** When the request was sent. */
  readonly sentAt: number
  readonly wait: ThrottledWait
  /** What got through before. */
  readonly sample: AcceptedSample
  /** Whether it sent so much that its limit is a rate. */
  readonly isRate: boolean
}

/** How many installations are remembered. Of those that are not throttled now, the oldest is forgotten first. */
const maxRemembered = 5000

export class ThrottledInstallations {
  readonly #all = new Map<string, ThrottledInstallation>()

  /** When the next request of the installation may be sent. */
  readyAt(installation: string, now: number): number {
    return this.#all.get(installation)?.rate.readyAt(now) ?? now
  }

  /** When the first 429 since the last success came. */
  throttledSince(installation: string): number | undefined {
    return this.#all.get(installation)?.throttledSince
  }

  /** How many 429s came in a row. */
  throttledInRow(installation: string): number {
    return this.#all.get(installation)?.inRow ?? 0
  }

  /** Whether it was throttled alone before. */
  wasThrottled(installation: string): boolean {
    const found = this.#all.get(installation)
    return found !== undefined && (found.isRate || found.inRow > 0)
  }

  /** Counts a request that is sent. */
  take(installation: string, now: number): void {
    this.#all.get(installation)?.rate.take(now)
  }

  onAccepted(installation: string, now: number, sentAt: number): void {
    const found = this.#all.get(installation)
    if (!found) return
    found.rate.onAccepted(now, sentAt)
    found.isRate ||= found.inRow > 0
    found.throttledSince = undefined
    found.inRow = 0
  }

  /** Holds an installation back until its quota is reset. */
  pause(installation: string, now: number, waitMs: number): void {
    this.#remember(installation).rate.pause(now, waitMs)
  }

  onThrottled(installation: string, { now, sentAt, wait, sample, isRate }: InstallationThrottled): void {
    const found = this.#remember(installation)
    if (found.isRate || isRate) found.rate.onThrottled(now, sentAt, wait, sample)
    else found.rate.pause(now, wait.waitMs)
    found.throttledSince ??= now
    found.inRow++
  }

  #remember(installation: string): ThrottledInstallation {
    const found = this.#all.get(installation)
    const entry = found ?? {
      rate: new PacedRate(1),
      throttledSince: undefined,
      inRow: 0,
      isRate: false,
    }
    // The newest is last.
    this.#all.delete(installation)
    this.#all.set(installation, entry)
    if (this.#all.size > maxRemembered) this.#forgetOldest()
    return entry
  }

  #forgetOldest(): void {
    for (const [installation, { inRow }] of this.#all) {
      if (inRow > 0) continue
      this.#all.delete(installation)
      return
    }
  }
}
