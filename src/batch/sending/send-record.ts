// Sends one record of a batch, and records it in the journal.

import { completeRotation, type TokenStore } from '../../credentials/complete-rotation.ts'
import type { TokensFile } from '../../credentials/tokens-file.ts'
import type { DeliveryOptions, Endpoint, Reconciled } from '../../delivery/deliver.ts'
import { deliverRefund, prepareRefund } from '../../delivery/deliver-refund.ts'
import { deliverAndReconcile } from '../../delivery/reconcile.ts'
import type { InvoiceReading, OnDuplicate } from '../../delivery/refund.ts'
import { parseBody } from '../../delivery/response.ts'
import type { Limits } from '../../delivery/retry.ts'
import { isSafeToRepeat } from '../../delivery/verdict.ts'
import { Failure, toFailure } from '../../failure.ts'
import { isRefund } from '../../operations/operation.ts'
import { outcomeOf } from '../../operations/outcome.ts'
import type { Clock } from '../../runtime.ts'
import type { OutcomeEvent, SentEvent } from '../journal/journal-format.ts'
import type { OpenJournal } from '../journal/open-journal.ts'
import { type BatchRecord, type Identity, recordKey } from '../records/record.ts'
import type { PreviousOutcome } from '../records/record-states.ts'
import { ArrivalTracker } from './arrival-tracker.ts'
import type { AdaptiveLimiter, Slot } from './limiter.ts'
import { lookUpOutcome } from './look-up.ts'
import {
  failureFields,
  identifyingFields,
  moneyFields,
  type OnGone,
  type PreparedRecord,
  prepareRecord,
  type RecordResult,
  RecordScrubber,
  recordResult,
  sentEvent,
} from './prepared-record.ts'

export interface RecordSenderOptions {
  readonly limits: Limits
  readonly onDuplicate: OnDuplicate
  readonly onGone: OnGone
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
  /** Missing if the outcome of an earlier run was looked up. */
  readonly sent: SentEvent | undefined
  readonly outcome: OutcomeEvent
}

/** A record on its way. */
interface RecordInFlight {
  readonly record: PreparedRecord
  readonly slot: Slot
  readonly arrival: ArrivalTracker
  /** Whether the outcome of an earlier run is unknown. */
  readonly isResumed: boolean
  /** The line of the journal; set as soon as it is appended. */
  sent?: SentEvent
}

const silentLog = { info: () => {} }

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
   * @returns undefined if the record was not sent, because the journal cannot be written
   */
  async send(checked: BatchRecord, identity: Identity, previous: PreviousOutcome): Promise<SentRecord | undefined> {
    const { clock, limiter, journal, externalId } = this.#options
    const { writer } = journal
    const record = prepareRecord(checked, identity, externalId, this.#scrubber)
    const slot: Slot = { acquired: true, waitedMs: 0 }
    const flight: RecordInFlight = { record, slot, arrival: new ArrivalTracker(), isResumed: previous === 'unknown' }
    const mustNotRepeat = flight.isResumed && !isSafeToRepeat(record.request)
    const started = clock.monotonic()
    try {
      const result = await (mustNotRepeat
        ? lookUpOutcome(record, this.#deliveryOptions(flight, record.scrub), journal)
        : isRefund(record.request.operation)
          ? this.#refund(flight)
          : this.#deliver(flight))
      const ms = Math.round(clock.monotonic() - started - slot.waitedMs)
      return this.#finish(flight, result, mustNotRepeat ? undefined : ms)
    } catch (error) {
      if (error === writer.failure) return undefined
      if (!flight.sent && !mustNotRepeat) this.#append(flight)
      const event = flight.isResumed || flight.arrival.mayHaveArrived ? 'unknown' : 'failed'
      return this.#finish(flight, { event, ...failureFields(toFailure(error), record.scrub) })
    } finally {
      if (slot.acquired) limiter.release()
    }
  }

  /** Appends the `sent` line. Await a flush before sending the request. */
  #append(flight: RecordInFlight, before?: InvoiceReading): void {
    const { record, isResumed } = flight
    const { journal, clock } = this.#options
    flight.sent = sentEvent(record, clock.now(), { isResumed, before })
    journal.writer.append(flight.sent)
    journal.refunds.apply(flight.sent)
  }

  /** Appends the outcome. */
  #finish(flight: RecordInFlight, { event, ...fields }: RecordResult, ms?: number): SentRecord {
    const { record } = flight
    const { writer, refunds } = this.#options.journal
    const outcome: OutcomeEvent = {
      event,
      ...identifyingFields(record),
      ...fields,
      ...(event === 'succeeded' && moneyFields(record.request)),
      at: this.#options.clock.now().toISOString(),
      ...(ms !== undefined && { ms }),
    }
    writer.append(outcome)
    refunds.apply(outcome)
    // The writer keeps its failure, which stops the batch.
    writer.flushAtEndOfTurn().catch(() => {})
    return { sent: flight.sent, outcome }
  }

  /** Reads the invoice, then sends the refund. The journal keeps what the invoice showed, so that a later run can compare. */
  async #refund(flight: RecordInFlight): Promise<RecordResult> {
    const { record } = flight
    const { journal, onDuplicate, onGone } = this.#options
    const options = this.#deliveryOptions(flight, record.scrub)
    const prepared = await prepareRefund(options, onDuplicate)
    if (!('reading' in prepared)) {
      // Nothing was sent, so the line is written together with the outcome.
      this.#append(flight)
      return recordResult(record, prepared.settled, onGone)
    }
    this.#append(flight, prepared.reading)
    await journal.writer.flush()
    const isAmbiguous = () => journal.refunds.isAmbiguous(recordKey(record.identity))
    return recordResult(record, await deliverRefund(options, prepared.reading, isAmbiguous), onGone)
  }

  async #deliver(flight: RecordInFlight): Promise<RecordResult> {
    const { record, isResumed } = flight
    const { journal, onDuplicate, onGone, rotation } = this.#options
    this.#append(flight)
    await journal.writer.flush()
    const options = { ...this.#deliveryOptions(flight, record.scrub), resumed: isResumed }
    const reconciled = await deliverAndReconcile(options, onDuplicate)
    const result = recordResult(record, reconciled, onGone)
    if (result.event !== 'succeeded' || !rotation) return result
    return this.#completeRotation(flight, reconciled, { result, rotation })
  }

  /** Verifies and stores the new token. If that fails, the record counts as failed and the next run rotates again. */
  async #completeRotation(
    flight: RecordInFlight,
    { response }: Reconciled,
    { result, rotation }: { readonly result: RecordResult; readonly rotation: RotationStore },
  ): Promise<RecordResult> {
    const { record } = flight
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
        rotation: this.#deliveryOptions(flight, scrub),
        token,
        store,
        revokesPrevious: rotation.revokesPrevious,
      })
      return result
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return { ...result, event: 'failed', status: 'failed', ...failureFields(error, scrub) }
    }
  }

  #deliveryOptions({ record, slot, arrival }: RecordInFlight, scrub: (text: string) => string): DeliveryOptions {
    const { endpoint, limits, clock, random, signal, abort, debug, limiter } = this.#options
    return {
      request: record.request,
      endpoint: {
        baseUrl: endpoint.baseUrl,
        token: record.token,
        transport: limiter.transport(arrival.transport(endpoint.transport), slot),
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
