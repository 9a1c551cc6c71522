// The journal's lines about the sending of one record: `sent` before each request that may be processed, and `not_sent` after
// one that certainly was not (429, no connection). So a killed batch never leaves a record as sent while it only waits.

import type { InvoiceReading } from '../../delivery/refund.ts'
import type { HttpRequest } from '../../http/transport.ts'
import type { Clock } from '../../runtime.ts'
import type { JournalWriter } from '../journal/journal-writer.ts'
import { identifyingFields, type PreparedRecord, sentEvent } from './prepared-record.ts'
import type { Slot } from './slot.ts'

interface SentLinesOptions {
  readonly writer: JournalWriter
  readonly clock: Clock
  /** The money that the record moves, as a decimal. */
  readonly amount: string | undefined
  /** Whether an earlier run sent the record, with an unknown outcome. */
  readonly isResumed: boolean
}

export class SentLines {
  readonly #record: PreparedRecord
  readonly #options: SentLinesOptions
  #before: InvoiceReading | undefined
  #isSent = false
  #mayHaveArrived: boolean

  constructor(record: PreparedRecord, options: SentLinesOptions) {
    this.#record = record
    this.#options = options
    this.#mayHaveArrived = options.isResumed
  }

  /** Whether the journal says that the record was sent. */
  get isSent(): boolean {
    return this.#isSent
  }

  /**
   * Writes lines for the requests of a slot from now on. Requests that only read get none, unless the record is such a request.
   *
   * @param before  for a refund: what the invoice shows
   */
  watch(slot: Slot, before?: InvoiceReading): void {
    const isOwn = ({ method }: HttpRequest) => method === this.#record.request.operation.method
    this.#before = before
    slot.beforeSend = async (request) => {
      if (!isOwn(request) || this.#isSent) return
      this.ensureSent()
      await this.#options.writer.flush()
    }
    slot.onNotProcessed = (request) => {
      if (isOwn(request)) this.#appendNotSent()
    }
    slot.onMayHaveArrived = () => {
      this.#mayHaveArrived = true
    }
  }

  /** Writes no lines for the slot's requests any more. */
  unwatch(slot: Slot): void {
    delete slot.beforeSend
    delete slot.onNotProcessed
    delete slot.onMayHaveArrived
  }

  /** Appends the `sent` line, which an outcome needs, unless it is there. */
  ensureSent(): void {
    if (this.#isSent) return
    const { writer, clock, amount, isResumed } = this.#options
    writer.append(sentEvent(this.#record, clock.now(), { amount, isResumed, before: this.#before }))
    this.#isSent = true
  }

  #appendNotSent(): void {
    if (!this.#isSent || this.#mayHaveArrived) return
    const { writer, clock } = this.#options
    writer.append({ event: 'not_sent', ...identifyingFields(this.#record), at: clock.now().toISOString() })
    this.#isSent = false
    // The writer keeps its failure, which stops the batch.
    writer.flushAtEndOfTurn().catch(() => {})
  }
}
