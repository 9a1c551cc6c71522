// One record of a batch, delivered and journaled.

import { requestId, resultOf } from '../delivery/answer.ts'
import type { Limits, Route } from '../delivery/deliver.ts'
import { findRefund } from '../delivery/refund.ts'
import { type OnDuplicate, type Settlement, settle } from '../delivery/settle.ts'
import type { Time } from '../delivery/time.ts'
import { isRepeatable } from '../delivery/verdict.ts'
import { amountOf } from '../operations/amount.ts'
import { outcomeOf } from '../operations/outcome.ts'
import { Secrets } from '../secrets.ts'
import { keyOf, type Outcome, type Sent } from './journal.ts'
import type { Held, Pace } from './pace.ts'
import type { BatchRecord } from './record.ts'
import type { OpenJournal } from './resume.ts'
import type { Past } from './roll.ts'

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
  readonly route: Omit<Route, 'token'>
  readonly journal: OpenJournal
  /** Hears of each outcome, before the next record takes its place. */
  readonly tell: (outcome: Outcome, amount: string | undefined) => void
}

const silence = { info: () => {} }

/** What of a request a journal keeps, and of a message: a line has to stay one that can be read again. */
const longest = 2000

export class Courier {
  readonly #options: CourierOptions

  constructor(options: CourierOptions) {
    this.#options = options
  }

  /** Delivers a record, with a place in the pace that is given back. It does not throw. */
  async deliver(record: BatchRecord, past: Past): Promise<void> {
    const { pace, tell } = this.#options
    const held = { place: true, waitedMs: 0 }
    const amount = amountOf(record.request)
    const outcome = await this.#outcome(record, past, amount, held)
    if (outcome) tell(outcome, amount)
    pace.release(held)
  }

  /** @returns undefined where it was not started, since the journal cannot be written */
  async #outcome(
    record: BatchRecord,
    past: Past,
    amount: string | undefined,
    held: Held,
  ): Promise<Outcome | undefined> {
    const { time, journal } = this.#options
    const started = time.clock()
    const isKnown = past === 'unknown' && !isRepeatable(record.request)
    try {
      // A record that must not be sent again is not.
      if (!isKnown) {
        journal.writer.note(this.#sent(record, past, amount))
        journal.writer.flush()
      }
      const result = await (isKnown ? this.#lookUp(record, held) : this.#send(record, past, held))
      const ms = Math.round(time.clock() - started - held.waitedMs)
      const { event, ...facts } = result
      const at = time.now().toISOString()
      const outcome: Outcome = { event, ...this.#identity(record), ...facts, at, ...(!isKnown && { ms }) }
      journal.writer.note(outcome)
      this.#flushSoon()
      return outcome
    } catch (error) {
      if (error === journal.writer.failure) return undefined
      // Of what nobody thought of it is not known how far it came.
      const message = this.#clean(record, `The action itself failed: ${(error as Error).message}`)
      const outcome: Outcome = {
        event: 'unknown',
        ...this.#identity(record),
        at: time.now().toISOString(),
        code: 'internal_error',
        message,
      }
      journal.writer.note(outcome)
      return outcome
    }
  }

  #isFlushing = false

  /** Outcomes go with the next record that is sent, or on their own where none follows at once. */
  #flushSoon(): void {
    if (this.#isFlushing) return
    this.#isFlushing = true
    setImmediate(() => {
      this.#isFlushing = false
      try {
        this.#options.journal.writer.flush()
      } catch {
        // The writer keeps its failure, which stops the batch.
      }
    })
  }

  async #send(record: BatchRecord, past: Past, held: Held): Promise<Result> {
    const { onDuplicate } = this.#options
    const settlement = await settle({ ...this.#delivery(record, held), resumed: past === 'unknown' }, onDuplicate)
    return this.#result(record, settlement)
  }

  /** A refund can be found; of anything else that is never repeated nothing more can be known. */
  async #lookUp(record: BatchRecord, held: Held): Promise<Result> {
    const { journal } = this.#options
    const sentAt = journal.sentAt.get(keyOf(identify(record))) ?? new Date(0)
    const when = `It was sent at ${sentAt.toISOString()} by an earlier run, and its outcome is unknown`
    if (record.request.operation.name !== 'updateInvoice') {
      const message = `${when}. It is not sent again: find out at Vercel what became of it, and take the record out of the batch`
      return { event: 'unknown', code: 'outcome_unknown', message }
    }
    const found = await findRefund(this.#delivery(record, held), sentAt)
    if (found.arrived) return { event: 'succeeded', status: 'accepted' }
    const message = `${when}. Looked up just now, ${found.shows}. It is not sent again: read the invoice ${record.request.params.invoiceId} before you refund it anew`
    return { event: 'unknown', code: 'outcome_unknown', message: this.#clean(record, message) }
  }

  #delivery(record: BatchRecord, held: Held) {
    const { route, limits, time, random, signal, abort, debug, pace } = this.#options
    return {
      request: record.request,
      route: { baseUrl: route.baseUrl, token: record.token, transport: pace.transport(route.transport, held) },
      limits,
      time: {
        ...time,
        // A record's time runs while it is its turn, and it takes no place while it waits to be sent again.
        clock: () => time.clock() - held.waitedMs,
        sleep: (ms: number, signal?: AbortSignal) => {
          pace.release(held)
          return time.sleep(ms, signal)
        },
      },
      random,
      signal,
      abort,
      log: debug ? { info: (line: string) => debug(this.#clean(record, `line ${record.line}: ${line}`)) } : silence,
    }
  }

  #result(record: BatchRecord, settlement: Settlement): Result {
    const { answer, attempts, failure, unclear, duplicate, unreadable } = settlement
    const clean = (text: string) => this.#clean(record, text)
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

  #sent(record: BatchRecord, past: Past, amount: string | undefined): Sent {
    const { externalId } = record.request.body ?? {}
    return {
      event: 'sent',
      ...this.#identity(record),
      at: this.#options.time.now().toISOString(),
      ...(typeof externalId === 'string' && { externalId }),
      ...(amount !== undefined && { amount }),
      ...(past === 'unknown' && { resumed: true as const }),
      ...(record.hasOwnId && { request: shorten(record.request.shown) }),
    }
  }

  #identity(record: BatchRecord) {
    return { ...identify(record), line: record.line, installation: record.installation }
  }

  #clean({ secrets }: BatchRecord, text: string): string {
    const own = new Secrets()
    own.add(secrets)
    return own.scrub(text.length > longest ? `${text.slice(0, longest)}…` : text)
  }
}

type Result = Pick<
  Outcome,
  'event' | 'status' | 'invoiceId' | 'code' | 'message' | 'httpStatus' | 'requestId' | 'attempts'
>

const identify = ({ id, digest, hasOwnId }: BatchRecord) => ({ id, ...(hasOwnId && { digest }) })

function shorten(request: unknown): unknown {
  const text = JSON.stringify(request ?? null)
  return text.length > longest ? `${text.slice(0, longest)}…` : request
}
