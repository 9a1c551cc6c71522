// The rows of a report: of records that are planned or not started, and of records in a journal.

import { withKey } from '../../delivery/idempotency-key.ts'
import { amountOf } from '../../operations/billed-amount.ts'
import type { Operation } from '../../operations/operation.ts'
import { mask } from '../../secrets.ts'
import type { OutcomeEvent, SentEvent } from '../journal/journal-format.ts'
import type { BatchRecord } from '../records/record.ts'
import type { JournaledRecord } from './journal-index.ts'
import { type ReportColumn, type ReportRow, reportColumns } from './report-file.ts'

/** The columns that the records of an operation have. Those of followed invoices are missing. */
export function columnsOf({ retry, hasInvoice, money }: Operation): ReportColumn[] {
  const absent: readonly (ReportColumn | false)[] = [
    'invoiceNumber',
    'refunded',
    retry !== 'idempotency-key' && 'externalId',
    !hasInvoice && 'invoiceId',
    !money && 'amount',
  ]
  return reportColumns.filter((column) => !absent.includes(column))
}

/**
 * The row of a record that was not sent.
 *
 * @param externalId  the input `external-id`
 */
export function unsentRow(record: BatchRecord, status: 'planned' | 'not started', externalId: string): ReportRow {
  const { line, ownId, installation, request } = record
  const keyed = request.operation.retry === 'idempotency-key' ? withKey(request, externalId).request : request
  return {
    line,
    id: withoutToken(ownId, record),
    installation: withoutToken(installation, record),
    externalId: withoutToken(keyed.body?.externalId as string | undefined, record),
    invoiceId: request.params.invoiceId,
    status,
    amount: amountOf(request),
  }
}

/** Tokens of a file are not known to the step as secrets, and neither are those of records. */
const withoutToken = (text: string | undefined, { token }: BatchRecord) => text?.replaceAll(token, mask)

/** The row of a record that was sent. Journals contain no secrets. */
export function journaledRow({ sent, outcome = missingOutcomeOf(sent) }: JournaledRecord, line: number): ReportRow {
  const { event, status = 'accepted', at, code, message, httpStatus, requestId } = outcome
  return {
    line,
    id: sent.digest === undefined ? undefined : sent.id,
    installation: sent.installation,
    externalId: sent.externalId,
    invoiceId: outcome.invoiceId ?? sent.invoiceId,
    status: event === 'succeeded' ? status : event,
    amount: sent.amount,
    at,
    code,
    message,
    httpStatus,
    requestId,
  }
}

const missingOutcomeOf = ({ at }: SentEvent) =>
  ({
    event: 'unknown',
    at,
    code: 'outcome_unknown',
    message: 'It was sent, and the journal ends before its outcome',
  }) as Partial<OutcomeEvent>
