// The counts of a batch: outcomes, money, times, and the few records that are shown to people.

import Big from 'big.js'
import type { Diagnostic } from '../../failure.ts'
import { countOf } from '../../format.ts'
import type { OutcomeEvent } from './journal-format.ts'

/** Upper limits of the classes in which record times are counted, in milliseconds. */
export const latencyClasses = [50, 100, 250, 500, 1000, 2500, 5000, 10_000, Number.POSITIVE_INFINITY] as const

/** How many failed records, and how many slow ones, are kept. */
const maxKeptRecords = 10
/** How many failed records are listed if there are more of them than annotations. */
const maxListedFailures = 8

export interface SlowRecord {
  readonly installation: string
  readonly line: number
  readonly ms: number
}

/** Counts the outcomes of a batch for its outputs and its summary. */
export class Tally {
  succeeded = 0
  /** Records that failed, including those with an unknown outcome. */
  failed = 0
  /** The failed records whose outcome is unknown. */
  unknown = 0
  /** The succeeded records that had been submitted before. */
  duplicates = 0
  /** Attempts beyond the first one of each record. */
  retries = 0
  amount = new Big(0)
  hasAmount = false
  /** How many succeeded records have each `status`. */
  readonly statuses = new Map<string, number>()
  /** How many records fall in each of `latencyClasses`. */
  readonly latency: number[] = latencyClasses.map(() => 0)
  /** Slowest first. */
  readonly slowest: SlowRecord[] = []
  /** The first records that failed. */
  readonly failures: OutcomeEvent[] = []
  /** How many failed records have each error code. */
  readonly codes = new Map<string, number>()
  /** How many records definitely failed with each HTTP status. */
  readonly failedHttpStatuses = new Map<number, number>()

  /**
   * Counts a record.
   *
   * @param amount  the money that the record moves, as a decimal
   */
  add(outcome: OutcomeEvent, amount?: string): void {
    const { event, status, httpStatus, ms, installation, line, attempts = 1 } = outcome
    this.retries += Math.max(0, attempts - 1)
    if (ms !== undefined) this.#addTime({ installation, line, ms })
    if (event === 'succeeded') {
      this.succeeded++
      if (status === 'duplicate') this.duplicates++
      increment(this.statuses, status ?? 'accepted')
      if (amount === undefined) return
      this.hasAmount = true
      if (status !== 'duplicate') this.amount = this.amount.plus(amount)
      return
    }
    this.failed++
    if (event === 'unknown') this.unknown++
    else if (httpStatus !== undefined) increment(this.failedHttpStatuses, httpStatus)
    increment(this.codes, outcome.code ?? 'unknown')
    if (this.failures.length < maxKeptRecords) this.failures.push(outcome)
  }

  /**
   * The failed records as diagnostics: nine at most, or eight and a count of the rest.
   *
   * @param file  the batch file; without it each message names the line
   */
  diagnostics(file?: string): Diagnostic[] {
    const diagnostics = this.failures.map(({ installation, line, message = '', event }): Diagnostic => {
      const needsOutcome = event === 'unknown' && !message.includes('unknown')
      const place = file === undefined ? `line ${line}, ` : ''
      const text = `${place}${installation}: ${message}${needsOutcome ? ' (the outcome is unknown)' : ''}`
      return { message: text, ...(file !== undefined && { file, position: { line, column: 1 } }) }
    })
    if (this.failed <= maxListedFailures + 1) return diagnostics
    const rest = countOf(this.failed - maxListedFailures, 'more record')
    return [...diagnostics.slice(0, maxListedFailures), { message: `and ${rest} failed: the journal has them all` }]
  }

  #addTime(record: SlowRecord): void {
    const index = latencyClasses.findIndex((limit) => record.ms <= limit)
    this.latency[index] = (this.latency[index] ?? 0) + 1
    if (this.slowest.length === maxKeptRecords && record.ms <= (this.slowest.at(-1)?.ms ?? 0)) return
    const firstFaster = this.slowest.findIndex(({ ms }) => ms < record.ms)
    this.slowest.splice(firstFaster < 0 ? this.slowest.length : firstFaster, 0, record)
    this.slowest.length = Math.min(this.slowest.length, maxKeptRecords)
  }
}

/** How far a batch got. */
export interface BatchReport {
  /** Path of the batch file; for merged journals, their number. */
  readonly path: string
  readonly operation: string
  /** Records of the shard. */
  readonly total: number
  /** Records that succeeded in earlier runs. */
  readonly skipped: number
  readonly tally: Tally
  readonly journalFile?: string
  /** Absolute path of the report, if one was written. */
  readonly reportFile?: string
  /** How long sending took, in milliseconds. */
  readonly ms?: number
}

const increment = <Key>(counts: Map<Key, number>, key: Key) => counts.set(key, (counts.get(key) ?? 0) + 1)
