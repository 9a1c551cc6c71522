// The table of tracked invoices.

import { type Failure, toFailure } from '../../failure.ts'
import type { TrackedInvoice } from '../tracking/tracked-invoice.ts'
import { requireOwnFile } from './own-file.ts'
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

export interface TrackingTableOptions {
  readonly workspace: string
  /** Of the table, as the step gives it. */
  readonly path: string
  /** Paths or globs of the journals that are tracked. */
  readonly journals: readonly string[]
  readonly tokensFile: string | undefined
  /** Removes the secrets of the step from a text. */
  readonly scrub: (text: string) => string
}

/**
 * Opens the table.
 *
 * @throws {Failure} if the file cannot be written, or is one that the step reads
 */
export function openTrackingTable({
  workspace,
  path: file,
  journals,
  tokensFile,
  scrub,
}: TrackingTableOptions): TrackingTable {
  requireOwnFile(file, { workspace, files: { 'tokens-file': tokensFile }, journals: { 'journal-file': journals } })
  const report = openReport({ workspace, path: file }, reportColumns, scrub)
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
