// The journal's lines about the sending of one record: `sent` before each request that may be processed, and `not_sent` after
// one that certainly was not (429, no connection). So a killed batch never leaves a record as sent while it only waits.

import type { InvoiceReading } from '../../delivery/refund.ts'
import type { HttpRequest } from '../../http/transport.ts'
import type { Clock } from '../../runtime.ts'
import type { NotSentEvent, SentEvent } from '../journal/journal-format.ts'
import type { OpenJournal } from '../journal/open-journal.ts'
import { identifyingFields, type PreparedRecord, sentEvent } from './prepared-record.ts'
import type { Slot } from './slot.ts'

interface SentLinesOptions {
  readonly journal: Pick<OpenJournal, 'writer' | 'refunds'>
  readonly clock: Clock
  /** Whether an earlier run sent the record, with an unknown outcome. */
  readonly isResumed: boolean
  /** Whether `new-tokens-file` has a token of the installation. */
  readonly hadNewToken: boolean
}

export class SentLines {
  readonly #record: PreparedRecord
  readonly #options: SentLinesOptions
  #before: InvoiceReading | undefined
  #sent: SentEvent | undefined
  #mayHaveArrived: boolean

  constructor(record: PreparedRecord, options: SentLinesOptions) {
    this.#record = record
    this.#options = options
    this.#mayHaveArrived = options.isResumed
  }

  /** The line that says that the record was sent; undefined if the journal does not say so. */
  get sent(): SentEvent | undefined {
    return this.#sent
  }

  /**
   * Writes lines for the requests of a slot from now on. Requests that only read get no lines, unless the record is such a request.
   *
   * @param before  for a refund: what the invoice shows
   */
  watch(slot: Slot, before?: InvoiceReading): void {
    const isOwn = ({ method }: HttpRequest) => method === this.#record.request.operation.method
    this.#before = before
    slot.beforeSend = async (request) => {
      if (!isOwn(request) || this.#sent) return
      this.ensureSent()
      await this.#options.journal.writer.flush()
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
    if (this.#sent) return
    const { clock, isResumed, hadNewToken } = this.#options
    this.#sent = sentEvent(this.#record, clock.now(), { isResumed, before: this.#before, hadNewToken })
    this.#append(this.#sent)
  }

  #appendNotSent(): void {
    if (!this.#sent || this.#mayHaveArrived) return
    const { journal, clock } = this.#options
    this.#append({ event: 'not_sent', ...identifyingFields(this.#record), at: clock.now().toISOString() })
    this.#sent = undefined
    // The writer keeps its failure, which stops the batch.
    journal.writer.flushAtEndOfTurn().catch(() => {})
  }

  #append(event: SentEvent | NotSentEvent): void {
    const { writer, refunds } = this.#options.journal
    writer.append(event)
    refunds.apply(event)
  }
}
