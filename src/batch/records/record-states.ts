// The state of every record of a batch, as the journal of earlier runs has it.

import { hashKey, type KeyHashes } from './key-hashes.ts'

/** The outcome in earlier runs. A record that definitely failed is treated like one that was never sent. */
export type PreviousOutcome = 'none' | 'succeeded' | 'unknown'

const previousOutcomes: readonly PreviousOutcome[] = ['none', 'succeeded', 'unknown']

/** Added to a record's state once the record is claimed. */
const claimedOffset = 4

/**
 * State of every record, in 9 bytes each. Records with the same key are interchangeable: only the number in each state
 * matters.
 */
export class RecordStates {
  /** Sorted, one for each record. */
  readonly #hashes: Float64Array
  /** Indices into `previousOutcomes`, plus `claimedOffset` for claimed records. */
  readonly #states: Uint8Array

  /** @param keys  of all records; they must not change any more */
  constructor(keys: KeyHashes) {
    this.#hashes = keys.sorted()
    this.#states = new Uint8Array(this.#hashes.length)
  }

  /**
   * Changes the state of one record with this key.
   *
   * @returns false if no unclaimed record with this key is in the state `from`
   */
  transition(key: string, from: PreviousOutcome, to: PreviousOutcome): boolean {
    const index = this.#indexOf(key, from)
    if (index === undefined) return false
    this.#states[index] = previousOutcomes.indexOf(to)
    return true
  }

  /** Whether an unclaimed record with this key is in the state. */
  has(key: string, outcome: PreviousOutcome): boolean {
    return this.#indexOf(key, outcome) !== undefined
  }

  /**
   * Claims one record with this key. Those with an unknown outcome are claimed first: if a new copy were sent first, its
   * effect at Vercel could be mistaken for theirs.
   *
   * @returns its previous outcome; `none` if no unclaimed record has this key
   */
  claim(key: string): PreviousOutcome {
    const index = this.#indexOf(key, 'unknown') ?? this.#find(key, (state) => state < claimedOffset)
    if (index === undefined) return 'none'
    const state = this.#states[index] ?? 0
    this.#states[index] = state + claimedOffset
    return previousOutcomes[state] ?? 'none'
  }

  #indexOf(key: string, outcome: PreviousOutcome): number | undefined {
    return this.#find(key, (state) => state === previousOutcomes.indexOf(outcome))
  }

  /** Finds the first record with this key and a matching state, by binary search. */
  #find(key: string, isMatch: (state: number) => boolean): number | undefined {
    const keyHash = hashKey(key)
    let low = 0
    for (let high = this.#hashes.length; low < high; ) {
      const middle = (low + high) >> 1
      if ((this.#hashes[middle] as number) < keyHash) low = middle + 1
      else high = middle
    }
    for (; this.#hashes[low] === keyHash; low++) if (isMatch(this.#states[low] as number)) return low
    return undefined
  }
}
