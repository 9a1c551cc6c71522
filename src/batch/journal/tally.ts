// What a batch comes to: counts, money, times, and the few records that people want to see.

import Big from 'big.js'
import type { Diagnostic } from '../../failure.ts'
import { countOf } from '../../format.ts'
import type { OutcomeEvent } from './journal.ts'

/** Upper ends of the classes that times are counted in, in milliseconds. */
export const latencyClasses = [50, 100, 250, 500, 1000, 2500, 5000, 10_000, Number.POSITIVE_INFINITY] as const

const maxShown = 10

export interface SlowRecord {
  readonly installation: string
  readonly line: number
  readonly ms: number
}

export class Tally {
  succeeded = 0
  /** Failed for certain, or with an outcome that is not known. */
  failed = 0
  /** Those of the failed whose outcome is not known. */
  unknown = 0
  /** Those of the succeeded that turned out to have been submitted before. */
  duplicates = 0
  /** More requests than one each. */
  retries = 0
  amount = new Big(0)
  hasAmount = false
  /** Of the succeeded: how often each `status` came. */
  readonly statuses = new Map<string, number>()
  readonly latency: number[] = latencyClasses.map(() => 0)
  readonly slowest: SlowRecord[] = []
  /** The first that failed. */
  readonly failures: OutcomeEvent[] = []
  /** How often each code was the reason. */
  readonly codes = new Map<string, number>()

  /** @param amount  the money that a record is about, as a decimal */
  add(outcome: OutcomeEvent, amount?: string): void {
    const { event, status, ms, installation, line, attempts = 1 } = outcome
    this.retries += Math.max(0, attempts - 1)
    if (ms !== undefined) this.#time({ installation, line, ms })
    if (event === 'succeeded') {
      this.succeeded++
      if (status === 'duplicate') this.duplicates++
      count(this.statuses, status ?? 'accepted')
      if (amount === undefined) return
      this.hasAmount = true
      if (status !== 'duplicate') this.amount = this.amount.plus(amount)
      return
    }
    this.failed++
    if (event === 'unknown') this.unknown++
    count(this.codes, outcome.code ?? 'unknown')
    if (this.failures.length < maxShown) this.failures.push(outcome)
  }

  /**
   * The failed records, for people: ten, and a count of the rest.
   *
   * @param file  that their lines are of
   */
  diagnostics(file?: string): Diagnostic[] {
    const findings = this.failures.map(({ installation, line, message = '', event }): Diagnostic => {
      const isSaid = event !== 'unknown' || message.includes('unknown')
      const where = file === undefined ? `line ${line}, ` : ''
      const text = `${where}${installation}: ${message}${isSaid ? '' : ' (the outcome is unknown)'}`
      return { message: text, ...(file !== undefined && { file, position: { line, column: 1 } }) }
    })
    const more = this.failed - 8
    if (this.failed <= maxShown - 1) return findings
    return [
      ...findings.slice(0, 8),
      { message: `and ${countOf(more, 'more record')} failed: the journal has them all` },
    ]
  }

  #time(slow: SlowRecord): void {
    const place = latencyClasses.findIndex((end) => slow.ms <= end)
    this.latency[place] = (this.latency[place] ?? 0) + 1
    if (this.slowest.length === maxShown && slow.ms <= (this.slowest.at(-1)?.ms ?? 0)) return
    const after = this.slowest.findIndex(({ ms }) => ms < slow.ms)
    this.slowest.splice(after < 0 ? this.slowest.length : after, 0, slow)
    this.slowest.length = Math.min(this.slowest.length, maxShown)
  }
}

/** How a batch ended, as far as it went. */
export interface BatchReport {
  /** The batch file, or what stands for it. */
  readonly path: string
  readonly operation: string
  /** Records of the shard. */
  readonly total: number
  /** Those that had succeeded in earlier runs. */
  readonly skipped: number
  readonly tally: Tally
  readonly journalFile?: string
  /** How long the sending took. */
  readonly ms?: number
}

const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1)
