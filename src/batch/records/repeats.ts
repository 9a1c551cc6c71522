// Finds the lines of a batch that have a key in common. The first reading of the file keeps 8 bytes for each key. Only if
// two of them are equal, a second reading compares the keys themselves.

import { hashKey, KeyHashes, lowerBound, quickHash } from './key-hashes.ts'

/** A line with a key. */
export interface KeyHolder {
  /** 1-based. */
  readonly line: number
  /** Whether the record has its own id. */
  readonly hasId: boolean
}

/** The first reading: collects the keys of all lines. */
export class Repeats {
  readonly #hashes: KeyHashes
  readonly #hash: (key: string) => number

  constructor(hash = quickHash) {
    this.#hash = hash
    this.#hashes = new KeyHashes(hash)
  }

  add(key: string): void {
    this.#hashes.add(key)
  }

  /** The keys that may have been added more than once; undefined if there are none. */
  suspects(): SuspectedKeys | undefined {
    const repeated = this.#hashes.repeated()
    return repeated.length > 0 ? new SuspectedKeys(repeated, this.#hash) : undefined
  }
}

/** The second reading: finds the first line with a key. It keeps 21 bytes for each suspected key of a line. */
export class SuspectedKeys {
  /** In ascending order, each as often as it occurs in the file: its places are for the different keys with this hash. */
  readonly #hashes: Float64Array
  readonly #hash: (key: string) => number
  /** Another hash of the key that has a place: both are equal for equal keys only. */
  readonly #digests: Float64Array
  /** The first line with the key; 0 if the place is free. */
  readonly #lines: Uint32Array
  readonly #haveIds: Uint8Array

  constructor(repeated: Float64Array, hash: (key: string) => number) {
    this.#hashes = repeated
    this.#hash = hash
    this.#digests = new Float64Array(repeated.length)
    this.#lines = new Uint32Array(repeated.length)
    this.#haveIds = new Uint8Array(repeated.length)
  }

  /** Returns the first line with a key; undefined if it is the line itself. The lines must be given in order. */
  firstWith(key: string, { line, hasId }: KeyHolder): KeyHolder | undefined {
    const hashed = this.#hash(key)
    let place = lowerBound(this.#hashes, hashed)
    if (this.#hashes[place] !== hashed) return undefined
    const digest = hashKey(key)
    for (; this.#hashes[place] === hashed; place++) {
      const firstLine = this.#lines[place] as number
      if (firstLine === 0) {
        this.#digests[place] = digest
        this.#lines[place] = line
        this.#haveIds[place] = Number(hasId)
        return undefined
      }
      if (this.#digests[place] === digest) return { line: firstLine, hasId: this.#haveIds[place] === 1 }
    }
    return undefined
  }
}
