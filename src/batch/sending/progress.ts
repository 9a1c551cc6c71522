// What a batch says while it runs.

import { formatCount, formatDuration } from '../../format.ts'
import type { Clock } from '../../runtime.ts'

const intervalMs = 10_000

/** One line every ten seconds at most: how many are done, how fast, and how long it will take. */
export class Progress {
  readonly #clock: Clock
  readonly #total: number
  readonly #say: (line: string) => void
  readonly #startedAt: number
  #saidAt: number
  #done = 0

  /** @param total  how many records there are to send */
  constructor(total: number, { clock, say }: { readonly clock: Clock; readonly say: (line: string) => void }) {
    this.#total = total
    this.#clock = clock
    this.#say = say
    this.#startedAt = clock.monotonic()
    this.#saidAt = this.#startedAt
  }

  /** One more is done; so many of all have failed. */
  step(failed: number): void {
    this.#done++
    const now = this.#clock.monotonic()
    if (now - this.#saidAt < intervalMs || this.#done === this.#total) return
    this.#saidAt = now
    const perSecond = (this.#done * 1000) / (now - this.#startedAt)
    const left = formatDuration(((this.#total - this.#done) * 1000) / perSecond)
    const share = Math.floor((this.#done * 100) / this.#total)
    this.#say(
      `${formatCount(this.#done)} of ${formatCount(this.#total)} (${share} %), ${formatRate(perSecond)}, about ${left} left${failed > 0 ? `; ${formatCount(failed)} failed` : ''}`,
    )
  }
}

function formatRate(perSecond: number): string {
  if (perSecond >= 10) return `${formatCount(Math.round(perSecond))}/s`
  return perSecond >= 1 ? `${Math.round(perSecond * 10) / 10}/s` : `${Math.ceil(perSecond * 60)}/min`
}
