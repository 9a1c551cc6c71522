// Sends one record of a batch, and records it in the journal.

import { completeRotation, type TokenStore } from '../../credentials/complete-rotation.ts'
import type { TokensFile } from '../../credentials/tokens-file.ts'
import type { DeliveryOptions, Reconciled } from '../../delivery/deliver.ts'
import { deliverRefund, prepareRefund } from '../../delivery/deliver-refund.ts'
import { deliverAndReconcile } from '../../delivery/reconcile.ts'
import type { OnDuplicate } from '../../delivery/refund.ts'
import { parseBody } from '../../delivery/response.ts'
import type { Limits } from '../../delivery/retry.ts'
import { isSafeToRepeat } from '../../delivery/verdict.ts'
import { Failure, toFailure } from '../../failure.ts'
import { isRefund } from '../../operations/operation.ts'
import { outcomeOf } from '../../operations/outcome.ts'
import type { OutcomeEvent, SentEvent } from '../journal/journal-format.ts'
import type { OpenJournal } from '../journal/open-journal.ts'
import { type BatchRecord, type Identity, recordKey } from '../records/record.ts'
import type { PreviousOutcome } from '../records/record-states.ts'
import { ArrivalTracker } from './arrival-tracker.ts'
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
} from './prepared-record.ts'
import { SentLines } from './sent-lines.ts'
import type { Slot } from './slot.ts'
import { type SlotDelivery, slotDeliveryOptions } from './slot-delivery.ts'

