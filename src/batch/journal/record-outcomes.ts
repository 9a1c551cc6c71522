// The outcome of every record of a journal, in 16 bytes each: for comparing two journals of one shard.

import { hashKey, lengthened } from '../records/key-hashes.ts'
import { recordKey } from '../records/record.ts'
import type { JournalEvent } from './journal-format.ts'
import { Ledger } from './ledger.ts'

/** Two equally long lists, sorted by key and then by outcome. */
export interface RecordOutcomes {
  /** Hashes of keys; records can share a key. */
  readonly keys: Float64Array
  /** Hashes of outcomes. */
  readonly outcomes: Float64Array
}

/** Reads the outcomes of a journal's records. */
export function readOutcomes(events: Iterable<JournalEvent>): RecordOutcomes {
  let keys = new Float64Array(1024)
  let outcomes = new Float64Array(1024)
  let records = 0
  const add = (key: number, outcome: number) => {
    if (records === keys.length) [keys, outcomes] = [lengthened(keys), lengthened(outcomes)]
    keys[records] = key
    outcomes[records++] = outcome
  }
  const ledger = new Ledger((key, { event, status, invoiceId }) =>
    add(hashKey(key), hashKey(JSON.stringify([event, status, invoiceId]))),
  )
  for (const event of events) ledger.apply(event)
  ledger.end()
  for (const { hash, event, count } of ledger.openRecords()) {
    for (let copy = 0; copy < count; copy++) add(hash, hashKey(event))
  }
  const at = (list: Float64Array, index: number) => list[index] as number
  const order = Uint32Array.from({ length: records }, (_, index) => index).sort(
    (one, other) => at(keys, one) - at(keys, other) || at(outcomes, one) - at(outcomes, other),
  )
  return {
    keys: Float64Array.from(order, (index) => at(keys, index)),
    outcomes: Float64Array.from(order, (index) => at(outcomes, index)),
  }
}

/** Finds a record that both journals have, with different outcomes. @returns the hash of its key */
export function findDisagreement(one: RecordOutcomes, other: RecordOutcomes): number | undefined {
  for (let index = 0, otherIndex = 0; index < one.keys.length && otherIndex < other.keys.length; ) {
    const key = one.keys[index] as number
    const otherKey = other.keys[otherIndex] as number
    if (key < otherKey) index++
    else if (key > otherKey) otherIndex++
    else {
      const [end, otherEnd] = [endOfKey(one, index), endOfKey(other, otherIndex)]
      const outcomes = one.outcomes.subarray(index, end)
      const otherOutcomes = other.outcomes.subarray(otherIndex, otherEnd)
      if (outcomes.length !== otherOutcomes.length) return key
      if (outcomes.some((outcome, place) => outcome !== otherOutcomes[place])) return key
      ;[index, otherIndex] = [end, otherEnd]
    }
  }
  return undefined
}

/** The index after the last record with the same key. */
function endOfKey({ keys }: RecordOutcomes, index: number): number {
  let end = index
  while (keys[end] === keys[index]) end++
  return end
}

/** Whether a journal has a record with this key. */
export function hasKey({ keys }: RecordOutcomes, key: number): boolean {
  let low = 0
  for (let high = keys.length; low < high; ) {
    const middle = (low + high) >> 1
    if ((keys[middle] as number) < key) low = middle + 1
    else high = middle
  }
  return keys[low] === key
}

/** The hash of an event's record. */
export const hashOf = (event: Exclude<JournalEvent, { readonly event: 'begun' }>): number => hashKey(recordKey(event))
