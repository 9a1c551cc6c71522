// Which records a journal says are in flight or unknown, so that an event that cannot have happened is noticed. It keeps
// these records only; those that succeeded or failed are forgotten.

import { recordKey } from '../records/record.ts'
import type { JournalEvent, OutcomeEvent } from './journal-format.ts'

/** Follows the events of a journal. Several records can share a key, but they are sent one after the other. */
export class RecordHistory {
  #hasBegun = false
  /** The keys of records in flight in this run. */
  readonly #inFlight = new Set<string>()
  /** How many records of each key an earlier run left in flight or with an unknown outcome. */
  readonly #unknown = new Map<string, number>()
  /** The keys of records that got an unknown outcome in this run. */
  #unknownInRun: string[] = []

  /** Adds an event. @returns why it cannot have happened: a clause that continues "line 7 … "; undefined if it can */
  add(event: JournalEvent): string | undefined {
    if (event.event === 'begun') {
      this.#endRun()
      this.#hasBegun = true
      return undefined
    }
    if (!this.#hasBegun) return 'is about a record, and no run has begun before it'
    const key = recordKey(event)
    if (event.event === 'sent') return this.#addSent(key, event.resumed)
    if (event.event !== 'not_sent') return this.#addOutcome(key, event)
    return this.#inFlight.delete(key) ? undefined : 'is about a request that was not in flight'
  }

  #endRun(): void {
    for (const keys of [this.#inFlight, this.#unknownInRun]) {
      for (const key of keys) this.#unknown.set(key, (this.#unknown.get(key) ?? 0) + 1)
    }
    this.#inFlight.clear()
    this.#unknownInRun = []
  }

  #addSent(key: string, isResumed = false): string | undefined {
    if (this.#inFlight.has(key)) return 'sends a record that the same run has in flight already'
    if (isResumed && !this.#takeUnknown(key)) return 'resumes a record whose outcome was not unknown'
    this.#inFlight.add(key)
    return undefined
  }

  #addOutcome(key: string, { event, code }: OutcomeEvent): string | undefined {
    // A record that an earlier run sent can get its outcome from a look-up, without being sent again.
    if (this.#inFlight.delete(key) || this.#takeUnknown(key)) {
      if (event === 'unknown') this.#unknownInRun.push(key)
      return undefined
    }
    // The action can fail before it sends a record. Then there is nothing that could be lost.
    if (event !== 'succeeded' && code === 'internal_error') return undefined
    return 'is an outcome without a request that it could belong to'
  }

  #takeUnknown(key: string): boolean {
    const count = this.#unknown.get(key)
    if (count === undefined) return false
    if (count === 1) this.#unknown.delete(key)
    else this.#unknown.set(key, count - 1)
    return true
  }
}
