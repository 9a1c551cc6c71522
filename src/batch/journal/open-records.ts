// The records of a batch that are not done: they failed, or their outcome is unknown. A table in typed arrays, because a
// million records can fail: 20 bytes for each slot, of which at least a third is used once the table has grown.

export interface OpenRecord {
  /** Index of the group of failures that the record belongs to. */
  readonly group: number
  /** The run of the journal that sent the record; 0 before the first one begins. */
  readonly run: number
  /** Line of the batch file, 1-based. */
  readonly line: number
}

interface Slots {
  readonly hashes: Float64Array
  readonly lines: Uint32Array
  readonly groups: Uint16Array
  /** One more than the run, so that 0 marks a slot that was never used. */
  readonly runs: Uint16Array
  /** How many records share the slot: those with the same hash, group and run. */
  readonly counts: Uint32Array
}

const newRecordSlots = (length: number): Slots => ({
  hashes: new Float64Array(length),
  lines: new Uint32Array(length),
  groups: new Uint16Array(length),
  runs: new Uint16Array(length),
  counts: new Uint32Array(length),
})

const minRecordSlots = 64
/** In `runs`: a search ends there. */
const unused = 0
/** Later runs count as this one. */
const maxRun = 0xfffe

/** A multiset of open records by the hash of their key, with open addressing. */
export class OpenRecords {
  #slots = newRecordSlots(minRecordSlots)
  /** Slots that are used, or were. */
  #used = 0

  /** @param hash  a whole number of at most 52 bits; several records can share one */
  add(hash: number, record: OpenRecord): void {
    this.#put(hash, record, 1)
  }

  /** Whether there is a record with this hash for which `isMatch` returns true. */
  has(hash: number, isMatch: (record: OpenRecord) => boolean): boolean {
    return this.#find(hash, isMatch) !== undefined
  }

  /** Removes a record with this hash for which `isMatch` returns true. @returns undefined if no record matches */
  take(hash: number, isMatch: (record: OpenRecord) => boolean): OpenRecord | undefined {
    const slot = this.#find(hash, isMatch)
    if (slot === undefined) return undefined
    const { counts } = this.#slots
    counts[slot] = (counts[slot] as number) - 1
    return this.#at(slot)
  }

  /** All records with their hashes, in no order. Records that share hash, group and run come as one, with their count. */
  *[Symbol.iterator](): Generator<OpenRecord & { readonly hash: number; readonly count: number }> {
    const { hashes, counts } = this.#slots
    for (let slot = 0; slot < counts.length; slot++) {
      const count = counts[slot] as number
      if (count > 0) yield { ...this.#at(slot), hash: hashes[slot] as number, count }
    }
  }

  #find(hash: number, isMatch: (record: OpenRecord) => boolean): number | undefined {
    const { hashes, runs, counts } = this.#slots
    for (let slot = hash % runs.length; runs[slot] !== unused; slot = (slot + 1) % runs.length) {
      if (hashes[slot] === hash && counts[slot] !== 0 && isMatch(this.#at(slot))) return slot
    }
    return undefined
  }

  #at(slot: number): OpenRecord {
    const { groups, runs, lines } = this.#slots
    return { group: groups[slot] as number, run: (runs[slot] as number) - 1, line: lines[slot] as number }
  }

  #put(hash: number, { group, run, line }: OpenRecord, count: number): void {
    if (this.#used * 2 >= this.#slots.runs.length) this.#rebuild()
    const { hashes, lines, groups, runs, counts } = this.#slots
    const storedRun = Math.min(run, maxRun) + 1
    let slot = hash % runs.length
    for (; runs[slot] !== unused; slot = (slot + 1) % runs.length) {
      if (hashes[slot] !== hash || groups[slot] !== group || runs[slot] !== storedRun) continue
      if (counts[slot] === 0) lines[slot] = line
      counts[slot] = (counts[slot] as number) + count
      return
    }
    hashes[slot] = hash
    lines[slot] = line
    groups[slot] = group
    runs[slot] = storedRun
    counts[slot] = count
    this.#used++
  }

  /** Moves the records to a table in which a third of the slots is used. Slots whose records were removed are freed. */
  #rebuild(): void {
    const old = this.#slots
    const isUsed = (slot: number) => (old.counts[slot] as number) > 0
    let records = 0
    for (let slot = 0; slot < old.counts.length; slot++) if (isUsed(slot)) records++
    this.#slots = newRecordSlots(Math.max(minRecordSlots, records * 3))
    this.#used = 0
    for (let slot = 0; slot < old.counts.length; slot++) {
      if (!isUsed(slot)) continue
      const [hash, group, run] = [
        old.hashes[slot] as number,
        old.groups[slot] as number,
        (old.runs[slot] as number) - 1,
      ]
      this.#put(hash, { group, run, line: old.lines[slot] as number }, old.counts[slot] as number)
    }
  }
}
