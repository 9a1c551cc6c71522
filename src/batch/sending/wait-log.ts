// Log lines about waits, not too many of them.

import type { Clock } from '../../runtime.ts'

/** Between two lines of the same kind. */
const minLogIntervalMs = 10_000

export class WaitLog {
  readonly #clock: Clock
  readonly #info: (line: string) => void
  readonly #loggedAt = new Map<string, number>()

  constructor(clock: Clock, { info }: { readonly info: (line: string) => void }) {
    this.#clock = clock
    this.#info = info
  }

  /** Logs a line, unless one of the same kind was logged a short time ago. */
  log(kind: 'installation' | 'all' | 'unopened', line: string): void {
    const now = this.#clock.monotonic()
    if (now - (this.#loggedAt.get(kind) ?? Number.NEGATIVE_INFINITY) < minLogIntervalMs) return
    this.#loggedAt.set(kind, now)
    this.#info(line)
  }
}
