// A record that is about to be sent, and its lines in the journal.

import type { Delivery, Reconciled } from '../../delivery/deliver.ts'
import { withKey } from '../../delivery/idempotency-key.ts'
import type { InvoiceReading } from '../../delivery/refund.ts'
import { parseBody, requestId } from '../../delivery/response.ts'
import { responseWarnings } from '../../delivery/response-warnings.ts'
import type { Failure } from '../../failure.ts'
import { amountOf, isTestRequest } from '../../operations/billed-amount.ts'
import { isRefund } from '../../operations/operation.ts'
import { outcomeOf, type RequestOutcome } from '../../operations/outcome.ts'
import type { MarketplaceRequest } from '../../operations/request.ts'
import { Secrets } from '../../secrets.ts'
import type { OutcomeEvent, SentEvent } from '../journal/journal-format.ts'
import { type BatchRecord, type Identity, redactedRecord } from '../records/record.ts'

export interface PreparedRecord extends BatchRecord {
  readonly identity: Identity
  /** The record without its idempotency key. */
  readonly original: BatchRecord
  /** Whether its idempotency key was chosen, and not derived from the content. */
  readonly hasChosenKey: boolean
  /** Removes the record's secrets from a text, and truncates it for a journal line. */
  readonly scrub: (text: string) => string
}

/** The fields of an outcome that do not identify the record. */
export type RecordResult = Pick<
  OutcomeEvent,
  | 'event'
  | 'status'
  | 'arrivedEarlier'
  | 'invoiceId'
  | 'code'
  | 'message'
  | 'hint'
  | 'httpStatus'
  | 'requestId'
  | 'attempts'
>

/** What to do with a record whose installation or resource no longer exists. */
export type OnGone = 'fail' | 'skip'

/** How much of a request or a message the journal keeps, so that its lines stay readable. */
const maxJournaledChars = 2000

/** The `…` marks where the text is truncated, so that a truncated secret is found there. */
const shorten = (text: string) => (text.length > maxJournaledChars ? `${text.slice(0, maxJournaledChars)}…` : text)

/** How many tokens to keep compiled secrets for. */
const maxCachedTokens = 5000

/** A record's secrets. */
type RecordSecrets = Pick<BatchRecord, 'token'> & Partial<Pick<BatchRecord, 'secrets'>>

/** Removes the secrets of records from texts. */
export class RecordScrubber {
  readonly #extraSecrets: readonly string[]
  /** By token: most records have no other secret, and many records share a token. */
  readonly #cache = new Map<string, Secrets>()

  /** @param extraSecrets  secrets that belong to no record, such as a proxy's password */
  constructor(extraSecrets: readonly string[]) {
    this.#extraSecrets = extraSecrets
  }

  /**
   * Removes a record's secrets from a text, and truncates it for a journal line.
   *
   * @param newToken  a token that the response issued
   */
  scrub(text: string, record: RecordSecrets, newToken?: string): string {
    return this.#secretsOf(record, newToken).scrub(shorten(text))
  }

