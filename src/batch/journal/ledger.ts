// What a journal knows of its batch by now, earlier runs included: how many records are in each state, the money that
// they moved, and the failures by cause.

import Big from 'big.js'
import { hashKey } from '../records/key-hashes.ts'
import { recordKey } from '../records/record.ts'
import { type FailureGroup, FailureGroups, type OpenOutcome } from './failure-groups.ts'
import {
  JournalError,
  type JournalEvent,
  type NotSentEvent,
  type OutcomeEvent,
  type SentEvent,
} from './journal-format.ts'
import { type OpenRecord, OpenRecords } from './open-records.ts'

/** How many lines a group of failures names. */
const maxFirstLines = 3

/** How many lines of records are kept that no longer exist. */
const maxGoneLines = 10

/** Longer numbers, and exponents, would make sums slow and large. A payload's amounts have 40 characters at most. */
const summableAmount = /^-?\d{1,60}(\.\d{1,60})?$/

/** Why a record is not done if the journal ends before its outcome. */
const missingOutcome = {
  event: 'unknown',
  code: 'outcome_unknown',
  message: 'It was sent, and the journal ends before its outcome. Run the step again with this journal',
  hint: 'Run the step again with this journal',
} as const

/** A request that has no outcome yet. */
interface RequestInFlight {
  readonly sent: SentEvent
  /** Whether it is another try for a record that an earlier run left failed or unknown, and that counts as that until then. */
  readonly isRetry: boolean
}

/** A record that is not done at the end of a journal. */
export interface OpenRecordState {
  /** Of the record's key. */
  readonly hash: number
  readonly event: 'failed' | 'unknown'
  readonly line: number
  /** How many records are the same. */
  readonly count: number
}

/** Counts records by their last event. Apply the events of a journal in order, and then call `end`. */
export class Ledger {
  /** Records that succeeded, except those that were there already. */
  sent = 0
  /** Records that succeeded because they were submitted before this batch. */
  alreadyThere = 0
  /** Records that are skipped because their installation or resource no longer exists. */
  gone = 0
  /** The first lines of these records, in ascending order. */
  readonly goneLines: number[] = []
  /** Records that definitely failed. */
  rejected = 0
  /** Records whose outcome is unknown. */
  unknown = 0
  /** The money that this batch moved, without test invoices. Currencies are not distinguished. */
  billed = new Big(0)
  /** The money that all records are about that were attempted, without test invoices. */
  attempted = new Big(0)
  /** Test invoices that succeeded. */
  readonly tests = { count: 0, amount: new Big(0) }
  readonly #groups = new FailureGroups()
  readonly #open = new OpenRecords()
  /** By key: as many as there are requests in flight. */
  readonly #inFlight = new Map<string, RequestInFlight>()
  /** The keys of records whose last request was not processed: their amounts are in `attempted`. */
  readonly #withdrawn = new Set<string>()
  readonly #onDone: (key: string, outcome: OutcomeEvent) => void
  #run = 0

  /** @param onDone  called for each record that succeeded or is gone */
  constructor(onDone: (key: string, outcome: OutcomeEvent) => void = () => {}) {
    this.#onDone = onDone
  }

  /** Records that succeeded or were there already. */
  get succeeded(): number {
    return this.sent + this.alreadyThere
  }

  /** Records that failed, including those with an unknown outcome. */
  get failed(): number {
    return this.rejected + this.unknown
  }

