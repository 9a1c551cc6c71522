// Which invoices a batch refunds more than once. It keeps 8 bytes for each refund until the file is checked.

import { KeyHashes, lowerBound, quickHash } from './key-hashes.ts'

/** An invoice of an installation. */
export interface InvoiceName {
  readonly installation: string
  readonly invoiceId: string
}

/** The name of an invoice as one text. */
export const nameOfInvoice = ({ installation, invoiceId }: InvoiceName): string =>
  JSON.stringify([installation, invoiceId])

/** Collects the invoices of refunds. */
export class RefundedInvoices {
  readonly #keys = new KeyHashes(quickHash)

  add(invoice: InvoiceName): void {
    this.#keys.add(nameOfInvoice(invoice))
  }

  /** @returns whether an invoice was added more than once; it may be true for another invoice */
  repeated(): (invoice: InvoiceName) => boolean {
    const hashes = this.#keys.repeated()
    return (invoice) => {
      const hashed = quickHash(nameOfInvoice(invoice))
      return hashes[lowerBound(hashes, hashed)] === hashed
    }
  }
}
