// The table of tracked invoices.

import { type Failure, toFailure } from '../../failure.ts'
import type { TrackedInvoice } from '../tracking/tracked-invoice.ts'
import { openReport, type ReportRow, reportColumns } from './report-file.ts'

export interface TrackingTable {
  /** Writes all rows, and replaces the file. It does not throw: `failure` returns what went wrong. */
  readonly write: (invoices: Iterable<TrackedInvoice>) => void
  readonly failure: () => Failure | undefined
  /** The absolute path of the file, once it is written. */
  readonly path: () => string | undefined
  /** Deletes what was written, unless the file is complete. */
  readonly discard: () => void
}

/**
 * Opens the table.
 *
 * @param scrub  removes secrets from a text
 * @throws {Failure} if the file cannot be written
 */
export function openTrackingTable(
  place: { readonly workspace: string; readonly path: string },
  scrub: (text: string) => string,
): TrackingTable {
  const report = openReport(place, reportColumns, scrub)
  let failure: Failure | undefined
  let path: string | undefined
  return {
    write(invoices) {
      try {
        for (const invoice of invoices) report.write(trackedRow(invoice))
        path = report.commit()
      } catch (error) {
        failure = toFailure(error)
      }
    },
    failure: () => failure,
    path: () => path,
    discard: report.discard,
  }
}

/** A record without an id of its own is identified by a digest, which a table does not need. */
const trackedRow = ({ id, digest, ...invoice }: TrackedInvoice): ReportRow => {
  const { line, installation, externalId, invoiceId, invoiceNumber, status, amount, refunded } = invoice
  const { at, code, message, httpStatus, requestId } = invoice
  return {
    line,
    ...(digest !== undefined && { id }),
    installation,
    externalId,
    invoiceId,
    invoiceNumber,
    status,
    amount,
    refunded,
    at,
    code,
    message,
    httpStatus,
    requestId,
  }
}
