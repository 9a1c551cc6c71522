// The records of a batch by the hashes of their keys, in 8 bytes each, since there may be millions: to find one that
// comes twice, and to hold a journal against the file.

import { hash } from 'node:crypto'

/** 52 bits of a key: two different keys of a million share them with a probability of 10⁻⁴, so whoever finds two looks. */
const hashOf = (key: string): number => Number.parseInt(hash('sha256', key).slice(0, 13), 16)

/** Keys while they are collected. */
export class KeyHashes {
  #hashes = new Float64Array(1024)
  #count = 0

  add(key: string): void {
    if (this.#count === this.#hashes.length) {
      const larger = new Float64Array(this.#hashes.length * 1.5)
      larger.set(this.#hashes)
      this.#hashes = larger
    }
    this.#hashes[this.#count++] = hashOf(key)
  }

  #sorted(): Float64Array {
    return this.#hashes.subarray(0, this.#count).sort()
  }

  /** Tells of a key whether it is one of those that may have come more than once. */
  duplicates(): ((key: string) => boolean) | undefined {
    const repeated = new Set<number>()
    const sorted = this.#sorted()
    for (let index = 1; index < sorted.length; index++) {
      if (sorted[index] === sorted[index - 1]) repeated.add(sorted[index] as number)
    }
    return repeated.size > 0 ? (key) => repeated.has(hashOf(key)) : undefined
  }

  /** Ends the collecting. */
  toRecordStates(): RecordStates {
    return new RecordStates(this.#sorted())
  }
}

/** What became of a record in earlier runs; one that failed for certain is as new as one that was never sent. */
export type PreviousOutcome = 'none' | 'succeeded' | 'unknown'

const previousOutcomes: readonly PreviousOutcome[] = ['none', 'succeeded', 'unknown']
const claimed = 4

/** What became of each record. Records of one key are one as good as the other: so many of them succeeded. */
export class RecordStates {
  readonly #slots: Float64Array
  readonly #states: Uint8Array

  constructor(slots: Float64Array) {
    this.#slots = slots
    this.#states = new Uint8Array(slots.length)
  }

  /** @returns false where no record of the key is left that was `from` */
  transition(key: string, from: PreviousOutcome, to: PreviousOutcome): boolean {
    const index = this.#indexOf(key, from)
    if (index === undefined) return false
    this.#states[index] = previousOutcomes.indexOf(to)
    return true
  }

  has(key: string, past: PreviousOutcome): boolean {
    return this.#indexOf(key, past) !== undefined
  }

  /**
   * What became of the next record of the key, which is then asked for no more. Unknown ones come first: once another
   * has been sent it would be taken for them.
   */
  claim(key: string): PreviousOutcome {
    const index = this.#indexOf(key, 'unknown') ?? this.#find(key, (state) => state < claimed)
    if (index === undefined) return 'none'
    const state = this.#states[index] ?? 0
    this.#states[index] = state + claimed
    return previousOutcomes[state] ?? 'none'
  }

  #indexOf(key: string, past: PreviousOutcome): number | undefined {
    return this.#find(key, (state) => state === previousOutcomes.indexOf(past))
  }

  #find(key: string, wanted: (state: number) => boolean): number | undefined {
    const slot = hashOf(key)
    let low = 0
    for (let high = this.#slots.length; low < high; ) {
      const middle = (low + high) >> 1
      if ((this.#slots[middle] as number) < slot) low = middle + 1
      else high = middle
    }
    for (; this.#slots[low] === slot; low++) if (wanted(this.#states[low] as number)) return low
    return undefined
  }
}
