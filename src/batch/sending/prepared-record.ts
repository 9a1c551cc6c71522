// A record that is about to be sent, and what the journal says of it.

import type { Delivery } from '../../delivery/deliver.ts'
import { withKey } from '../../delivery/idempotency-key.ts'
import type { Reconciled } from '../../delivery/reconcile.ts'
import type { InvoiceReading } from '../../delivery/refund.ts'
import { parseBody, requestId } from '../../delivery/response.ts'
import { outcomeOf } from '../../operations/outcome.ts'
import { Secrets } from '../../secrets.ts'
import type { OutcomeEvent, SentEvent } from '../journal/journal.ts'
import { type BatchRecord, type Identity, redactedRecord } from '../records/record.ts'

export interface PreparedRecord extends BatchRecord {
  readonly identity: Identity
  /** The record before it was given an idempotency key. */
  readonly original: BatchRecord
  /** Removes the record's secrets from a text, and shortens it for a line of the journal. */
  readonly clean: (text: string) => string
}

/** What an outcome says apart from which record it is about. */
export type RecordResult = Pick<
  OutcomeEvent,
  'event' | 'status' | 'invoiceId' | 'code' | 'message' | 'httpStatus' | 'requestId' | 'attempts'
>

/** How much of a request or a message the journal keeps: its lines must stay readable. */
const maxJournaledChars = 2000

/** The `…` marks the cut, so that a secret that was cut there is still found. */
const shorten = (text: string) => (text.length > maxJournaledChars ? `${text.slice(0, maxJournaledChars)}…` : text)

/** Removes the secrets of records from texts. */
export class RecordScrubber {
  readonly #extraSecrets: readonly string[]
  /** By token: most records have no other secret, and tokens recur. */
  readonly #byToken = new Map<string, Secrets>()

  /** @param extraSecrets  secrets that belong to no record */
  constructor(extraSecrets: readonly string[]) {
    this.#extraSecrets = extraSecrets
  }

  /** A text without the record's secrets, short enough for a line of the journal. */
  clean(text: string, record: Pick<BatchRecord, 'token' | 'secrets'>, issued?: string): string {
    return this.#secretsOf(record, issued).scrub(shorten(text))
  }

  #secretsOf({ token, secrets }: Pick<BatchRecord, 'token' | 'secrets'>, issued: string | undefined): Secrets {
    const isOrdinary = secrets.length === 0 && issued === undefined
    const known = isOrdinary ? this.#byToken.get(token) : undefined
    if (known) return known
    const own = new Secrets()
    own.add([token, ...secrets, ...this.#extraSecrets, ...(issued === undefined ? [] : [issued])])
    if (isOrdinary) {
      if (this.#byToken.size >= 5000) this.#byToken.clear()
      this.#byToken.set(token, own)
    }
    return own
  }
}

/** @param externalId  the input `external-id` */
export function prepareRecord(
  original: BatchRecord,
  identity: Identity,
  externalId: string,
  scrubber: RecordScrubber,
): PreparedRecord {
  const clean = (text: string) => scrubber.clean(text, original)
  const { request } = original
  const isKeyed = request.operation.retry === 'idempotency-key'
  return { ...original, original, identity, clean, request: isKeyed ? withKey(request, externalId).request : request }
}

/** The fields by which the journal names a record. */
export const recordFields = ({ identity, line, installation }: PreparedRecord) => ({ ...identity, line, installation })

/** @param isResumed  whether an earlier run sent it, with an unknown outcome */
export function sentEvent(
  record: PreparedRecord,
  at: Date,
  {
    amount,
    isResumed,
    before,
  }: {
    readonly amount: string | undefined
    readonly isResumed: boolean
    readonly before?: InvoiceReading | undefined
  },
): SentEvent {
  const { externalId } = record.request.body ?? {}
  return {
    event: 'sent',
    ...recordFields(record),
    at: at.toISOString(),
    ...(typeof externalId === 'string' && { externalId: shorten(externalId) }),
    ...(amount !== undefined && { amount }),
    ...(isResumed && { resumed: true as const }),
    ...(before && {
      before: { ...before, ...(before.refundReason && { refundReason: record.clean(before.refundReason) }) },
    }),
    ...(record.ownId !== undefined && { request: journaledRequest(record.original) }),
  }
}

function journaledRequest(record: BatchRecord): unknown {
  const value = redactedRecord(record)
  const text = JSON.stringify(value)
  return text.length > maxJournaledChars ? shorten(text) : value
}

/** What a delivery means for its record. */
export function resultOf(record: PreparedRecord, reconciled: Reconciled): RecordResult {
  const { response, failure, outcomeUnknown, duplicate, unreadable } = reconciled
  const { clean } = record
  const facts = factsOf(reconciled, clean)
  if (failure) {
    const event = outcomeUnknown ? 'unknown' : 'failed'
    return { event, code: clean(failure.errorCode), message: clean(failure.text), ...facts }
  }
  if (duplicate) return { event: 'succeeded', status: 'duplicate', ...facts }
  const { status, invoiceId } = outcomeOf(record.request, response && parseBody(response))
  return {
    event: 'succeeded',
    status: clean(status),
    ...(invoiceId !== undefined && { invoiceId: clean(invoiceId) }),
    ...(unreadable && { message: clean(`@vercel/sdk cannot read the answer: ${unreadable}`) }),
    ...facts,
  }
}

const factsOf = ({ attempts, response }: Delivery, clean: (text: string) => string) => ({
  attempts,
  ...(response && { httpStatus: response.status }),
  ...(response && requestId(response) && { requestId: clean(requestId(response)) }),
})
