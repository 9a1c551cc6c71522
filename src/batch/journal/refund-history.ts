// The refunds whose outcome is unknown, and what may have changed their invoices besides. An invoice shows the sum of its
// refunds, and not which of them arrived: a refund is found by its amount only while no other refund of the same invoice
// can have arrived in the meantime. It also knows the refunds that the batch has made of invoices that it refunds several
// times, so that these are not taken for refunds of others.

import Big from 'big.js'
import type { InvoiceReading, OwnRefunds } from '../../delivery/refund.ts'
import type { PathParameters } from '../../operations/definition.ts'
import { recordKey } from '../records/record.ts'
import { type InvoiceName, nameOfInvoice } from '../records/refunded-invoices.ts'
import type { JournalEvent, OutcomeEvent, SentEvent } from './journal-format.ts'

/** A journal may have anything in its fields. */
const decimalPattern = /^\d{1,40}(\.\d{1,40})?$/

interface OpenRefund {
  readonly installation: string
  readonly invoiceId: string | undefined
  readonly amount: string | undefined
  /** What the invoice showed before the refund was sent; missing if the journal does not say. */
  readonly before: InvoiceReading | undefined
  /** What the invoice showed later, when no other refund can have changed it: the last such reading. */
  after: InvoiceReading | undefined
  /** Keys of the other refunds of the invoice that may have arrived since `before`. */
  readonly others: Set<string>
}

/** Names an invoice. Journals of earlier versions do not name it, so all invoices of the installation count as one. */
const invoiceName = (installation: string, invoiceId = '') => nameOfInvoice({ installation, invoiceId })

/**
 * Applies the events of a journal, in order. It keeps only refunds that are in flight or unknown, and the sums of those
 * invoices that have several.
 */
export class RefundHistory {
  readonly #hasSeveral: (invoice: InvoiceName) => boolean
  /** The refunds that were made, by invoice. */
  readonly #made = new Map<string, OwnRefunds>()
  /** The sums of the refunds that were not sent because the invoice showed them already, by invoice. */
  readonly #found = new Map<string, string>()
  readonly #open = new Map<string, OpenRefund>()
  /** The keys of the open refunds of each invoice. */
  readonly #byInvoice = new Map<string, Set<string>>()

  /** @param hasSeveral  whether the batch may have several refunds of an invoice */
  constructor(hasSeveral: (invoice: InvoiceName) => boolean = () => true) {
    this.#hasSeveral = hasSeveral
  }

  /** The refunds of an invoice that this batch has made; undefined if there are none, or if the invoice has one only. */
  madeBefore({ integrationConfigurationId, invoiceId }: PathParameters): OwnRefunds | undefined {
    return this.#made.get(invoiceName(integrationConfigurationId ?? '', invoiceId))
  }

  /** The sum of the refunds of an invoice that it showed already, as far as it has several; undefined if there are none. */
  foundBefore({ integrationConfigurationId, invoiceId }: PathParameters): string | undefined {
    return this.#found.get(invoiceName(integrationConfigurationId ?? '', invoiceId))
  }

  /** Whether this batch has a refund of an invoice whose outcome is unknown. */
  hasUnknown({ integrationConfigurationId = '', invoiceId }: PathParameters): boolean {
    return this.#refundsOf(integrationConfigurationId, invoiceId).next().done !== true
  }

  apply(event: JournalEvent): void {
    if (event.event === 'begun') return
    if (event.event === 'sent') this.#applySent(event)
    else if (this.#open.size > 0) this.#applyOutcome(recordKey(event), event)
  }

  /** What the invoice showed after an open refund was sent, if another refund was sent later. */
  readingAfter(key: string): InvoiceReading | undefined {
    return this.#open.get(key)?.after
  }

  /** Whether other refunds may have changed the invoice since an open refund was sent. */
  isAmbiguous(key: string): boolean {
    return (this.#open.get(key)?.others.size ?? 0) > 0
  }

  #applySent(event: SentEvent): void {
    const { installation, invoiceId, amount, before } = event
    // Not a refund.
    if (!before && invoiceId === undefined) return
    const key = recordKey(event)
    const invoice = invoiceName(installation, invoiceId)
    const others = new Set<string>()
    // The same record again: two records with one key cannot be distinguished.
    if (this.#open.has(key)) others.add(`${key}\n`)
    for (const [otherKey, other] of this.#refundsOf(installation, invoiceId)) {
      if (otherKey === key || !before) continue
      if (other.others.size === 0) other.after = before
      if (!hasGrownByAmount(other)) others.add(otherKey)
      other.others.add(key)
    }
    this.#remove(key)
    this.#open.set(key, { installation, invoiceId, amount, before, after: undefined, others })
    this.#byInvoice.set(invoice, (this.#byInvoice.get(invoice) ?? new Set()).add(key))
  }

  #applyOutcome(key: string, { event, status }: Pick<OutcomeEvent, 'status'> & Pick<JournalEvent, 'event'>): void {
    const refund = this.#open.get(key)
    if (!refund) return
    if (event !== 'unknown') this.#remove(key)
    if (event === 'succeeded') {
      if (status === 'duplicate') this.#addFound(refund)
      else this.#addMade(refund)
    }
    const hasNotArrived = event === 'failed' || event === 'gone' || event === 'not_sent' || status === 'duplicate'
    for (const [otherKey, { others }] of this.#refundsOf(refund.installation, refund.invoiceId)) {
      if (otherKey === key) continue
      if (hasNotArrived) others.delete(key)
      // Journals of earlier versions do not have what every refund's invoice showed before.
      else if (!refund.before) others.add(key)
    }
  }

  #addMade({ installation, invoiceId, amount, before }: OpenRefund): void {
    if (invoiceId === undefined || !before || !decimalPattern.test(String(amount))) return
    if (!this.#hasSeveral({ installation, invoiceId })) return
    const name = invoiceName(installation, invoiceId)
    const made = this.#made.get(name) ?? { before, total: '0' }
    this.#made.set(name, { ...made, total: new Big(made.total).plus(String(amount)).toFixed() })
  }

  #addFound({ installation, invoiceId, amount }: OpenRefund): void {
    if (invoiceId === undefined || !decimalPattern.test(String(amount))) return
    if (!this.#hasSeveral({ installation, invoiceId })) return
    const name = invoiceName(installation, invoiceId)
    this.#found.set(name, new Big(this.#found.get(name) ?? 0).plus(String(amount)).toFixed())
  }

  *#refundsOf(installation: string, invoiceId: string | undefined): Generator<readonly [string, OpenRefund]> {
    for (const invoice of new Set([invoiceName(installation, invoiceId), invoiceName(installation)])) {
      for (const key of this.#byInvoice.get(invoice) ?? []) yield [key, this.#open.get(key) as OpenRefund]
    }
  }

  #remove(key: string): void {
    const refund = this.#open.get(key)
    if (!refund) return
    this.#open.delete(key)
    const invoice = invoiceName(refund.installation, refund.invoiceId)
    const keys = this.#byInvoice.get(invoice) as Set<string>
    keys.delete(key)
    if (keys.size === 0) this.#byInvoice.delete(invoice)
  }
}

/** Whether the reading after a refund shows that it arrived, so that it cannot arrive later. */
const hasGrownByAmount = ({ before, after, amount }: OpenRefund): boolean =>
  before !== undefined &&
  [amount, before.refundTotal ?? '0', after?.refundTotal].every((text) => decimalPattern.test(String(text))) &&
  new Big(String(after?.refundTotal)).minus(before.refundTotal ?? '0').eq(String(amount))
