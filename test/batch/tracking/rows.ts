// Rows and tables of tracked invoices.

import { onTestFinished } from 'vitest'
import { InvoiceTable } from '../../../src/batch/tracking/invoice-table.ts'
import type { TrackedInvoice } from '../../../src/batch/tracking/tracked-invoice.ts'
import { newFolder } from '../files.ts'

export const rowOf = (change: Partial<TrackedInvoice> = {}): TrackedInvoice => ({
  line: 1,
  id: 'r-1',
  installation: 'icfg_1',
  status: 'not started',
  ...change,
})

/** A table that is closed after the test. */
export function newTable(rows: readonly TrackedInvoice[] = []): InvoiceTable {
  const table = new InvoiceTable(newFolder())
  onTestFinished(() => table.close())
  for (const row of rows) table.add(row)
  return table
}

export const rowsIn = (table: InvoiceTable): TrackedInvoice[] => [...table.rows()].map(([, row]) => row)
