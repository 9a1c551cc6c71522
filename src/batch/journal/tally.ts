// The counts of one run of a batch, and how long its records took.

import { formatMoney } from '../../operations/money.ts'
import { WarningKinds } from '../records/warning-kinds.ts'
import type { OutcomeEvent } from './journal-format.ts'
import type { Ledger } from './ledger.ts'

/** Upper limits of the classes in which record times are counted, in milliseconds. */
export const latencyClasses = [50, 100, 250, 500, 1000, 2500, 5000, 10_000, Number.POSITIVE_INFINITY] as const

/** How many slow records are kept. */
const maxSlowRecords = 10

export interface SlowRecord {
  readonly installation: string
  readonly line: number
  readonly ms: number
}

/** Counts the outcomes of a run. */
export class Tally {
  succeeded = 0
  /** Records that failed, including those with an unknown outcome. */
  failed = 0
  /** Records that are skipped because their installation or resource no longer exists. */
  gone = 0
  /** The records that failed because the rate limit of their installation lasts too long. */
  throttled = 0
  /** Attempts beyond the first one of each record. */
  retries = 0
  /** How many records fall in each of `latencyClasses`. */
  readonly latency: number[] = latencyClasses.map(() => 0)
  /** The warnings about records that succeeded. */
  readonly warnings = new WarningKinds()
  /** Slowest first. */
  readonly slowest: SlowRecord[] = []

  /** Counts a record. */
  add(outcome: OutcomeEvent): void {
    if (outcome.event === 'succeeded') {
      this.succeeded++
      if (outcome.message !== undefined) this.warnings.add({ message: outcome.message }, outcome.line)
    } else if (outcome.event === 'gone') this.gone++
    else {
      this.failed++
      if (outcome.code === 'throttled') this.throttled++
    }
    this.addTimes(outcome)
  }

  /** Counts how long a record took, and how many attempts. */
  addTimes({ installation, line, ms, attempts }: OutcomeEvent): void {
    if (Number.isSafeInteger(attempts)) this.retries += Math.max(0, (attempts as number) - 1)
    if (Number.isFinite(ms)) this.#addTime({ installation, line, ms: ms as number })
  }

  #addTime(record: SlowRecord): void {
    const index = latencyClasses.findIndex((limit) => record.ms <= limit)
    this.latency[index] = (this.latency[index] ?? 0) + 1
    const firstFaster = this.slowest.findIndex(({ ms }) => ms < record.ms)
    this.slowest.splice(firstFaster < 0 ? this.slowest.length : firstFaster, 0, record)
    this.slowest.length = Math.min(this.slowest.length, maxSlowRecords)
  }
}

/** How far a batch got. */
export interface BatchReport {
  /** Path of the batch file; for merged journals, their number. */
  readonly path: string
  readonly operation: string
  /** Records of the shard. */
  readonly total: number
  /** What the records of the shard are about, without test invoices: a decimal; undefined if that is not known. */
  readonly plannedAmount?: string | undefined
  /** Records that succeeded in earlier runs, and those that were gone. */
  readonly skipped: number
  /** This run; of merged journals, all runs. */
  readonly tally: Tally
  /** All runs by now; missing if no journal was opened. */
  readonly ledger?: Ledger
  readonly journalFile?: string
  /** Absolute path of the report, if one was written. */
  readonly reportFile?: string
  /** How long sending took, in milliseconds. */
  readonly ms?: number
}

/** The money that the batch moved by now, as a decimal; undefined if the operation moves no money, or no journal was opened. */
export const amountOfBatch = (
  { ledger }: Pick<BatchReport, 'ledger'>,
  operation: { readonly money?: unknown } | undefined,
): string | undefined => (ledger && operation?.money ? formatMoney(ledger.billed) : undefined)
