// The rate limit as the headers `X-RateLimit-Limit`, `-Remaining` and `-Reset` of responses tell it.
// See https://vercel.com/docs/rest-api#rate-limits

import type { HttpResponse } from '../../http/transport.ts'
import { ServerClock } from './server-clock.ts'

/** When a request was sent and its response received, in epoch milliseconds. */
export interface ExchangeTimes {
  readonly sentAt: number
  readonly receivedAt: number
}

/** An installation that has used up its own limit. */
export interface UsedUpQuota {
  /** Our time at which its window ends, in epoch milliseconds. */
  readonly resetsAt: number
}

/** How many values of `Remaining` tell whether all installations share one limit. */
const minSeenValues = 4
const maxSeenValues = 256
/** How many requests others may send for each one of ours. */
const maxOthers = 4

/** Follows the window of a limit that all installations share, and finds out whether they do. */
export class Quota {
  readonly #clock = new ServerClock()
  #limit = Number.POSITIVE_INFINITY
  #remaining = Number.POSITIVE_INFINITY
  /** The highest `Remaining` so far: a bucket holds less than its limit per period. */
  #highest = 0
  /** The server's time at which the window ends, in epoch milliseconds. */
  #reset = Number.NEGATIVE_INFINITY
  /** The values of `Remaining` in this window, each with the installation that it was first seen with. */
  #values = new Map<number, string>()
  /** Values that several installations had. */
  #repeated = 0
  #isShared = false

  /** Whether all installations share one limit. */
  get isShared(): boolean {
    return this.#isShared
  }

  /**
   * Reads the headers of a response.
   *
   * @returns when the installation has used up a limit of its own
   */
  update(response: HttpResponse, installation: string, times: ExchangeTimes): UsedUpQuota | undefined {
    const { headers } = response
    const remaining = wholeNumber(headers['x-ratelimit-remaining'])
    if (remaining === undefined) return undefined
    this.#clock.update(headers.date, times.sentAt, times.receivedAt)
    const reset = epochMs(headers['x-ratelimit-reset'])
    if (reset === undefined || reset < this.#reset) return undefined
    const resetsAt = this.#clock.reaches(reset)
    // A response of a window that is over by now.
    if (resetsAt <= times.receivedAt) return undefined
    if (reset > this.#reset) {
      this.#reset = reset
      this.#remaining = remaining
      this.#values.clear()
      this.#repeated = 0
    }
    this.#compare(remaining, installation)
    this.#remaining = Math.min(this.#remaining, remaining)
    this.#highest = Math.max(this.#highest, remaining)
    this.#limit = wholeNumber(headers['x-ratelimit-limit']) ?? Number.POSITIVE_INFINITY
    return remaining === 0 && !this.isShared ? { resetsAt } : undefined
  }

  /**
   * When the next request may be sent, in epoch milliseconds.
   *
   * @param inFlight  requests that are on their way and may not be counted yet
   */
  readyAt(now: number, inFlight: number): number {
    if (!this.isShared) return now
    const resetsAt = this.#clock.reaches(this.#reset)
    const remaining = now < resetsAt ? this.#remaining : Math.min(this.#limit, this.#highest + 1)
    return inFlight < remaining ? now : resetsAt
  }

  /**
   * Compares the responses of a window. Those of a shared limit count down one number, so that each has another value and
   * few are missing; limits of their own repeat the same values.
   */
  #compare(remaining: number, installation: string): void {
    const owner = this.#values.get(remaining)
    if (owner === undefined && this.#values.size < maxSeenValues) this.#values.set(remaining, installation)
    else if (owner !== undefined && owner !== installation) this.#repeated++
    const count = this.#values.size
    if (this.#repeated > count / minSeenValues) this.#isShared = false
    else if (!this.#isShared) {
      const values = [...this.#values.keys()]
      const range = Math.max(...values) - Math.min(...values)
      this.#isShared = range <= count * (1 + maxOthers) && new Set(this.#values.values()).size >= minSeenValues
    }
  }
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined
}

/** Reads an epoch time in seconds; larger numbers are milliseconds or microseconds. A duration is not a time. */
function epochMs(text: string | undefined): number | undefined {
  const value = Number(text)
  if (!(value >= 1e9 && value < 1e17)) return undefined
  if (value < 1e11) return value * 1000
  return value < 1e14 ? value : value / 1000
}
