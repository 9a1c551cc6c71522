// The first entries of a sequence by rank, without keeping the others.

/** Keeps the entries of the highest rank; of equal ranks the ones that were added first. */
export class TopList<T> {
  readonly #entries: { readonly rank: number; readonly entry: T }[] = []
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /** @param entry  made only if it is kept */
  add(rank: number, entry: () => T): void {
    const last = this.#entries.at(-1)
    if (this.#entries.length === this.#max && last && rank <= last.rank) return
    const firstLower = this.#entries.findIndex((other) => other.rank < rank)
    this.#entries.splice(firstLower < 0 ? this.#entries.length : firstLower, 0, { rank, entry: entry() })
    this.#entries.length = Math.min(this.#entries.length, this.#max)
  }

  get entries(): T[] {
    return this.#entries.map(({ entry }) => entry)
  }
}
