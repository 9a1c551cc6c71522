// One record of a batch, delivered and journaled.

import { completeRotation } from '../../credentials/complete-rotation.ts'
import type { TokensFile } from '../../credentials/tokens-file.ts'
import type { Endpoint, Limits } from '../../delivery/deliver.ts'
import { withKey } from '../../delivery/idempotency-key.ts'
import { deliverAndReconcile, type OnDuplicate, type Reconciled } from '../../delivery/reconcile.ts'
import { findRefund } from '../../delivery/refund.ts'
import { parseBody, requestId } from '../../delivery/response.ts'
import { isSafeToRepeat } from '../../delivery/verdict.ts'
import { Failure } from '../../failure.ts'
import { amountOf } from '../../operations/amount.ts'
import { outcomeOf } from '../../operations/outcome.ts'
import type { Clock } from '../../runtime.ts'
import { Secrets } from '../../secrets.ts'
import type { OutcomeEvent, SentEvent } from '../journal/journal.ts'
import type { OpenJournal } from '../journal/open-journal.ts'
import type { PreviousOutcome } from '../records/key-hashes.ts'
import { type BatchRecord, type Identity, recordKey, redactedRecord } from '../records/record.ts'
import type { AdaptiveLimiter, Slot } from './limiter.ts'

export interface RecordSenderOptions {
  readonly limits: Limits
  readonly onDuplicate: OnDuplicate
  readonly clock: Clock
  readonly random: () => number
  readonly signal: AbortSignal
  readonly abort: AbortSignal
  /** Hears of each attempt, where anybody listens. */
  readonly debug: ((line: string) => void) | undefined
  readonly limiter: AdaptiveLimiter
  /** Secrets that are of no record. */
  readonly extraSecrets?: readonly string[]
  /** The input `external-id`. */
  readonly externalId: string
  readonly endpoint: Omit<Endpoint, 'token'>
  readonly journal: OpenJournal
  /** Where a rotation keeps the tokens that it is given. */
  readonly rotation: { readonly newTokens: TokensFile; readonly revokesPrevious: boolean } | undefined
}

/** A record on its way. */
interface PreparedRecord extends BatchRecord {
  readonly identity: Identity
  /** Before it was given a key. */
  readonly original: BatchRecord
  /** A text without the record's secrets, and not too long for a line of the journal. */
  readonly clean: (text: string) => string
}

export interface SentRecord {
  readonly outcome: OutcomeEvent
  readonly amount: string | undefined
}

/** A record's place in the limiter, and how long it has waited for one. */

const silentLog = { info: () => {} }

/** What of a request a journal keeps, and of a message: a line has to stay one that can be read again. */
const maxJournaledChars = 2000

export class RecordSender {
  readonly #options: RecordSenderOptions

  constructor(options: RecordSenderOptions) {
    this.#options = options
  }

