// One record of a batch, delivered and journaled.

import { succeed } from '../../credentials/complete-rotation.ts'
import type { TokensFile } from '../../credentials/tokens-file.ts'
import type { Limits, Route } from '../../delivery/deliver.ts'
import { withKey } from '../../delivery/idempotency-key.ts'
import { type OnDuplicate, type Settlement, settle } from '../../delivery/reconcile.ts'
import { findRefund } from '../../delivery/refund.ts'
import { requestId, resultOf } from '../../delivery/response.ts'
import { isRepeatable } from '../../delivery/verdict.ts'
import { Failure } from '../../failure.ts'
import { amountOf } from '../../operations/amount.ts'
import { outcomeOf } from '../../operations/outcome.ts'
import type { Time } from '../../runtime.ts'
import { Secrets } from '../../secrets.ts'
import type { Outcome, Sent } from '../journal/journal.ts'
import type { OpenJournal } from '../journal/open-journal.ts'
import type { Past } from '../records/key-hashes.ts'
import { type BatchRecord, type Identity, keyOf, shownOf } from '../records/record.ts'
import type { Pace } from './limiter.ts'

export interface CourierOptions {
  readonly limits: Limits
  readonly onDuplicate: OnDuplicate
  readonly time: Time
  readonly random: () => number
  readonly signal: AbortSignal
  readonly abort: AbortSignal
  /** Hears of each attempt, where anybody listens. */
  readonly debug: ((line: string) => void) | undefined
  readonly pace: Pace
  /** Secrets that are of no record. */
  readonly hidden?: readonly string[]
  /** The input `external-id`. */
  readonly externalId: string
  readonly route: Omit<Route, 'token'>
  readonly journal: OpenJournal
  /** Where a rotation keeps the tokens that it is given. */
  readonly rotation: { readonly newTokens: TokensFile; readonly revokesPrevious: boolean } | undefined
}

/** A record on its way. */
interface Parcel extends BatchRecord {
  readonly identity: Identity
  /** Before it was given a key. */
  readonly written: BatchRecord
  /** A text without the record's secrets, and not too long for a line of the journal. */
  readonly clean: (text: string) => string
}

export interface Delivered {
  readonly outcome: Outcome
  readonly amount: string | undefined
}

/** A record's place in the pace, and how long it has waited for one. */
type Held = Parameters<Pace['transport']>[1]

const silence = { info: () => {} }

/** What of a request a journal keeps, and of a message: a line has to stay one that can be read again. */
const longest = 2000

export class Courier {
  readonly #options: CourierOptions

  constructor(options: CourierOptions) {
    this.#options = options
  }

