// Follows the events of one journal: which records became invoices, and which may have.

import { quote } from '../../format.ts'
import { segmentProblem } from '../../payload/text-problems.ts'
import {
  JournalError,
  type JournalEvent,
  type NotSentEvent,
  type OutcomeEvent,
  type SentEvent,
} from '../journal/journal-format.ts'
import { hashKey } from '../records/key-hashes.ts'
import { recordKey } from '../records/record.ts'
import type { InvoiceTable } from './invoice-table.ts'
import { decimalOf, type TrackedInvoice } from './tracked-invoice.ts'

/** Adds the records of a journal to the table, apart from those that have no invoice. */
export class JournaledInvoices {
  /** How many records the journal's batch has. */
  records = 0
  readonly #table: InvoiceTable
  /**
   * The records without a known outcome, by the hash of their key: several records can share a key. Each is a row, or the
   * index of one in the table.
   */
  readonly #open = new Map<number, (TrackedInvoice | number)[]>()
  #held = 0

  readonly #maxHeldRows: number

  /** @param maxHeldRows  how many rows without a known outcome may be kept in memory */
  constructor(table: InvoiceTable, maxHeldRows = 10_000) {
    this.#table = table
    this.#maxHeldRows = maxHeldRows
  }

  /** @throws {JournalError} if an id of the event cannot be a part of a request's path */
  apply(event: JournalEvent): void {
    if (event.event === 'begun') {
      this.records = event.total
      return
    }
    const key = hashKey(recordKey(event))
    if (event.event === 'sent') this.#addSent(event, key)
    else this.#settle(event, key)
  }

  /** Adds the records whose outcome is unknown in the end. */
  finish(): void {
    for (const records of this.#open.values()) {
      records.forEach((record, index) => {
        if (typeof record !== 'number') records[index] = this.#table.add(record)
      })
    }
    this.#held = 0
  }

  #addSent(event: SentEvent, key: number): void {
    requireSegment(event, 'installation', event.installation)
    const open = this.#open.get(key) ?? []
    // A resumed record is open already.
    if (event.resumed && open.length > 0) return
    open.push(sentRow(event))
    this.#open.set(key, open)
    if (++this.#held > this.#maxHeldRows) this.finish()
  }

  #settle(event: OutcomeEvent | NotSentEvent, key: number): void {
    const open = this.#open.get(key)
    const record = open?.pop()
    if (!open || record === undefined) return
    const row = typeof record === 'number' ? this.#table.get(record) : record
    const settled = row && settledRow(row, event)
    if (event.event === 'unknown' && settled) {
      if (typeof record === 'number') this.#table.set(record, settled)
      open.push(typeof record === 'number' ? record : settled)
      return
    }
    if (open.length === 0) this.#open.delete(key)
    if (typeof record !== 'number') this.#held--
    this.#store(record, settled)
  }

  #store(record: TrackedInvoice | number, settled: TrackedInvoice | undefined): void {
    const table = this.#table
    if (!settled) {
      if (typeof record === 'number') table.remove(record)
      return
    }
    if (typeof record === 'number') table.set(record, settled)
    const index = typeof record === 'number' ? record : table.add(settled)
    table.setPending(index, settled.invoiceId !== undefined)
  }
}

/** The row of a record whose outcome is not known yet. */
function sentRow(event: SentEvent): TrackedInvoice {
  const { line, id, digest, installation, externalId, at } = event
  const amount = decimalOf(event.amount)
  return {
    line,
    id,
    ...(digest !== undefined && { digest }),
    installation,
    ...(typeof externalId === 'string' && { externalId }),
    status: 'unknown',
    ...(amount !== undefined && { amount }),
    ...(isTest(event) && { test: true as const }),
    at,
    code: 'outcome_unknown',
    message:
      'It was sent, and the journal ends before its outcome. Run the batch again with this journal, then track the invoices again',
  }
}

/** Whether the record is a test invoice. Journals of earlier versions have no amount for one. */
const isTest = (event: SentEvent): boolean =>
  event.amount === undefined || (event as { readonly test?: unknown }).test === true

/** The row of a record with its outcome; undefined if it has no invoice. */
function settledRow(row: TrackedInvoice, event: OutcomeEvent | NotSentEvent): TrackedInvoice | undefined {
  if (event.event === 'unknown') return { ...row, at: event.at, ...reasonFields(event) }
  // A request that failed or was not processed has made no invoice.
  if (event.event !== 'succeeded') return undefined
  const { invoiceId, status, at, httpStatus, requestId } = event
  const { code: _, message: __, ...known } = row
  if (invoiceId !== undefined) {
    requireSegment(event, 'invoice id', invoiceId)
    return { ...known, invoiceId, status: 'not started', at }
  }
  // A test invoice that was only validated.
  if (status === 'validated') return undefined
  return {
    ...known,
    at,
    ...(status === 'duplicate'
      ? {
          code: 'duplicate_without_id',
          message: `${event.arrivedEarlier ? 'The response to this batch was lost, and a repeat found the invoice' : 'The invoice was submitted before'}; Vercel does not return the id of an existing invoice. Find it at Vercel by its externalId`,
        }
      : {
          code: 'accepted_without_id',
          message: 'Vercel accepted the invoice without returning its id. Find it at Vercel by its externalId',
        }),
    ...(httpStatus !== undefined && { httpStatus }),
    ...(requestId !== undefined && { requestId }),
  }
}

const reasonFields = ({ code, message, httpStatus, requestId }: OutcomeEvent) => ({
  ...(code !== undefined && { code }),
  ...(message !== undefined && { message }),
  ...(httpStatus !== undefined && { httpStatus }),
  ...(requestId !== undefined && { requestId }),
})

function requireSegment({ line }: { readonly line: number }, what: string, id: unknown): void {
  const problem = typeof id === 'string' ? segmentProblem(id) : 'must be text'
  if (problem) throw new JournalError(`is damaged: the ${what} of the record of line ${quote(String(line))} ${problem}`)
}