  /**
   * Delivers a record, with a place in the limiter that is given back. It does not throw.
   *
   * @returns undefined where it was not started, since the journal cannot be written
   */
  async deliver(checked: BatchRecord, identity: Identity, previous: PreviousOutcome): Promise<SentRecord | undefined> {
    const { clock, limiter, journal } = this.#options
    const record = this.#prepare(checked, identity)
    const slot = { acquired: true, waitedMs: 0 }
    const started = clock.monotonic()
    const amount = amountOf(record.request)
    const isNeverRepeated = previous === 'unknown' && !isSafeToRepeat(record.request)
    try {
      // A record that must not be sent again is not.
      if (!isNeverRepeated) {
        journal.writer.append(this.#sent(record, previous, amount))
        await journal.writer.flush()
      }
      const result = await (isNeverRepeated ? this.#lookUpOutcome(record, slot) : this.#send(record, previous, slot))
      const ms = Math.round(clock.monotonic() - started - slot.waitedMs)
      const { event, ...facts } = result
      const at = clock.now().toISOString()
      const outcome: OutcomeEvent = { event, ...this.#identity(record), ...facts, at, ...(!isNeverRepeated && { ms }) }
      journal.writer.append(outcome)
      // The writer keeps its failure, which stops the batch.
      journal.writer.flushAtEndOfTurn().catch(() => {})
      return { outcome, amount }
    } catch (error) {
      if (error === journal.writer.failure) return undefined
      // Of what nobody thought of it is not known how far it came.
      const message = record.clean(`The action itself failed: ${(error as Error).message}`)
      const outcome: OutcomeEvent = {
        event: 'unknown',
        ...this.#identity(record),
        at: clock.now().toISOString(),
        code: 'internal_error',
        message,
      }
      journal.writer.append(outcome)
      return { outcome, amount }
    } finally {
      if (slot.acquired) limiter.release()
    }
  }

  async #send(record: PreparedRecord, previous: PreviousOutcome, slot: Slot): Promise<Result> {
    const { onDuplicate, rotation } = this.#options
    const reconciled = await deliverAndReconcile(
      { ...this.#delivery(record, slot), resumed: previous === 'unknown' },
      onDuplicate,
    )
    const result = this.#result(record, reconciled)
    if (result.event !== 'succeeded' || !rotation) return result
    return this.#completeRotation(record, reconciled, slot, result)
  }

  /** Proves a new token, and keeps it. One that could not be is as good as none: the record is rotated again. */
  async #completeRotation(record: PreparedRecord, reconciled: Reconciled, slot: Slot, result: Result): Promise<Result> {
    const { rotation } = this.#options
    const token = outcomeOf(record.request, reconciled.response && parseBody(reconciled.response)).accessToken
    const store = {
      label: 'a new token in new-tokens-file',
      // No output holds it.
      recoveryHint:
        'The new token is lost, and can be left to expire: once the file can be written, run the batch again, which rotates anew',
      save: async (token: string) => rotation?.newTokens.add(record.installation, token),
    }
    const secrets = new Secrets()
    secrets.add([
      record.token,
      ...record.secrets,
      ...(this.#options.extraSecrets ?? []),
      ...(token === undefined ? [] : [token]),
    ])
    const clean = (text: string) => secrets.scrub(shorten(text))
    try {
      const revokesPrevious = rotation?.revokesPrevious ?? false
      await completeRotation({
        rotation: this.#delivery({ ...record, clean }, slot),
        token,
        store,
        revokesPrevious,
      })
      return result
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      const { code, message, hint } = error
      const sentence = clean(hint ? `${message}. ${hint}` : message)
      return { ...result, event: 'failed', status: 'failed', code: clean(code), message: sentence }
    }
  }

  /** A refund can be found; of anything else that is never repeated nothing more can be known. */
  async #lookUpOutcome(record: PreparedRecord, slot: Slot): Promise<Result> {
    const { journal } = this.#options
    const sentAt = journal.sentAt.get(recordKey(record.identity))
    if (!sentAt) throw new Error('the journal does not say when the record was sent')
    const when = `It was sent at ${sentAt.toISOString()} by an earlier run, and its outcome is unknown`
    if (record.request.operation.name !== 'updateInvoice') {
      const message = `${when}. It is not sent again: find out at Vercel what became of it, and take the record out of the batch`
      return { event: 'unknown', code: 'outcome_unknown', message }
    }
    const found = await findRefund(this.#delivery(record, slot), sentAt)
    if (found.arrived) return { event: 'succeeded', status: 'accepted' }
    const message = `${when}. Looked up just now, ${found.evidence}. It is not sent again: read the invoice ${record.request.params.invoiceId} before you refund it anew`
    return { event: 'unknown', code: 'outcome_unknown', message: record.clean(message) }
  }

  #delivery(record: PreparedRecord, slot: Slot) {
    const { endpoint, limits, clock, random, signal, abort, debug, limiter } = this.#options
    return {
      request: record.request,
      endpoint: { ...endpoint, token: record.token, transport: limiter.transport(endpoint.transport, slot) },
      limits,
      // A record's time runs while it is its turn.
      clock: { ...clock, monotonic: () => clock.monotonic() - slot.waitedMs },
      random,
      signal,
      abort,
      log: debug ? { info: (line: string) => debug(record.clean(`line ${record.line}: ${line}`)) } : silentLog,
    }
  }

  #result(record: PreparedRecord, reconciled: Reconciled): Result {
    const { response, attempts, failure, outcomeUnknown, duplicate, unreadable } = reconciled
    const { clean } = record
    const facts = {
      attempts,
      ...(response && { httpStatus: response.status }),
      ...(response && requestId(response) && { requestId: clean(requestId(response)) }),
    }
    if (failure) {
      const { code, message, hint } = failure
      const sentence = clean(hint ? `${message}. ${hint}` : message)
      return { event: outcomeUnknown ? 'unknown' : 'failed', code: clean(code), message: sentence, ...facts }
    }
    if (duplicate) return { event: 'succeeded', status: 'duplicate', ...facts }
    const { status, invoiceId } = outcomeOf(record.request, response && parseBody(response))
    return {
      event: 'succeeded',
      status: clean(status),
      ...(invoiceId !== undefined && { invoiceId: clean(invoiceId) }),
      ...(unreadable && { message: clean(`@vercel/sdk cannot read the response: ${unreadable}`) }),
      ...facts,
    }
  }

  #sent(record: PreparedRecord, previous: PreviousOutcome, amount: string | undefined): SentEvent {
    const { externalId } = record.request.body ?? {}
    return {
      event: 'sent',
      ...this.#identity(record),
      at: this.#options.clock.now().toISOString(),
      ...(typeof externalId === 'string' && { externalId: shorten(externalId) }),
      ...(amount !== undefined && { amount }),
      ...(previous === 'unknown' && { resumed: true as const }),
      ...(record.ownId !== undefined && { request: journaledRequest(record.original) }),
    }
  }

  /** The record with the key that it goes out with. */
  #prepare(original: BatchRecord, identity: Identity): PreparedRecord {
    const record = { ...original, original }
    const clean = (text: string) => this.#secretsOf(record).scrub(shorten(text))
    const { request } = record
    if (request.operation.name !== 'submitInvoice') return { ...record, identity, clean }
    return { ...record, identity, clean, request: withKey(request, this.#options.externalId).request }
  }

  /** Of tokens, which come again and again. */
  readonly #scrubbers = new Map<string, Secrets>()

  #secretsOf({ token, secrets }: BatchRecord): Secrets {
    const known = secrets.length === 0 ? this.#scrubbers.get(token) : undefined
    if (known) return known
    const own = new Secrets()
    own.add([token, ...secrets, ...(this.#options.extraSecrets ?? [])])
    if (secrets.length === 0) {
      if (this.#scrubbers.size >= 5000) this.#scrubbers.clear()
      this.#scrubbers.set(token, own)
    }
    return own
  }

  #identity({ identity, line, installation }: PreparedRecord) {
    return { ...identity, line, installation }
  }
}

type Result = Pick<
  OutcomeEvent,
  'event' | 'status' | 'invoiceId' | 'code' | 'message' | 'httpStatus' | 'requestId' | 'attempts'
>

const shorten = (text: string) => (text.length > maxJournaledChars ? `${text.slice(0, maxJournaledChars)}…` : text)

function journaledRequest(record: BatchRecord): unknown {
  const value = redactedRecord(record)
  const text = JSON.stringify(value)
  return text.length > maxJournaledChars ? shorten(text) : value
}
