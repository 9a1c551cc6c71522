// Finds invoices that several journals have, so that each is counted once.

import { hashKey, KeyHashes, lowerBound } from '../records/key-hashes.ts'
import { recordKey } from '../records/record.ts'
import { inTurns } from './in-turns.ts'
import type { InvoiceTable } from './invoice-table.ts'
import type { TrackedInvoice } from './tracked-invoice.ts'

/**
 * Removes rows that repeat one of another journal: the same invoice, or a record without an invoice id that another
 * journal has too. Records of one journal are different records, even if they share a key.
 *
 * @param starts  the index of each journal's first row, ascending
 */
export async function dropRepeated(table: InvoiceTable, starts: readonly number[], signal: AbortSignal): Promise<void> {
  if (starts.length < 2) return
  const invoiceKeys = new KeyHashes()
  const recordKeys = new KeyHashes()
  for await (const [, row] of inTurns(table.rows(), signal)) {
    recordKeys.add(recordKey(row))
    if (row.invoiceId !== undefined) invoiceKeys.add(invoiceKey(row))
  }
  const invoices = new SharedKeys(invoiceKeys)
  const records = new SharedKeys(recordKeys)
  const journalOf = (index: number) => starts.findLastIndex((start) => start <= index)
  // Rows with an invoice first: one of them says more than a row of the same record without it.
  for await (const [index, row] of inTurns(table.rows(), signal)) {
    if (row.invoiceId === undefined) continue
    if (invoices.isInEarlier(invoiceKey(row), journalOf(index))) table.remove(index)
    else records.isInEarlier(recordKey(row), journalOf(index))
  }
  for await (const [index, row] of inTurns(table.rows(), signal)) {
    if (row.invoiceId === undefined && records.isInEarlier(recordKey(row), journalOf(index))) table.remove(index)
  }
}

const invoiceKey = ({ installation, invoiceId }: TrackedInvoice) => `${installation}\n${invoiceId}`

/** The keys that several rows may have. Only they are kept as texts, since equal hashes only suggest equal keys. */
class SharedKeys {
  /** The hashes of keys that several rows have, in ascending order. */
  readonly #repeated: Float64Array
  /** The journal that had the key first. */
  readonly #journals = new Map<string, number>()

  constructor(keys: KeyHashes) {
    this.#repeated = keys.repeated()
  }

  /** Whether another journal had the key before. */
  isInEarlier(key: string, journal: number): boolean {
    const hashed = hashKey(key)
    if (this.#repeated[lowerBound(this.#repeated, hashed)] !== hashed) return false
    const first = this.#journals.get(key) ?? journal
    this.#journals.set(key, first)
    return first !== journal
  }
}
