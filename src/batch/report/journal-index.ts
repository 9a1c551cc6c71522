// Where a journal has the last lines of each record: offsets in typed arrays, because a batch may have millions of
// records. 47 bytes for each time that a record was sent.

import { isObject } from '../../payload/schema.ts'
import { type JournalEvent, type OutcomeEvent, parseLine, type SentEvent } from '../journal/journal-format.ts'
import { hashKey } from '../records/key-hashes.ts'
import { recordKey } from '../records/record.ts'
import { JournalLines } from './journal-lines.ts'

/** The last known state of a record. */
export interface JournaledRecord {
  readonly sent: SentEvent
  /** Undefined if the journal ends before the outcome. */
  readonly outcome: Partial<OutcomeEvent> | undefined
}

const newColumns = (length: number) => ({
  hashes: new Float64Array(length),
  sentAt: new Float64Array(length),
  outcomeAt: new Float64Array(length),
  lines: new Uint32Array(length),
  /** The run of the journal, 1-based. */
  runs: new Uint32Array(length),
  states: new Uint8Array(length),
  resumed: new Uint8Array(length),
  /** Whether the attempts with this hash were asked for. */
  taken: new Uint8Array(length),
  /** The next earlier attempt in the same bucket, plus one; 0 at the end. */
  next: new Uint32Array(length),
})

const unknown = 0
const failed = 1
const done = 2

/** The attempts of a journal by the hash of their record's key. */
export class JournalIndex {
  readonly #lines: JournalLines
  #columns = newColumns(1024)
  #count = 0
  #buckets = new Uint32Array(0)
  /** The attempts that are left of records that share a hash. */
  readonly #left = new Map<number, number[]>()

  /**
   * @param descriptor  of the open journal
   * @param isKnown  whether another journal has the records with this hash, so that they are left out
   */
  constructor(descriptor: number, isKnown: (hash: number) => boolean = () => false) {
    this.#lines = new JournalLines(descriptor)
    // As many as there were requests in flight, or have an unknown outcome.
    const inFlight = new Map<string, number>()
    let run = 0
    for (const { offset, text } of this.#lines) {
      const event = parseEvent(text)
      if (!event) continue
      if (event.event === 'begun') {
        run++
        continue
      }
      const key = recordKey(event)
      if (event.event === 'sent') {
        const hash = hashKey(key)
        if (!isKnown(hash)) inFlight.set(key, this.#add(hash, offset, run, event))
        continue
      }
      const attempt = inFlight.get(key)
      if (attempt === undefined) continue
      if (event.event === 'not_sent') {
        // No key has this hash.
        this.#columns.hashes[attempt] = Number.NaN
        inFlight.delete(key)
        continue
      }
      this.#columns.outcomeAt[attempt] = offset
      this.#columns.states[attempt] = event.event === 'unknown' ? unknown : event.event === 'failed' ? failed : done
      if (event.event !== 'unknown') inFlight.delete(key)
    }
    this.#buckets = new Uint32Array(2 ** Math.ceil(Math.log2(this.#count + 1)))
    const { hashes, next } = this.#columns
    for (let attempt = 0; attempt < this.#count; attempt++) {
      const bucket = (hashes[attempt] as number) % this.#buckets.length
      next[attempt] = this.#buckets[bucket] as number
      this.#buckets[bucket] = attempt + 1
    }
  }

  /** How often records were sent. */
  get attempts(): number {
    return this.#count
  }

  has(hash: number): boolean {
    return this.#attemptsOf(hash).length > 0
  }

  /** Takes one record with this hash. Each call returns another one. @returns undefined if there are no more */
  take(hash: number): JournaledRecord | undefined {
    const left = this.#left.get(hash) ?? this.#takeAll(hash).reverse()
    const attempt = left.pop()
    if (left.length > 0) this.#left.set(hash, left)
    else this.#left.delete(hash)
    return attempt === undefined ? undefined : this.read(attempt)
  }

  /** Takes all records: the last attempt of each, with its line of the batch file. */
  *takeRest(): Generator<{ readonly attempt: number; readonly line: number }> {
    const { hashes, lines } = this.#columns
    for (let index = 0; index < this.#count; index++) {
      for (const attempt of this.#takeAll(hashes[index] as number)) yield { attempt, line: lines[attempt] as number }
    }
  }

  /** Reads the lines of an attempt. */
  read(attempt: number): JournaledRecord {
    const { sentAt, outcomeAt } = this.#columns
    const outcomeOffset = outcomeAt[attempt] as number
    return {
      sent: this.#lines.parse(sentAt[attempt] as number) as SentEvent,
      outcome: outcomeOffset === 0 ? undefined : (this.#lines.parse(outcomeOffset) as OutcomeEvent),
    }
  }

  #add(hash: number, offset: number, run: number, { line, resumed }: SentEvent): number {
    if (this.#count === this.#columns.hashes.length) this.#grow()
    const attempt = this.#count++
    const columns = this.#columns
    columns.hashes[attempt] = hash
    columns.sentAt[attempt] = offset
    columns.lines[attempt] = line
    columns.runs[attempt] = run
    columns.resumed[attempt] = resumed ? 1 : 0
    return attempt
  }

  #grow(): void {
    const larger = newColumns(this.#count * 2)
    for (const name of Object.keys(larger) as (keyof typeof larger)[]) larger[name].set(this.#columns[name])
    this.#columns = larger
  }

  /** All attempts with a hash, in order. */
  #attemptsOf(hash: number): number[] {
    const { hashes, next } = this.#columns
    const attempts: number[] = []
    const first = this.#buckets[hash % this.#buckets.length] as number
    for (let entry = first; entry > 0; entry = next[entry - 1] as number) {
      if (hashes[entry - 1] === hash) attempts.push(entry - 1)
    }
    return attempts.reverse()
  }

  /** Takes the last attempt of each record with this hash. Further calls return none. */
  #takeAll(hash: number): number[] {
    const { taken } = this.#columns
    const attempts = this.#attemptsOf(hash)
    const isTaken = attempts.some((attempt) => taken[attempt] === 1)
    for (const attempt of attempts) taken[attempt] = 1
    return isTaken ? [] : this.#lastAttempts(attempts)
  }

  /**
   * The last attempt of each record, those that succeeded first. An attempt replaces a failed or unknown one of an earlier
   * run; in the same run it is another record with the same key.
   */
  #lastAttempts(attempts: readonly number[]): number[] {
    if (attempts.length < 2) return [...attempts]
    const { states, runs, resumed } = this.#columns
    const open = { [unknown]: [] as number[], [failed]: [] as number[] }
    const succeeded: number[] = []
    const byState = [open[unknown], open[failed], succeeded]
    const replaced = { [unknown]: 0, [failed]: 0 }
    for (const attempt of attempts) {
      const state = resumed[attempt] ? unknown : failed
      const earlier = open[state][replaced[state]]
      if (earlier !== undefined && (runs[earlier] as number) < (runs[attempt] as number)) replaced[state]++
      ;(byState[states[attempt] as number] as number[]).push(attempt)
    }
    return [...succeeded, ...open[unknown].slice(replaced[unknown]), ...open[failed].slice(replaced[failed])]
  }
}

/** The step has read the whole journal before, so its fields need no check. Truncated lines are skipped. */
function parseEvent(text: string): JournalEvent | undefined {
  const event = parseLine(text)
  return isObject(event) && typeof event.event === 'string' ? (event as unknown as JournalEvent) : undefined
}
