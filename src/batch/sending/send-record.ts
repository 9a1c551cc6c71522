// Sends one record of a batch, and records it in the journal.

import { completeRotation, type TokenStore } from '../../credentials/complete-rotation.ts'
import type { TokensFile } from '../../credentials/tokens-file.ts'
import type { DeliveryOptions, Endpoint, Reconciled } from '../../delivery/deliver.ts'
import { deliverRefund, prepareRefund } from '../../delivery/deliver-refund.ts'
import { deliverAndReconcile } from '../../delivery/reconcile.ts'
import { findRefund, type OnDuplicate } from '../../delivery/refund.ts'
import { parseBody } from '../../delivery/response.ts'
import type { Limits } from '../../delivery/retry.ts'
import { isSafeToRepeat } from '../../delivery/verdict.ts'
import { Failure } from '../../failure.ts'
import { billedAmountOf } from '../../operations/billed-amount.ts'
import { isRefund } from '../../operations/operation.ts'
import { outcomeOf } from '../../operations/outcome.ts'
import type { Clock } from '../../runtime.ts'
import type { OutcomeEvent } from '../journal/journal-format.ts'
import type { OpenJournal } from '../journal/open-journal.ts'
import { type BatchRecord, type Identity, recordKey } from '../records/record.ts'
import type { PreviousOutcome } from '../records/record-states.ts'
import type { AdaptiveLimiter } from './limiter.ts'
import {
  identifyingFields,
  type PreparedRecord,
  prepareRecord,
  type RecordResult,
  RecordScrubber,
  recordResult,
} from './prepared-record.ts'
import { SentLines } from './sent-lines.ts'
import type { Slot } from './slot.ts'

export interface RecordSenderOptions {
  readonly limits: Limits
  readonly onDuplicate: OnDuplicate
  /** The input `external-id`. */
  readonly externalId: string
  /** Where a rotation stores the new tokens. */
  readonly rotation: RotationStore | undefined
  readonly endpoint: Omit<Endpoint, 'token'>
  readonly journal: OpenJournal
  readonly limiter: AdaptiveLimiter
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  readonly signal: AbortSignal
  /** Aborts requests in flight. */
  readonly abort: AbortSignal
  /** Gets a line for each attempt; undefined if debug logging is off. */
  readonly debug: ((line: string) => void) | undefined
  /** Secrets that belong to no record. */
  readonly extraSecrets: readonly string[]
}

export interface RotationStore {
  readonly newTokens: TokensFile
  readonly revokesPrevious: boolean
}

export interface SentRecord {
  readonly outcome: OutcomeEvent
  /** The money that the record moves, as a decimal. */
  readonly amount: string | undefined
}

const silentLog = { info: () => {} }

/** Whether the last attempt was not made, because the batch ends. */
const isStopped = ({ failure }: Reconciled): boolean => failure?.code === 'cancelled'

/** Whether no attempt can have been processed, and the last one was not made because the batch ends. */
const hasNotStarted = (reconciled: Reconciled): boolean => isStopped(reconciled) && !reconciled.outcomeUnknown

/** Sends the records of a batch, one call for each. */
export class RecordSender {
  readonly #options: RecordSenderOptions
  readonly #scrubber: RecordScrubber

  constructor(options: RecordSenderOptions) {
    this.#options = options
    this.#scrubber = new RecordScrubber(options.extraSecrets)
  }

  /**
   * Sends a record with a slot of the limiter, which it releases. It does not throw.
   *
   * @returns undefined if the record was not sent, because the batch ends or the journal cannot be written
   */
  async send(checked: BatchRecord, identity: Identity, previous: PreviousOutcome): Promise<SentRecord | undefined> {
    const { clock, limiter, journal, externalId } = this.#options
    const { writer } = journal
    const record = prepareRecord(checked, identity, externalId, this.#scrubber)
    const slot: Slot = { installation: record.installation, acquired: true, waitedMs: 0 }
    const started = clock.monotonic()
    const amount = billedAmountOf(record.request)
    const isResumed = previous === 'unknown'
    const mustNotRepeat = isResumed && !isSafeToRepeat(record.request)
    const lines = new SentLines(record, { writer, clock, amount, isResumed })
    try {
      const result = await (mustNotRepeat
        ? this.#lookUpOutcome(record, slot)
        : isRefund(record.request.operation)
          ? this.#refund(record, slot, lines)
          : this.#deliver(record, isResumed, slot, lines))
      if (!result) return undefined
      const ms = Math.round(clock.monotonic() - started - slot.waitedMs)
      const outcome = this.#outcomeEvent(record, result, mustNotRepeat ? undefined : ms)
      if (!mustNotRepeat) lines.ensureSent()
      writer.append(outcome)
      // The writer keeps its failure, which stops the batch.
      writer.flushAtEndOfTurn().catch(() => {})
      return { outcome, amount }
    } catch (error) {
      if (error === writer.failure) return undefined
      // For an unexpected error we cannot know whether a request that was written to the journal was sent.
      const event = lines.isSent || mustNotRepeat ? 'unknown' : 'failed'
      const message = record.scrub(`The action itself failed: ${(error as Error).message}`)
      const outcome = this.#outcomeEvent(record, { event, code: 'internal_error', message })
      if (!mustNotRepeat) lines.ensureSent()
      writer.append(outcome)
      return { outcome, amount }
    } finally {
      if (slot.acquired) limiter.release()
    }
  }

  #outcomeEvent(record: PreparedRecord, { event, ...fields }: RecordResult, ms?: number): OutcomeEvent {
    const at = this.#options.clock.now().toISOString()
    return { event, ...identifyingFields(record), ...fields, at, ...(ms !== undefined && { ms }) }
  }

  /**
   * Reads the invoice, then sends the refund. The journal keeps what the invoice showed, so that a later run can compare.
   *
   * @returns undefined if it was not sent because the batch ends
   */
  async #refund(record: PreparedRecord, slot: Slot, lines: SentLines): Promise<RecordResult | undefined> {
    const { onDuplicate } = this.#options
    const options = this.#deliveryOptions(record, record.scrub, slot)
    const prepared = await prepareRefund(options, onDuplicate)
    if (!('reading' in prepared)) {
      return hasNotStarted(prepared.settled) ? undefined : recordResult(record, prepared.settled)
    }
    lines.watch(slot, prepared.reading)
    const reconciled = await deliverRefund(options, prepared.reading)
    lines.unwatch(slot)
    return hasNotStarted(reconciled) ? undefined : recordResult(record, reconciled)
  }

