// The lines and keys of a shard's records, in the order of the file: 16 bytes each.

import { hashKey, lengthened } from '../records/key-hashes.ts'

/** Collects the lines of records, each with the hash of its key. */
export class RecordKeys {
  #lines = new Float64Array(1024)
  #hashes = new Float64Array(1024)
  #count = 0

  add(line: number, key: string): void {
    if (this.#count === this.#lines.length) {
      this.#lines = lengthened(this.#lines)
      this.#hashes = lengthened(this.#hashes)
    }
    this.#lines[this.#count] = line
    this.#hashes[this.#count++] = hashKey(key)
  }

  get count(): number {
    return this.#count
  }

  *[Symbol.iterator](): Generator<{ readonly line: number; readonly hash: number }> {
    for (let index = 0; index < this.#count; index++) {
      yield { line: this.#lines[index] as number, hash: this.#hashes[index] as number }
    }
  }
}
