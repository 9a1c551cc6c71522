// Applies the events of a journal to the records of a batch.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { InvoiceReading } from '../../delivery/refund.ts'
import { Failure } from '../../failure.ts'
import { recordKey } from '../records/record.ts'
import type { RecordStates } from '../records/record-states.ts'
import type { InvoiceName } from '../records/refunded-invoices.ts'
import type { JournalEvent, SentEvent } from './journal-format.ts'
import { JournalMismatch, maxMismatchedRecords } from './journal-mismatch.ts'
import { Ledger } from './ledger.ts'
import { RefundHistory } from './refund-history.ts'

/** The last time that a record was sent. */
export interface LastSent {
  readonly at: Date
  /** For a refund: what the invoice showed before. */
  readonly before?: InvoiceReading
  /** For a rotation: whether \`new-tokens-file\` had a token of the installation before. */
  readonly hadNewToken: boolean
}

/** What a journal is applied to. */
export interface JournaledBatch {
  /** Of the batch's records; receives the previous outcomes from the journal. */
  readonly recordStates: RecordStates | undefined
  /** Whether the batch may have several refunds of an invoice; by default, each invoice may have. */
  readonly hasSeveralRefunds?: ((invoice: InvoiceName) => boolean) | undefined
  /** Cancels the reading of the journal. */
  readonly signal?: AbortSignal
}

/** How many events are applied in one turn of the event loop: some milliseconds. */
const eventsPerTurn = 1000

/** What earlier runs did. */
export interface EarlierRuns {
  /** How many records succeeded, or were gone. */
  readonly succeeded: number
  /** All events of the journal so far. */
  readonly ledger: Ledger
  readonly refunds: RefundHistory
  /** When each record with an unknown outcome was last sent, by its key. */
  readonly sent: ReadonlyMap<string, LastSent>
}

/** What a new journal knows. */
export const newEarlierRuns = ({ hasSeveralRefunds }: JournaledBatch): EarlierRuns => ({
  succeeded: 0,
  ledger: new Ledger(),
  refunds: new RefundHistory(hasSeveralRefunds),
  sent: new Map(),
})

/**
 * Applies a journal's events to the states of the batch's records.
 *
 * @throws {JournalMismatch} if the journal has records that the batch does not have
 * @throws {Failure} `cancelled`
 */
export async function applyEvents(
  events: Iterable<JournalEvent>,
  { recordStates, hasSeveralRefunds, signal }: JournaledBatch,
): Promise<EarlierRuns> {
  const ledger = new Ledger()
  const refunds = new RefundHistory(hasSeveralRefunds)
  const sent = new Map<string, LastSent>()
  const missingFromBatch: SentEvent[] = []
  let succeeded = 0
  let hasMatched = false
  // Several records can share a key. After one of them got an outcome, another may still be unknown; keep the latest time
  // so that a refund look-up does not take a refund from before that time for this one.
  const updateSent = (key: string, at: string) => {
    if (recordStates?.has(key, 'unknown')) sent.set(key, { at: new Date(at), hadNewToken: true })
    else sent.delete(key)
  }
  let count = 0
  for (const event of events) {
    if (++count % eventsPerTurn === 0) await nextTurn()
    if (signal?.aborted) throw cancelledWhileReading()
    ledger.apply(event)
    refunds.apply(event)
    if (event.event === 'begun') continue
    const key = recordKey(event)
    switch (event.event) {
      case 'sent':
        // The outcome of a resumed record was unknown before, and is unknown again.
        if (event.resumed || recordStates?.transition(key, 'none', 'unknown')) hasMatched = true
        else if (missingFromBatch.length < maxMismatchedRecords) missingFromBatch.push(event)
        sent.set(key, {
          at: new Date(event.at),
          ...(event.before && { before: event.before }),
          hadNewToken: event.hadNewToken ?? false,
        })
        break
      case 'succeeded':
      case 'gone':
        if (recordStates?.transition(key, 'unknown', 'succeeded')) succeeded++
        updateSent(key, event.at)
        break
      case 'failed':
      case 'not_sent':
        recordStates?.transition(key, 'unknown', 'none')
        updateSent(key, event.at)
        break
    }
  }
  if (missingFromBatch.length > 0) throw new JournalMismatch(missingFromBatch, !hasMatched)
  return { succeeded, ledger, refunds, sent }
}

const cancelledWhileReading = () =>
  new Failure('cancelled', 'The batch was cancelled while its journal was read, and nothing was sent', {
    hint: 'Run it again with the same batch file and journal',
  })