export interface RecordSenderOptions extends SlotDelivery {
  readonly limits: Limits
  readonly onDuplicate: OnDuplicate
  readonly onGone: OnGone
  /** Whether a warning about a request that is not sent yet is an error. */
  readonly failsOnWarning: boolean
  /** The input `external-id`. */
  readonly externalId: string
  /** Where a rotation stores the new tokens. */
  readonly rotation: RotationStore | undefined
  readonly journal: OpenJournal
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
  readonly lines: SentLines
  /** Whether the outcome of an earlier run is unknown. */
  readonly isResumed: boolean
}

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
    const { clock, limiter, journal, externalId, rotation } = this.#options
    const { writer } = journal
    const record = prepareRecord(checked, identity, externalId, this.#scrubber)
    const slot: Slot = { installation: record.installation, acquired: true, waitedMs: 0 }
    const isResumed = previous === 'unknown'
    const hadNewToken = rotation?.newTokens.get(record.installation) !== undefined
    const lines = new SentLines(record, { journal, clock, isResumed, hadNewToken })
    const flight: RecordInFlight = { record, slot, lines, arrival: new ArrivalTracker(), isResumed }
    const mustNotRepeat = isResumed && !isSafeToRepeat(record.request)
    const started = clock.monotonic()
    try {
      const result = await (mustNotRepeat
        ? this.#lookUp(flight)
        : isRefund(record.request.operation)
          ? this.#refund(flight)
          : this.#deliver(flight))
      if (!result) return undefined
      const ms = Math.round(clock.monotonic() - started - slot.waitedMs)
      if (mustNotRepeat) return this.#finish(flight, result)
      lines.ensureSent()
      return this.#finish(flight, result, ms)
    } catch (error) {
      if (error === writer.failure) return undefined
      if (!mustNotRepeat) lines.ensureSent()
      const event = isResumed || flight.arrival.mayHaveArrived ? 'unknown' : 'failed'
      return this.#finish(flight, { event, ...failureFields(toFailure(error), record.scrub) })
    } finally {
      if (slot.acquired) limiter.release()
    }
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
    return { sent: flight.lines.sent, outcome }
  }

  /**
   * Reads the invoice, then sends the refund. The journal keeps what the invoice showed, so that a later run can compare.
   *
   * @returns undefined if it was not sent because the batch ends
   */
  async #refund(flight: RecordInFlight): Promise<RecordResult | undefined> {
    const { record, slot, lines } = flight
    const { journal, onDuplicate, onGone, failsOnWarning } = this.#options
    const options = { ...this.#deliveryOptions(flight, record.scrub), failsOnWarning }
    const { params } = record.request
    const { refunds } = journal
    const own = {
      made: refunds.madeBefore(params),
      found: refunds.foundBefore(params),
      isOneUnknown: refunds.hasUnknown(params),
    }
    const prepared = await prepareRefund(options, onDuplicate, own)
    if (!('reading' in prepared)) {
      return hasNotStarted(prepared.settled) ? undefined : recordResult(record, prepared.settled, onGone)
    }
    lines.watch(slot, prepared.reading)
    const isAmbiguous = () => journal.refunds.isAmbiguous(recordKey(record.identity))
    const reconciled = await deliverRefund(options, prepared, isAmbiguous)
    lines.unwatch(slot)
    return hasNotStarted(reconciled) ? undefined : recordResult(record, reconciled, onGone)
  }

  /** Finds out the outcome of a record that an earlier run sent and that must not be sent again. */
  #lookUp(flight: RecordInFlight): Promise<RecordResult> {
    const { record } = flight
    const { journal, rotation } = this.#options
    const stored = rotation?.newTokens.get(record.installation)
    const newToken = stored === record.token ? undefined : stored
    const sent = journal.sent.get(recordKey(record.identity))
    if (rotation && newToken !== undefined && sent && !sent.hadNewToken) {
      return this.#resumeRotation(flight, newToken, rotation)
    }
    return lookUpOutcome(record, this.#deliveryOptions(flight, record.scrub), journal, newToken)
  }

  /** Completes a rotation whose new token an earlier run has stored. It verifies the token again. */
  #resumeRotation(flight: RecordInFlight, token: string, rotation: RotationStore): Promise<RecordResult> {
    const message = 'An earlier run stored the new token in `new-tokens-file`, and this run verified it'
    const result: RecordResult = { event: 'succeeded', status: 'accepted', message }
    return this.#completeRotation(flight, token, { result, rotation })
  }

  /** @returns undefined if it was not sent because the batch ends */
  async #deliver(flight: RecordInFlight): Promise<RecordResult | undefined> {
    const { record, slot, lines, isResumed } = flight
    const { onDuplicate, onGone, rotation } = this.#options
    lines.watch(slot)
    const options = { ...this.#deliveryOptions(flight, record.scrub), resumed: isResumed }
    const reconciled = await deliverAndReconcile(options, onDuplicate)
    lines.unwatch(slot)
    if (hasNotStarted(reconciled) || (isResumed && !lines.sent && isStopped(reconciled))) return undefined
    const result = recordResult(record, reconciled, onGone)
    if (result.event !== 'succeeded' || !rotation) return result
    const token = outcomeOf(record.request, reconciled.response && parseBody(reconciled.response)).accessToken
    return this.#completeRotation(flight, token, { result, rotation })
  }

  /**
   * Verifies and stores the new token. If that fails, the next run rotates again. If only the revocation fails, the outcome
   * is unknown, and the next run completes the rotation, unless the file had another token of the installation before.
   */
  async #completeRotation(
    flight: RecordInFlight,
    token: string | undefined,
    { result, rotation }: { readonly result: RecordResult; readonly rotation: RotationStore },
  ): Promise<RecordResult> {
    const { record, lines, isResumed } = flight
    const scrub = (text: string) => this.#scrubber.scrub(text, record, token)
    let isResumable = isResumed
    const store: TokenStore = {
      label: 'a new token in new-tokens-file',
      // A batch has no output with the new tokens.
      recoveryHint:
        'The new token is kept in memory, and the next write of the file stores it. If the run ends without one, it is lost: let it expire. Once the file can be written, run the batch again, which rotates again',
      save: async (token) => {
        await rotation.newTokens.add(record.installation, token)
        isResumable = !lines.sent?.hadNewToken
      },
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
      const { status: _, ...attempted } = { ...result, ...failureFields(error, scrub) }
      return isResumable ? { ...attempted, event: 'unknown' } : { ...attempted, event: 'failed', status: 'failed' }
    }
  }

  #deliveryOptions({ record, slot, arrival }: RecordInFlight, scrub: (text: string) => string): DeliveryOptions {
    const { endpoint, limits } = this.#options
    const { request, token, line } = record
    const transport = arrival.transport(endpoint.transport)
    return slotDeliveryOptions(this.#options, { request, token, slot, limits, line, scrub, transport })
  }
}