  /**
   * Delivers a record, with a place in the pace that is given back. It does not throw.
   *
   * @returns undefined where it was not started, since the journal cannot be written
   */
  async deliver(checked: BatchRecord, identity: Identity, past: Past): Promise<Delivered | undefined> {
    const { time, pace, journal } = this.#options
    const record = this.#parcel(checked, identity)
    const held = { place: true, waitedMs: 0 }
    const started = time.clock()
    const amount = amountOf(record.request)
    const isKnown = past === 'unknown' && !isRepeatable(record.request)
    try {
      // A record that must not be sent again is not.
      if (!isKnown) {
        journal.writer.note(this.#sent(record, past, amount))
        await journal.writer.flushed()
      }
      const result = await (isKnown ? this.#lookUp(record, held) : this.#send(record, past, held))
      const ms = Math.round(time.clock() - started - held.waitedMs)
      const { event, ...facts } = result
      const at = time.now().toISOString()
      const outcome: Outcome = { event, ...this.#identity(record), ...facts, at, ...(!isKnown && { ms }) }
      journal.writer.note(outcome)
      // The writer keeps its failure, which stops the batch.
      journal.writer.flushedSoon().catch(() => {})
      return { outcome, amount }
    } catch (error) {
      if (error === journal.writer.failure) return undefined
      // Of what nobody thought of it is not known how far it came.
      const message = record.clean(`The action itself failed: ${(error as Error).message}`)
      const outcome: Outcome = {
        event: 'unknown',
        ...this.#identity(record),
        at: time.now().toISOString(),
        code: 'internal_error',
        message,
      }
      journal.writer.note(outcome)
      return { outcome, amount }
    } finally {
      if (held.place) pace.leave()
    }
  }

  async #send(record: Parcel, past: Past, held: Held): Promise<Result> {
    const { onDuplicate, rotation } = this.#options
    const settlement = await settle({ ...this.#delivery(record, held), resumed: past === 'unknown' }, onDuplicate)
    const result = this.#result(record, settlement)
    if (result.event !== 'succeeded' || !rotation) return result
    return this.#succeed(record, settlement, held, result)
  }

  /** Proves a new token, and keeps it. One that could not be is as good as none: the record is rotated again. */
  async #succeed(record: Parcel, settlement: Settlement, held: Held, result: Result): Promise<Result> {
    const { rotation } = this.#options
    const token = outcomeOf(record.request, settlement.answer && resultOf(settlement.answer)).accessToken
    const keeper = {
      place: 'a new token in new-tokens-file',
      // No output holds it.
      otherwise:
        'The new token is lost, and can be left to expire: once the file can be written, run the batch again, which rotates anew',
      keep: async (token: string) => rotation?.newTokens.add(record.installation, token),
    }
    const secrets = new Secrets()
    secrets.add([
      record.token,
      ...record.secrets,
      ...(this.#options.hidden ?? []),
      ...(token === undefined ? [] : [token]),
    ])
    const clean = (text: string) => secrets.scrub(shorten(text))
    try {
      const revokesPrevious = rotation?.revokesPrevious ?? false
      await succeed({ rotation: this.#delivery({ ...record, clean }, held), token, keeper, revokesPrevious })
      return result
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      const { code, message, hint } = error
      const sentence = clean(hint ? `${message}. ${hint}` : message)
      return { ...result, event: 'failed', status: 'failed', code: clean(code), message: sentence }
    }
  }

  /** A refund can be found; of anything else that is never repeated nothing more can be known. */
  async #lookUp(record: Parcel, held: Held): Promise<Result> {
    const { journal } = this.#options
    const sentAt = journal.sentAt.get(keyOf(record.identity))
    if (!sentAt) throw new Error('the journal does not say when the record was sent')
    const when = `It was sent at ${sentAt.toISOString()} by an earlier run, and its outcome is unknown`
    if (record.request.operation.name !== 'updateInvoice') {
      const message = `${when}. It is not sent again: find out at Vercel what became of it, and take the record out of the batch`
      return { event: 'unknown', code: 'outcome_unknown', message }
    }
    const found = await findRefund(this.#delivery(record, held), sentAt)
    if (found.arrived) return { event: 'succeeded', status: 'accepted' }
    const message = `${when}. Looked up just now, ${found.shows}. It is not sent again: read the invoice ${record.request.params.invoiceId} before you refund it anew`
    return { event: 'unknown', code: 'outcome_unknown', message: record.clean(message) }
  }

  #delivery(record: Parcel, held: Held) {
    const { route, limits, time, random, signal, abort, debug, pace } = this.#options
    return {
      request: record.request,
      route: { baseUrl: route.baseUrl, token: record.token, transport: pace.transport(route.transport, held) },
      limits,
      // A record's time runs while it is its turn.
      time: { ...time, clock: () => time.clock() - held.waitedMs },
      random,
      signal,
      abort,
      log: debug ? { info: (line: string) => debug(record.clean(`line ${record.line}: ${line}`)) } : silence,
    }
  }

  #result(record: Parcel, settlement: Settlement): Result {
    const { answer, attempts, failure, unclear, duplicate, unreadable } = settlement
    const { clean } = record
    const facts = {
      attempts,
      ...(answer && { httpStatus: answer.status }),
      ...(answer && requestId(answer) && { requestId: clean(requestId(answer)) }),
    }
    if (failure) {
      const { code, message, hint } = failure
      const sentence = clean(hint ? `${message}. ${hint}` : message)
      return { event: unclear ? 'unknown' : 'failed', code: clean(code), message: sentence, ...facts }
    }
    if (duplicate) return { event: 'succeeded', status: 'duplicate', ...facts }
    const { status, invoiceId } = outcomeOf(record.request, answer && resultOf(answer))
    return {
      event: 'succeeded',
      status: clean(status),
      ...(invoiceId !== undefined && { invoiceId: clean(invoiceId) }),
      ...(unreadable && { message: clean(`@vercel/sdk cannot read the answer: ${unreadable}`) }),
      ...facts,
    }
  }

  #sent(record: Parcel, past: Past, amount: string | undefined): Sent {
    const { externalId } = record.request.body ?? {}
    return {
      event: 'sent',
      ...this.#identity(record),
      at: this.#options.time.now().toISOString(),
      ...(typeof externalId === 'string' && { externalId: shorten(externalId) }),
      ...(amount !== undefined && { amount }),
      ...(past === 'unknown' && { resumed: true as const }),
      ...(record.ownId !== undefined && { request: shown(record.written) }),
    }
  }

  /** The record with the key that it goes out with. */
  #parcel(written: BatchRecord, identity: Identity): Parcel {
    const record = { ...written, written }
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
    own.add([token, ...secrets, ...(this.#options.hidden ?? [])])
    if (secrets.length === 0) {
      if (this.#scrubbers.size >= 5000) this.#scrubbers.clear()
      this.#scrubbers.set(token, own)
    }
    return own
  }

  #identity({ identity, line, installation }: Parcel) {
    return { ...identity, line, installation }
  }
}

type Result = Pick<
  Outcome,
  'event' | 'status' | 'invoiceId' | 'code' | 'message' | 'httpStatus' | 'requestId' | 'attempts'
>

const shorten = (text: string) => (text.length > longest ? `${text.slice(0, longest)}…` : text)

function shown(record: BatchRecord): unknown {
  const value = shownOf(record)
  const text = JSON.stringify(value)
  return text.length > longest ? shorten(text) : value
}
