// The format of a journal: NDJSON that is only ever appended to. The first line is the header. Then come one line before
// a record is sent and one line after its outcome is known. A journal contains no token and no secret.

import type { InvoiceReading } from '../../delivery/refund.ts'
import { isObject } from '../../payload/schema.ts'

/** The first line: which batch the journal belongs to. */
export interface JournalHeader {
  readonly journal: 'vercel-marketplace'
  readonly version: 1
  readonly operation: string
  readonly shard: string
  /** The host, or `sandbox`: what was sent to one was not sent to the other. */
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
  /** The money that the record moves, as a decimal. */
  readonly amount?: string
  /** For a refund: what the invoice showed before. */
  readonly before?: InvoiceReading
  /** Set if an earlier run sent the record and its outcome was unknown. */
  readonly resumed?: true
  /** The redacted request of a record with its own id, so that a later run can show how the record has changed. */
  readonly request?: unknown
}

/** The outcome of a record that was sent. */
export interface OutcomeEvent {
  readonly event: 'succeeded' | 'failed' | 'unknown'
  readonly id: string
  readonly digest?: string
  readonly line: number
  readonly installation: string
  readonly at: string
  readonly status?: string
  readonly invoiceId?: string
  readonly code?: string
  readonly message?: string
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

/** Whether a parsed line is the first line of a journal. */
export const isHeader = (value: unknown): value is JournalHeader =>
  isObject(value) &&
  value.journal === 'vercel-marketplace' &&
  [value.operation, value.shard, value.api].every((field) => typeof field === 'string')

/** Whether a parsed line is an event: the start of a run, or what happened to a record. */
export const isEvent = (value: unknown): value is JournalEvent => isBegunEvent(value) || isRecordEvent(value)

const isBegunEvent = (value: unknown): value is BegunEvent =>
  isObject(value) && value.event === 'begun' && typeof value.total === 'number'

const isRecordEvent = (value: unknown): value is SentEvent | OutcomeEvent | NotSentEvent =>
  isObject(value) &&
  ['sent', 'succeeded', 'failed', 'unknown', 'not_sent'].includes(String(value.event)) &&
  [value.id, value.installation].every((field) => typeof field === 'string') &&
  typeof value.line === 'number'
