// Hashes of record keys, in 8 bytes each, because a batch may have millions of records.

import { hash } from 'node:crypto'

/**
 * The first 52 bits of a key's SHA-256, which a double holds exactly. Two of a million different keys have the same hash
 * with a probability of 10⁻⁴, so equal hashes only suggest equal keys.
 */
export const hashKey = (key: string): number => Number.parseInt(hash('sha256', key).slice(0, 13), 16)

/** Collects the hashes of keys. */
export class KeyHashes {
  #hashes = new Float64Array(1024)
  #count = 0

  add(key: string): void {
    if (this.#count === this.#hashes.length) {
      const larger = new Float64Array(this.#hashes.length * 1.5)
      larger.set(this.#hashes)
      this.#hashes = larger
    }
    this.#hashes[this.#count++] = hashKey(key)
  }

  /** The hashes in ascending order: a view, valid until the next `add`. */
  sorted(): Float64Array {
    return this.#hashes.subarray(0, this.#count).sort()
  }

  /**
   * Finds keys that may have been added more than once.
   *
   * @returns whether a key is one of them; undefined if every hash is different
   */
  duplicates(): ((key: string) => boolean) | undefined {
    const repeated = new Set<number>()
    const sorted = this.sorted()
    for (let index = 1; index < sorted.length; index++) {
      if (sorted[index] === sorted[index - 1]) repeated.add(sorted[index] as number)
    }
    return repeated.size > 0 ? (key) => repeated.has(hashKey(key)) : undefined
  }
}
