// The records of a batch by the hashes of their keys, in 8 bytes each, since there may be millions: to find one that
// comes twice, and to hold a journal against the file.

import { hash } from 'node:crypto'

/** 52 bits of a key: two different keys of a million share them with a probability of 10⁻⁴, so whoever finds two looks. */
const slotOf = (key: string): number => Number.parseInt(hash('sha256', key).slice(0, 13), 16)

/** Keys while they are collected. */
export class Roll {
  #slots = new Float64Array(1024)
  #count = 0

  add(key: string): void {
    if (this.#count === this.#slots.length) {
      const larger = new Float64Array(this.#slots.length * 1.5)
      larger.set(this.#slots)
      this.#slots = larger
    }
    this.#slots[this.#count++] = slotOf(key)
  }

  #sorted(): Float64Array {
    return this.#slots.subarray(0, this.#count).sort()
  }

  /** Tells of a key whether it is one of those that may have come more than once. */
  repeated(): ((key: string) => boolean) | undefined {
    const repeated = new Set<number>()
    const sorted = this.#sorted()
    for (let index = 1; index < sorted.length; index++) {
      if (sorted[index] === sorted[index - 1]) repeated.add(sorted[index] as number)
    }
    return repeated.size > 0 ? (key) => repeated.has(slotOf(key)) : undefined
  }

  /** Ends the collecting. */
  seal(): Standing {
    return new Standing(this.#sorted())
  }
}

/** What became of a record in earlier runs; one that failed for certain is as new as one that was never sent. */
export type Past = 'new' | 'succeeded' | 'unknown'

const pasts: readonly Past[] = ['new', 'succeeded', 'unknown']
const taken = 4

/** What became of each record. Records of one key are one as good as the other: so many of them succeeded. */
export class Standing {
  readonly #slots: Float64Array
  readonly #states: Uint8Array

  constructor(slots: Float64Array) {
    this.#slots = slots
    this.#states = new Uint8Array(slots.length)
  }

  /** @returns false where no record of the key is left that was `from` */
  move(key: string, from: Past, to: Past): boolean {
    const index = this.#of(key, from)
    if (index === undefined) return false
    this.#states[index] = pasts.indexOf(to)
    return true
  }

  has(key: string, past: Past): boolean {
    return this.#of(key, past) !== undefined
  }

  /**
   * What became of the next record of the key, which is then asked for no more. Unknown ones come first: once another
   * has been sent it would be taken for them.
   */
  take(key: string): Past {
    const index = this.#of(key, 'unknown') ?? this.#find(key, (state) => state < taken)
    if (index === undefined) return 'new'
    const state = this.#states[index] ?? 0
    this.#states[index] = state + taken
    return pasts[state] ?? 'new'
  }

  #of(key: string, past: Past): number | undefined {
    return this.#find(key, (state) => state === pasts.indexOf(past))
  }

  #find(key: string, wanted: (state: number) => boolean): number | undefined {
    const slot = slotOf(key)
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