  /** Records that were sent in this run, and whose outcome is not known yet. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  /** Records of which the journal has a line. */
  get known(): number {
    let first = 0
    for (const { isRetry } of this.#inFlight.values()) if (!isRetry) first++
    return this.succeeded + this.gone + this.failed + first
  }

  /** @throws {JournalError} if an amount is not a decimal */
  apply(event: JournalEvent): void {
    if (event.event === 'begun') {
      this.end()
      this.#run++
    } else if (event.event === 'sent') this.#applySent(event)
    else if (event.event === 'not_sent') this.#applyNotSent(event)
    else this.#applyOutcome(event)
  }

  /** Counts the records that were sent, and whose outcome the journal does not have, as unknown. */
  end(): void {
    for (const [key, request] of this.#inFlight) this.#endWithoutOutcome(key, request)
    this.#inFlight.clear()
  }

  /** The failures by cause, the largest group first. */
  failures(): FailureGroup[] {
    const firstLines = new Map<number, number[]>()
    for (const { group, line } of this.#open) {
      const lines = firstLines.get(group) ?? []
      firstLines.set(group, lines)
      addFirstLine(lines, line, maxFirstLines)
    }
    return this.#groups.list(firstLines)
  }

  /** The records that are not done, in no order. */
  *openRecords(): Generator<OpenRecordState> {
    for (const { hash, group, line, count } of this.#open) {
      yield { hash, line, count, event: this.#groups.isUnknown(group) ? 'unknown' : 'failed' }
    }
  }

  #applySent(event: SentEvent): void {
    const key = recordKey(event)
    const inFlight = this.#inFlight.get(key)
    if (inFlight) this.#endWithoutOutcome(key, inFlight)
    const isRetry = this.failed > 0 && this.#open.has(hashKey(key), this.#isRetriedBy(event))
    this.#inFlight.set(key, { sent: event, isRetry })
    const amount = amountOfEvent(event)
    const isCounted = isRetry || this.#withdrawn.delete(key)
    if (!isCounted && amount && !event.test) this.attempted = this.attempted.plus(amount)
  }

  /** The request before was certainly not processed. It is sent again, or the record counts as before: not started, or failed. */
  #applyNotSent(event: NotSentEvent): void {
    const key = recordKey(event)
    const request = this.#inFlight.get(key)
    if (!request) return
    this.#inFlight.delete(key)
    if (!request.isRetry) this.#withdrawn.add(key)
  }

  /** Whether a request is another try for a record. In the same run it is a second record with the key. */
  #isRetriedBy({ resumed }: SentEvent): (record: OpenRecord) => boolean {
    return ({ run, group }) => run < this.#run && this.#groups.isUnknown(group) === (resumed === true)
  }

  /** Takes back that a record is failed or unknown, because it has been sent again. */
  #takeRetried(key: string, { sent, isRetry }: RequestInFlight): void {
    if (isRetry) this.#takeOpen(key, this.#isRetriedBy(sent))
  }

  #endWithoutOutcome(key: string, request: RequestInFlight): void {
    const { installation, line } = request.sent
    this.#takeRetried(key, request)
    this.#addOpen(key, { ...missingOutcome, installation, line })
  }

  #applyOutcome(outcome: OutcomeEvent): void {
    const key = recordKey(outcome)
    const request = this.#inFlight.get(key)
    if (request) {
      this.#inFlight.delete(key)
      this.#takeRetried(key, request)
      // Without a request in flight it is the result of a look-up.
    } else if (!this.#takeOpen(key, ({ group }) => this.#groups.isUnknown(group))) return
    const { event } = outcome
    if (event === 'failed' || event === 'unknown') {
      this.#addOpen(key, { ...outcome, event })
      return
    }
    if (event === 'gone') {
      this.gone++
      addFirstLine(this.goneLines, outcome.line, maxGoneLines)
    } else this.#addSucceeded(outcome, request?.sent)
    this.#onDone(key, outcome)
  }

  #addSucceeded(outcome: OutcomeEvent, sent: SentEvent | undefined): void {
    const isOurs = outcome.status !== 'duplicate' || outcome.arrivedEarlier === true
    if (isOurs) this.sent++
    else this.alreadyThere++
    // Journals of earlier versions have the amount in the `sent` line only.
    const amount = amountOfEvent(outcome) ?? (sent && amountOfEvent(sent))
    if (!amount || !isOurs) return
    if (outcome.test ?? sent?.test) {
      this.tests.count++
      this.tests.amount = this.tests.amount.plus(amount)
    } else this.billed = this.billed.plus(amount)
  }

  #addOpen(key: string, outcome: OpenOutcome): void {
    if (outcome.event === 'unknown') this.unknown++
    else this.rejected++
    const group = this.#groups.add(outcome)
    this.#open.add(hashKey(key), { group, run: this.#run, line: outcome.line })
  }

  #takeOpen(key: string, isMatch: (record: OpenRecord) => boolean): boolean {
    if (this.failed === 0) return false
    const taken = this.#open.take(hashKey(key), isMatch)
    if (!taken) return false
    if (this.#groups.isUnknown(taken.group)) this.unknown--
    else this.rejected--
    this.#groups.remove(taken.group)
    return true
  }
}

/** Adds a line to a list of the first ones, in ascending order. */
function addFirstLine(lines: number[], line: number, max: number): void {
  if (lines.length === max && line > (lines.at(-1) as number)) return
  lines.push(line)
  lines.sort((one, other) => one - other)
  lines.length = Math.min(lines.length, max)
}

function amountOfEvent({ amount, line }: Pick<OutcomeEvent, 'amount' | 'line'>): Big | undefined {
  if (amount === undefined) return undefined
  if (typeof amount !== 'string' || !summableAmount.test(amount)) {
    throw new JournalError(
      `has an amount that is not a decimal, of the record of line ${line}: it was changed, so restore it, or use another one`,
    )
  }
  return new Big(amount)
}
