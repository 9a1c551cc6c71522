// The format of a journal: NDJSON that is only ever appended to. The first line is the header. Then come one line before
// a record is sent and one line after its outcome is known. A journal contains no token and no secret. Each line ends with
// a checksum, the field `crc`, which is not part of these types: line-chain.ts adds and removes it.

import type { InvoiceReading } from '../../delivery/refund.ts'

/** The first line: which batch the journal belongs to. */
export interface JournalHeader {
  readonly journal: 'vercel-marketplace'
  readonly version: 1
  readonly operation: string
  readonly shard: string
  /**
   * Origin and base path, such as `https://api.vercel.com`, or `sandbox`: what was sent to one was not sent to another.
   * Earlier versions wrote the host only, and `readJournal` completes it.
   */
  readonly api: string
  /** The input `external-id`, if the operation uses it: the idempotency keys of the records depend on it. */
  readonly externalId?: string
}

/** A run begins. */
export interface BegunEvent {
  readonly event: 'begun'
  /** ISO 8601, like every `at`. */
  readonly at: string
  /** Path of the batch file, as the step gives it. */
  readonly batch: string
  /** Records of the shard. */
  readonly total: number
  /** What these records are about, without test invoices: a decimal. Journals of earlier versions do not have it. */
  readonly amount?: string
}

/** A record is about to be sent. */
export interface SentEvent {
  readonly event: 'sent'
  /** The record's own id, or the digest of its content. */
  readonly id: string
  /** Line of the batch file, 1-based. */
  readonly line: number
  readonly installation: string
  /** Digest of the record's content. Missing if the record has no id of its own: its `id` is the digest. */
  readonly digest?: string
  readonly at: string
  readonly externalId?: string
  /** For a refund: the invoice. */
  readonly invoiceId?: string
  /** The money that the record is about, as a decimal. */
  readonly amount?: string
  /** Set if the record only tests, so that its amount is not billed. */
  readonly test?: true
  /** For a refund: what the invoice showed before. */
  readonly before?: InvoiceReading
  /** For a rotation: set if `new-tokens-file` had a token of the installation before. */
  readonly hadNewToken?: true
  /** Set if an earlier run sent the record and its outcome was unknown. */
  readonly resumed?: true
  /** The redacted request of a record with its own id, so that a later run can show how the record has changed. */
  readonly request?: unknown
}

/** The outcome of a record that was sent. */
export interface OutcomeEvent {
  /** `gone`: the installation or resource no longer exists, and `on-gone: skip` was set. */
  readonly event: 'succeeded' | 'failed' | 'unknown' | 'gone'
  readonly id: string
  readonly digest?: string
  readonly line: number
  readonly installation: string
  readonly at: string
  readonly status?: string
  /** Set if this batch had submitted the duplicate: an attempt whose response was lost, in this run or an earlier one. */
  readonly arrivedEarlier?: true
  readonly invoiceId?: string
  /** The money of a record that succeeded, as its `sent` line has it. */
  readonly amount?: string
  readonly test?: true
  readonly code?: string
  /** What went wrong, and what to do about it. */
  readonly message?: string
  /** The end of the message that says what to do. Journals of earlier versions do not mark it. */
  readonly hint?: string
  readonly httpStatus?: number
  readonly requestId?: string
  readonly attempts?: number
  /** How long the record took, without its waits for a slot. */
  readonly ms?: number
}

/** The request of the last `sent` line was certainly not processed: the record is as if it had not been started. */
export interface NotSentEvent {
  readonly event: 'not_sent'
  readonly id: string
  readonly digest?: string
  readonly line: number
  readonly installation: string
  readonly at: string
}

export type JournalEvent = BegunEvent | SentEvent | OutcomeEvent | NotSentEvent

/** Says why a journal cannot be read or written: a clause that continues "The journal … ". */
export class JournalError extends Error {
  override readonly name = 'JournalError'
  /** What to do: a sentence without its full stop. */
  readonly fix: string

  constructor(message: string, fix = 'Use another `journal-file`') {
    super(message)
    this.fix = fix
  }
}

/** @returns undefined if the line is truncated or is not JSON */
export function parseLine(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether a line is truncated, because the process ended while it wrote the line. */
export const isTruncated = (line: string): boolean => parseLine(line) === undefined
