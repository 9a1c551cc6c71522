// The plan of a batch: what a run of it would do, from the records of the whole file, regardless of the shard.

import Big from 'big.js'
import type { Diagnostic } from '../../failure.ts'
import { amountOf, isTestRequest } from '../../operations/billed-amount.ts'
import { formatMoney, unitsOf } from '../../operations/money.ts'
import { MoneySum } from '../../operations/money-sum.ts'
import type { Operation } from '../../operations/operation.ts'
import { type DigestSubject, RequestDigest } from '../../operations/request-digest.ts'
import type { BatchFile } from '../records/batch-file.ts'
import type { BatchRecord, Identity } from '../records/record.ts'
import { isInShard, type Shard } from '../records/shard.ts'
import { type WarningKind, WarningKinds } from '../records/warning-kinds.ts'
import { compareAmounts } from './compare.ts'
import { type EarlierBatch, readEarlierAmounts } from './earlier-amounts.ts'
import { InstallationAmounts } from './installation-amounts.ts'
import { type NamedComparison, nameInstallations } from './name-installations.ts'
import { TopList } from './top-list.ts'

/** A record in a list of the plan. */
export interface PlannedRecord {
  /** Line of the batch file, 1-based. */
  readonly line: number
  readonly installation: string
  /** A decimal. */
  readonly amount: string
}

/** A record among the largest, with the amounts of its installation. */
export interface LargestRecord extends PlannedRecord {
  /** What all records of the installation add up to, as a decimal. */
  readonly installationAmount?: string | undefined
  /** What the installation paid last time; undefined if it is new, or if nothing is compared. */
  readonly earlier?: string | undefined
}

export interface BatchPlan {
  readonly operation: Operation
  readonly records: number
  /** 0 if they were not counted. */
  readonly installations: number
  readonly digest: string
  /** What all records are about, as a decimal; undefined if they move no money, or if it was not needed. */
  readonly amount: string | undefined
  /** The sum of the amounts above 0. */
  readonly positiveAmount: string
  /** What the records of the shard bill, without test invoices: a decimal; undefined if they move no money. */
  readonly shardAmount: string | undefined
  /** How many records are test invoices, which count like others. */
  readonly tests: number
  readonly largest: readonly LargestRecord[]
  /** How many records are above `max-amount`, and the first of them. */
  readonly aboveMaxAmount: { readonly count: number; readonly first: readonly PlannedRecord[] }
  readonly warnings: readonly WarningKind[]
  readonly comparison: NamedComparison | undefined
}

export interface PlanOptions extends DigestSubject {
  readonly shard: Shard
  /** The input `max-amount`: a decimal. */
  readonly maxAmount: string | undefined
  /** The input `max-change`: percent, as a decimal. */
  readonly maxChange: string | undefined
  /** The batch to compare with. */
  readonly earlier: EarlierBatch | undefined
  /** Whether all amounts are needed; otherwise the plan has the digest and the amount of the shard only. */
  readonly measuresAmounts: boolean
  /** Whether installations are to be counted, and the largest records listed, for people. */
  readonly isShown: boolean
  /** From 0 to 1. */
  readonly random: () => number
}

const maxLargest = 10
const maxFindings = 10

/** Without `max-change`, a plan shows the installations whose amount has more than doubled, or disappeared. */
const defaultPercent = '100'

/** Builds the plan: add every record that was checked, in the order of the file. */
export class PlanBuilder {
  readonly #options: PlanOptions
  readonly #digest: RequestDigest
  readonly #sum = new MoneySum()
  /** Invoices whose discounts exceed their items: they must not hide others from a limit. */
  readonly #negativeSum = new MoneySum()
  readonly #shardSum = new MoneySum()
  readonly #amounts: InstallationAmounts | undefined
  readonly #largest = new TopList<PlannedRecord>(maxLargest)
  readonly #above: PlannedRecord[] = []
  readonly #warnings = new WarningKinds()
  #aboveCount = 0
  #tests = 0
  #records = 0

