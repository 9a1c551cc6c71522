// An invoice of a journal, and what Vercel says about it.

/** The values of `status` that are not a state of Vercel's. */
export const untoldStatuses = ['not started', 'unreadable', 'unknown'] as const

/** A row of the report: an invoice that was submitted, or a record that may have submitted one. */
export interface TrackedInvoice {
  /** Line of the batch file, 1-based. */
  readonly line: number
  /** How the journal identifies the record: by its own id, or by the digest of its content. */
  readonly id: string
  readonly digest?: string
  readonly installation: string
  readonly externalId?: string
  /** Vercel's id of the invoice. Without it the invoice cannot be read. */
  readonly invoiceId?: string
  readonly invoiceNumber?: string
  /**
   * The invoice's state, or one of `untoldStatuses`: `not started` until Vercel was asked, `unreadable` if the invoice
   * could not be read, `unknown` if the record has no invoice id.
   */
  readonly status: string
  /** The invoice's total, as a decimal. */
  readonly amount?: string
  /** Set if it is a test invoice, which bills nobody. */
  readonly test?: true
  /** What was refunded, as a decimal. */
  readonly refunded?: string
  /** ISO 8601. */
  readonly invoiceDate?: string
  /** When the status became known, in ISO 8601. */
  readonly at?: string
  /** Why the invoice could not be read, or why the record has no invoice id. */
  readonly code?: string
  readonly message?: string
  readonly httpStatus?: number
  readonly requestId?: string
}

/** The states of an invoice that the customer has not paid in time, or could not pay. */
export const unpaidStates: readonly string[] = ['overdue', 'notpaid']

/** When the invoice was issued, in milliseconds since 1970; undefined if that is not known. */
export function invoiceTime({ invoiceDate = '' }: Pick<TrackedInvoice, 'invoiceDate'>): number | undefined {
  // Date.parse also accepts texts such as `1` and `item 2`.
  const time = /^\d{4}-\d\d-\d\d/.test(invoiceDate) ? Date.parse(invoiceDate) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

/** Whole days since the invoice's date; undefined if the date is not known. */
export function ageInDays(row: Pick<TrackedInvoice, 'invoiceDate'>, now: Date): number | undefined {
  const time = invoiceTime(row)
  return time === undefined ? undefined : Math.max(0, Math.floor((now.getTime() - time) / 86_400_000))
}

/** A decimal of the API or of a journal, negative ones included; undefined for any other value. */
export function decimalOf(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && /^-?\d{1,40}(\.\d{1,40})?$/.test(text) ? text : undefined
}
