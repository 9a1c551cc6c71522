// Finds out whose rate limit a 429 is: that of one installation, or one that all share.

/** With a wait of up to this many milliseconds, pausing all requests by mistake costs little. */
const maxShortWaitMs = 2000
/** How many installations must be throttled in a row, with no other response between. */
const minShortWaitRow = 3
const minLongWaitRow = 8
/** How many responses are looked at, and how many of them must be the first 429 of an installation. */
const recentResponses = 32
const minRecentThrottled = 3
const minThrottledShare = 0.1

/** Whose limit a 429 is. */
export type Scope = 'installation' | 'partly-shared' | 'shared'

export interface ThrottledFacts {
  readonly waitMs: number
  /** Whether the installation was throttled alone before. */
  readonly wasAlone: boolean
  /** Whether a shared limit was found before. */
  readonly isPaced: boolean
  /** Whether no other installation had more requests in the last second. */
  readonly isBusiest: boolean
}

export class ThrottleScope {
  /** The installations that were throttled since the last other response. */
  readonly #row = new Set<string>()
  /** Of the last responses: the installation if it was throttled, and was not throttled alone before. */
  #recent: (string | undefined)[] = []

  /** Whether the last response was a 429, so that the next one tells whose limit it is. */
  get isInDoubt(): boolean {
    return this.#row.size > 0
  }

  onAccepted(): void {
    this.#row.clear()
    this.#push(undefined)
  }

  /**
   * Handles a 429.
   *
   * @returns `shared` if all installations are throttled, `partly-shared` if several are while others are not
   */
  onThrottled(installation: string, { waitMs, wasAlone, isPaced, isBusiest }: ThrottledFacts): Scope {
    if (isBusiest) return 'installation'
    this.#row.add(installation)
    this.#push(wasAlone ? undefined : installation)
    const isShort = waitMs <= maxShortWaitMs
    if (this.#row.size >= (isShort ? minShortWaitRow : minLongWaitRow)) {
      this.#row.clear()
      return 'shared'
    }
    if (!isPaced || !isShort) return 'installation'
    const throttled = this.#recent.filter((entry) => entry !== undefined)
    const since = this.#recent.length - this.#recent.findIndex((entry) => entry !== undefined)
    const isShared = new Set(throttled).size >= minRecentThrottled && throttled.length >= minThrottledShare * since
    return isShared ? 'partly-shared' : 'installation'
  }

  #push(entry: string | undefined): void {
    this.#recent.push(entry)
    if (this.#recent.length > recentResponses) this.#recent.shift()
  }
}