  constructor(options: PlanOptions) {
    this.#options = options
    this.#digest = new RequestDigest(options)
    if (options.isShown || options.earlier)
      this.#amounts = new InstallationAmounts(Math.floor(options.random() * 2 ** 32))
  }

  /** @param warnings  of the record's check */
  add(record: BatchRecord, identity: Identity, warnings: readonly Diagnostic[]): void {
    this.#records++
    this.#digest.add(identityText(identity))
    for (const warning of warnings) this.#warnings.add(warning, record.line)
    const { measuresAmounts, shard } = this.#options
    const amount = amountOf(record.request)
    this.#amounts?.addPlanned(record.installation, amount, record.line)
    if (amount === undefined) return
    const isTest = isTestRequest(record.request)
    if (!isTest && isInShard(shard, record.installation)) this.#shardSum.add(amount)
    if (measuresAmounts) this.#addAmount(record, amount, isTest)
  }

  #addAmount(record: BatchRecord, amount: string, isTest: boolean): void {
    this.#sum.add(amount)
    if (amount.startsWith('-')) this.#negativeSum.add(amount)
    if (isTest) this.#tests++
    const planned = () => ({ line: record.line, installation: record.installation, amount })
    if (this.#options.isShown) this.#largest.add(unitsOf(amount) ?? Number(amount) * 10_000, planned)
    const { maxAmount } = this.#options
    if (maxAmount === undefined || !isAbove(amount, maxAmount)) return
    this.#aboveCount++
    if (this.#above.length < maxFindings) this.#above.push(planned())
  }

  /** Adds the warnings about the file as a whole. Those of single records are known already, and are skipped. */
  addFileWarnings(warnings: readonly Diagnostic[]): void {
    const added = warnings.filter((warning) => !this.#warnings.has(warning))
    for (const warning of added) this.#warnings.add(warning, warning.position?.line ?? 1)
  }

  /**
   * Returns the plan. It reads the journals of `compare-with`, and the batch file again for the names of installations.
   *
   * @throws {Failure} if a journal cannot be read
   */
  finish(file: BatchFile): BatchPlan {
    const { operation, earlier, measuresAmounts } = this.#options
    const amounts = this.#amounts
    const installations = amounts?.size ?? 0
    const comparison = earlier && amounts && this.#compare(earlier, amounts, file)
    return {
      operation,
      records: this.#records,
      installations,
      digest: this.#digest.finish(),
      amount: operation.money && measuresAmounts ? this.#sum.format() : undefined,
      positiveAmount: formatMoney(this.#sum.value.minus(this.#negativeSum.value)),
      shardAmount: operation.money && this.#shardSum.format(),
      tests: this.#tests,
      largest: this.#largest.entries.map((record) => withInstallation(record, amounts)),
      aboveMaxAmount: { count: this.#aboveCount, first: this.#above },
      warnings: this.#warnings.list(),
      comparison,
    }
  }

  #compare(earlier: EarlierBatch, amounts: InstallationAmounts, file: BatchFile): NamedComparison {
    readEarlierAmounts(earlier, (installation, amount) => amounts.addEarlier(installation, amount))
    const comparison = compareAmounts(amounts, this.#options.maxChange ?? defaultPercent)
    return nameInstallations(comparison, { amounts, earlier, file })
  }
}

/** A record's identity as one line: a digest of 32 characters, after the record's own id if it has one. */
const identityText = ({ id, digest }: Identity) => (digest === undefined ? id : JSON.stringify(id) + digest)

/** Whether an amount is above a limit. Both are decimals. */
function isAbove(amount: string, limit: string): boolean {
  const [units, limitUnits] = [unitsOf(amount), unitsOf(limit)]
  return units === undefined || limitUnits === undefined ? new Big(amount).gt(limit) : units > limitUnits
}

function withInstallation(record: PlannedRecord, amounts: InstallationAmounts | undefined): LargestRecord {
  const found = amounts?.get(record.installation)
  if (!amounts || !found) return record
  const format = (side: 'planned' | 'earlier') =>
    found[side] === undefined ? undefined : formatMoney(amounts.exact(side, found.slot))
  return { ...record, installationAmount: format('planned'), earlier: format('earlier') }
}