  #secretsOf({ token, secrets = [] }: RecordSecrets, newToken: string | undefined): Secrets {
    const isCacheable = secrets.length === 0 && newToken === undefined
    const cached = isCacheable ? this.#cache.get(token) : undefined
    if (cached) return cached
    const recordSecrets = new Secrets()
    recordSecrets.add([token, ...secrets, ...this.#extraSecrets, newToken ?? token])
    if (isCacheable) {
      if (this.#cache.size >= maxCachedTokens) this.#cache.clear()
      this.#cache.set(token, recordSecrets)
    }
    return recordSecrets
  }
}

/**
 * Prepares a record for sending. An invoice gets its idempotency key.
 *
 * @param externalId  the input `external-id`
 */
export function prepareRecord(
  original: BatchRecord,
  identity: Identity,
  externalId: string,
  scrubber: RecordScrubber,
): PreparedRecord {
  const { request } = original
  const usesKey = request.operation.retry === 'idempotency-key'
  const keyed = usesKey ? withKey(request, externalId) : undefined
  return {
    ...original,
    original,
    identity,
    scrub: (text) => scrubber.scrub(text, original),
    request: keyed?.request ?? request,
    hasChosenKey: keyed?.derived === false,
  }
}

/** The fields by which journal lines name a record. */
export const identifyingFields = ({ identity: { id, digest }, line, installation }: PreparedRecord) => ({
  id,
  ...(digest !== undefined && { digest }),
  line,
  installation,
})

/** The money that a record is about. */
export function moneyFields(request: MarketplaceRequest): Pick<SentEvent, 'amount' | 'test'> {
  const amount = amountOf(request)
  if (amount === undefined) return {}
  return { amount, ...(isTestRequest(request) && { test: true as const }) }
}

/**
 * The line that a record is sent.
 *
 * @param isResumed  whether an earlier run sent the record, with an unknown outcome
 * @param before  what the invoice of a refund shows
 * @param hadNewToken  whether `new-tokens-file` has a token of the installation
 */
export function sentEvent(
  record: PreparedRecord,
  at: Date,
  {
    isResumed,
    before,
    hadNewToken,
  }: { readonly isResumed: boolean; readonly before?: InvoiceReading | undefined; readonly hadNewToken: boolean },
): SentEvent {
  const { operation, params, body } = record.request
  const { externalId } = body ?? {}
  return {
    event: 'sent',
    ...identifyingFields(record),
    at: at.toISOString(),
    ...(typeof externalId === 'string' && { externalId: record.scrub(externalId) }),
    ...(isRefund(operation) && params.invoiceId !== undefined && { invoiceId: params.invoiceId }),
    ...moneyFields(record.request),
    ...(hadNewToken && { hadNewToken }),
    ...(isResumed && { resumed: true as const }),
    ...(before && {
      before: { ...before, ...(before.refundReason && { refundReason: record.scrub(before.refundReason) }) },
    }),
    ...(record.ownId !== undefined && { request: journaledRequest(record) }),
  }
}

/** The redacted request, or its JSON as text if that is long or if a secret had to be cut out of it. */
function journaledRequest({ original, scrub }: PreparedRecord): unknown {
  const redacted = redactedRecord(original)
  const text = JSON.stringify(redacted)
  const scrubbed = scrub(text)
  return scrubbed === text ? redacted : scrubbed
}

/**
 * The result of a record whose request was delivered or failed.
 *
 * @param onGone  the input `on-gone`
 */
export function recordResult(record: PreparedRecord, reconciled: Reconciled, onGone: OnGone): RecordResult {
  const { response, failure, outcomeUnknown, duplicate, arrivedEarlier } = reconciled
  const { scrub } = record
  const delivery = deliveryFields(reconciled, scrub)
  if (failure) {
    const what = { ...failureFields(failure, scrub), ...delivery }
    if (outcomeUnknown) return { event: 'unknown', ...what }
    const isGone = onGone === 'skip' && failure.code === 'http_410'
    return isGone ? { event: 'gone', status: 'gone', ...what } : { event: 'failed', ...what }
  }
  const outcome: RequestOutcome = duplicate
    ? { status: 'duplicate' }
    : outcomeOf(record.request, response && parseBody(response))
  const { status, invoiceId } = outcome
  const warnings = responseWarnings(reconciled, {
    request: record.request,
    outcome,
    hasChosenKey: record.hasChosenKey,
    hasResult: false,
  })
  return {
    event: 'succeeded',
    status: scrub(status),
    ...(duplicate && arrivedEarlier && { arrivedEarlier }),
    ...(invoiceId !== undefined && { invoiceId: scrub(invoiceId) }),
    ...(warnings.length > 0 && { message: scrub(warnings.join('. ')) }),
    ...delivery,
  }
}

/** What went wrong, with every problem that the failure lists, and what to do about it. */
export function failureFields(
  { errorCode, message, hint, diagnostics }: Failure,
  scrub: (text: string) => string,
): Pick<RecordResult, 'code' | 'message' | 'hint'> {
  const problems = diagnostics.map((problem) => problem.message).filter((problem) => problem !== message)
  const what = problems.length > 0 ? `${message}: ${problems.join('; ')}` : message
  return {
    code: scrub(errorCode),
    message: scrub(hint ? `${what}. ${hint}` : what),
    ...(hint && { hint: scrub(hint) }),
  }
}

function deliveryFields(
  { attempts, response }: Delivery,
  scrub: (text: string) => string,
): Pick<RecordResult, 'attempts' | 'httpStatus' | 'requestId'> {
  if (!response) return { attempts }
  const id = requestId(response)
  return { attempts, httpStatus: response.status, ...(id && { requestId: scrub(id) }) }
}
