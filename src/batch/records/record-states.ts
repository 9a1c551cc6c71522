// The state of every record of a batch, as the journal of earlier runs has it.

import { hashKey, type KeyHashes, lowerBound } from './key-hashes.ts'

/** The outcome in earlier runs. A record that definitely failed is treated like one that was never sent. */
export type PreviousOutcome = 'none' | 'succeeded' | 'unknown'

const previousOutcomes: readonly PreviousOutcome[] = ['none', 'succeeded', 'unknown']

/** Added to a record's state once the record is claimed. */
const claimedOffset = 4

/**
 * State of every record, in 17 bytes each. Records with the same key are interchangeable: only the number in each state
 * matters.
 */
export class RecordStates {
  /** In the order of the file: one for each line, NaN for records of other shards. */
  readonly #inOrder: Float64Array
  /** Sorted, one for each record. */
  readonly #hashes: Float64Array
  /** Indices into `previousOutcomes`, plus `claimedOffset` for claimed records. */
  readonly #states: Uint8Array

  /** @param keys  of all lines, in the order of the file; they must not change any more */
  constructor(keys: KeyHashes) {
    this.#inOrder = keys.inOrder()
    this.#hashes = keys.sorted()
    this.#states = new Uint8Array(this.#hashes.length)
  }

  /**
   * Changes the state of one record with this key.
   *
   * @returns false if no unclaimed record with this key is in the state `from`
   */
  transition(key: string, from: PreviousOutcome, to: PreviousOutcome): boolean {
    const index = this.#placeOf(hashKey(key), from)
    if (index === undefined) return false
    this.#states[index] = previousOutcomes.indexOf(to)
    return true
  }

  /** Whether an unclaimed record with this key is in the state. */
  has(key: string, outcome: PreviousOutcome): boolean {
    return this.#placeOf(hashKey(key), outcome) !== undefined
  }

  /**
   * Claims one record with this key. Those with an unknown outcome are claimed first: if a new copy were sent first, its
   * effect at Vercel could be mistaken for theirs.
   *
   * @returns its previous outcome; `none` if no unclaimed record has this key
   */
  claim(key: string): PreviousOutcome {
    return this.#claim(hashKey(key))
  }

  /**
   * Claims a record with the key of a line, as `claim` does, without reading the line.
   *
   * @param index  of the line, 0-based; blank lines do not count
   * @returns its previous outcome; undefined if the line is not a record of this shard
   */
  claimAt(index: number): PreviousOutcome | undefined {
    const keyHash = this.#inOrder[index] ?? Number.NaN
    return Number.isNaN(keyHash) ? undefined : this.#claim(keyHash)
  }

  /** Whether a line has this key. @param index  as for `claimAt` */
  isAt(index: number, key: string): boolean {
    return this.#inOrder[index] === hashKey(key)
  }

  #claim(keyHash: number): PreviousOutcome {
    const place = this.#placeOf(keyHash, 'unknown') ?? this.#find(keyHash, (state) => state < claimedOffset)
    if (place === undefined) return 'none'
    const state = this.#states[place] as number
    this.#states[place] = state + claimedOffset
    return previousOutcomes[state] as PreviousOutcome
  }

  #placeOf(keyHash: number, outcome: PreviousOutcome): number | undefined {
    const wanted = previousOutcomes.indexOf(outcome)
    return this.#find(keyHash, (state) => state === wanted)
  }

  /** Finds the first record with this hash and a matching state. */
  #find(keyHash: number, isMatch: (state: number) => boolean): number | undefined {
    let place = lowerBound(this.#hashes, keyHash)
    for (; this.#hashes[place] === keyHash; place++) if (isMatch(this.#states[place] as number)) return place
    return undefined
  }
}
