// Hashes of keys, in 8 bytes each, because a batch may have millions of records.

import { hash } from 'node:crypto'

/**
 * The first 52 bits of a key's SHA-256, which a double holds exactly. Two of a million different keys have the same hash
 * with a probability of 10⁻⁴, so equal hashes only suggest equal keys. The key of a record without an id of its own is its
 * digest twice, which is such a hash already.
 */
export const hashKey = (key: string): number =>
  leadingBits(digestTwice.test(key) && key.startsWith(key.slice(33)) ? key : hash('sha256', key))

const digestTwice = /^[0-9a-f]{32}\n[0-9a-f]{32}$/
const leadingBits = (digest: string) => Number.parseInt(digest.slice(0, 13), 16)

/**
 * A hash of 53 bits that takes a tenth of the time of SHA-256. Somebody who chooses the keys can make two of them equal, so
 * equal hashes only suggest equal keys here too.
 */
export function quickHash(key: string): number {
  // Two lanes of FNV-1a with different multipliers; the end is the finalizer of MurmurHash3, which spreads every bit.
  let low = 0x811c9dc5
  let high = 0x2c1b3c6d
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at)
    low = Math.imul(low ^ code, 0x01000193)
    high = Math.imul(high ^ code, 0x297a2d39)
  }
  return (mix(high ^ mix(low)) & 0x1fffff) * 0x1_0000_0000 + (mix(low ^ (high << 7)) >>> 0)
}

function mix(bits: number): number {
  const once = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
  return twice ^ (twice >>> 16)
}

/** The index of the first element of an ascending list that is not below a value; the length if there is none. */
export function lowerBound(ascending: Float64Array, value: number): number {
  let low = 0
  for (let high = ascending.length; low < high; ) {
    const middle = (low + high) >> 1
    if ((ascending[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}

/** Lengthens a list to 1.5 times its length. The list itself is empty afterwards, so that its memory is free at once. */
export const lengthened = (list: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> =>
  new Float64Array(list.buffer.transfer(Math.ceil(list.length * 1.5) * list.BYTES_PER_ELEMENT))

/** Collects the hashes of keys, in the order in which the keys are added. */
export class KeyHashes {
  readonly #hash: (key: string) => number
  #hashes = new Float64Array(1024)
  #count = 0

  constructor(hash = hashKey) {
    this.#hash = hash
  }

  add(key: string): void {
    this.#push(this.#hash(key))
  }

  /** Adds an entry without a key: `inOrder` has NaN for it, and `sorted` leaves it out. */
  addNothing(): void {
    this.#push(Number.NaN)
  }

  #push(hashed: number): void {
    if (this.#count === this.#hashes.length) this.#hashes = lengthened(this.#hashes)
    this.#hashes[this.#count++] = hashed
  }

  /** The hashes in the order of their keys: a view, valid until the next addition. */
  inOrder(): Float64Array {
    return this.#hashes.subarray(0, this.#count)
  }

  /** The hashes in ascending order. */
  sorted(): Float64Array {
    const sorted = this.inOrder().slice().sort()
    // NaN is sorted to the end.
    let count = sorted.length
    while (Number.isNaN(sorted[count - 1])) count--
    return sorted.subarray(0, count)
  }

  /**
   * The hashes that were added more than once, each as often as it was added, in ascending order. It sorts the hashes
   * themselves, to save memory: `inOrder` is ascending afterwards.
   */
  repeated(): Float64Array {
    const ascending = this.inOrder().sort()
    return ascending.filter((hashed, index) => hashed === ascending[index - 1] || hashed === ascending[index + 1])
  }
}