  /** @returns undefined if it was not sent because the batch ends */
  async #deliver(
    record: PreparedRecord,
    isResumed: boolean,
    slot: Slot,
    lines: SentLines,
  ): Promise<RecordResult | undefined> {
    const { onDuplicate, rotation } = this.#options
    lines.watch(slot)
    const options = { ...this.#deliveryOptions(record, record.scrub, slot), resumed: isResumed }
    const reconciled = await deliverAndReconcile(options, onDuplicate)
    lines.unwatch(slot)
    if (hasNotStarted(reconciled) || (isResumed && !lines.isSent && isStopped(reconciled))) return undefined
    const result = recordResult(record, reconciled)
    if (result.event !== 'succeeded' || !rotation) return result
    return this.#completeRotation(record, reconciled, slot, { result, rotation })
  }

  /** Verifies and stores the new token. If that fails, the record counts as failed and the next run rotates again. */
  async #completeRotation(
    record: PreparedRecord,
    { response }: Reconciled,
    slot: Slot,
    { result, rotation }: { readonly result: RecordResult; readonly rotation: RotationStore },
  ): Promise<RecordResult> {
    const token = outcomeOf(record.request, response && parseBody(response)).accessToken
    const scrub = (text: string) => this.#scrubber.scrub(text, record, token)
    const store: TokenStore = {
      label: 'a new token in new-tokens-file',
      // A batch has no output with the new tokens.
      recoveryHint:
        'The new token is lost; let it expire. Once the file can be written, run the batch again, which rotates again',
      save: (token) => rotation.newTokens.add(record.installation, token),
    }
    try {
      await completeRotation({
        rotation: this.#deliveryOptions(record, scrub, slot),
        token,
        store,
        revokesPrevious: rotation.revokesPrevious,
      })
      return result
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return { ...result, event: 'failed', status: 'failed', code: scrub(error.errorCode), message: scrub(error.text) }
    }
  }

  /**
   * Finds out the outcome of a request that an earlier run sent and that is unsafe to repeat. A refund can be looked up;
   * the outcome of any other request stays unknown.
   */
  async #lookUpOutcome(record: PreparedRecord, slot: Slot): Promise<RecordResult> {
    const sent = this.#options.journal.sent.get(recordKey(record.identity))
    if (!sent) throw new Error('the journal does not say when the record was sent')
    const { operation, params, body } = record.request
    const history = `It was sent at ${sent.at.toISOString()} by an earlier run, and its outcome is unknown`
    const unknown = (...sentences: string[]): RecordResult => ({
      event: 'unknown',
      code: 'outcome_unknown',
      message: record.scrub([history, ...sentences].join('. ')),
    })
    const advice = operation.retry === 'idempotent' ? '' : operation.unknownOutcomeAdvice({ params, body: body ?? {} })
    if (!isRefund(operation)) {
      return unknown(`It is not sent again. ${advice}, then remove the record from the batch`)
    }
    if (!sent.before)
      return unknown('The journal does not say what the invoice showed before', `It is not sent again. ${advice}`)
    const found = await findRefund(this.#deliveryOptions(record, record.scrub, slot), sent.before)
    if (found.arrived) return { event: 'succeeded', status: 'accepted' }
    return unknown(`Looked up just now: ${found.evidence}`, `It is not sent again. ${advice}`)
  }

  #deliveryOptions(record: PreparedRecord, scrub: (text: string) => string, slot: Slot): DeliveryOptions {
    const { endpoint, limits, clock, random, signal, abort, debug, limiter } = this.#options
    return {
      request: record.request,
      endpoint: {
        baseUrl: endpoint.baseUrl,
        token: record.token,
        transport: limiter.transport(endpoint.transport, slot),
      },
      limits,
      // The time that a record waits for a slot does not count towards its limits.
      clock: { now: clock.now, monotonic: () => clock.monotonic() - slot.waitedMs, sleep: clock.sleep },
      random,
      signal,
      abort,
      log: debug ? { info: (line: string) => debug(scrub(`line ${record.line}: ${line}`)) } : silentLog,
    }
  }
}
