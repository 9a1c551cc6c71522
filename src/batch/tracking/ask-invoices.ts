// Asks for the invoices of the table, and asks again for those that are waited for.

import type { TokenInputs, Tokens } from '../../credentials/tokens.ts'
import type { CutProblem } from '../../cut-variables.ts'
import type { Endpoint } from '../../delivery/deliver.ts'
import type { Limits } from '../../delivery/retry.ts'
import type { Wait } from '../../delivery/wait-for.ts'
import { type Diagnostic, Failure } from '../../failure.ts'
import { countOf, formatDuration } from '../../format.ts'
import { canReach } from '../../operations/invoice-state.ts'
import type { Operation } from '../../operations/operation.ts'
import type { Clock } from '../../runtime.ts'
import { limitYoungGeneration } from '../sending/heap.ts'
import { AdaptiveLimiter } from '../sending/limiter.ts'
import { Progress } from '../sending/progress.ts'
import { schedule } from '../sending/schedule.ts'
import type { Slot } from '../sending/slot.ts'
import { AttentionList } from './attention-list.ts'
import { inTurns } from './in-turns.ts'
import type { InvoiceTable } from './invoice-table.ts'
import { InvoiceTally } from './invoice-tally.ts'
import { type InvoiceAnswer, InvoiceReader } from './read-invoice.ts'
import type { TrackedInvoice } from './tracked-invoice.ts'
import { type TrackingEnd, trackingFailure } from './tracking-failure.ts'

export interface TrackingInputs extends TokenInputs {
  /** Paths or globs. */
  readonly journals: readonly string[]
  /** For installations that `tokens` and `tokensFile` do not have. */
  readonly token: string | undefined
  readonly limits: Limits
  /** Maximum number of requests in flight. */
  readonly concurrency: number
  readonly wait: Wait | undefined
  /** The statuses for which the step fails. */
  readonly failOn: readonly string[]
  /** Where the invoices are read: origin and base path, or `sandbox`. */
  readonly api: string
}

export interface TrackingContext {
  /** submitInvoice, whose journals are read. */
  readonly submission: Operation
  /** getInvoice. */
  readonly operation: Operation
  readonly env: NodeJS.ProcessEnv
  /** Set on systems that can pass on a variable in part. */
  readonly cutProblem?: CutProblem | undefined
  readonly workspace: string
  /** Secrets that belong to no installation, such as a proxy's password. */
  readonly extraSecrets: readonly string[]
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  /** Cancels the tracking: no further invoice is asked for. */
  readonly signal: AbortSignal
  /** Aborts requests in flight. */
  readonly abort: AbortSignal
  readonly log: { readonly info: (line: string) => void }
  /** Gets a line for each attempt; undefined if debug logging is off. */
  readonly debug: ((line: string) => void) | undefined
  readonly warn: (diagnostics: readonly Diagnostic[]) => void
  /** Opens the connection to the API. */
  readonly open: () => Promise<Omit<Endpoint, 'token'>>
  /** Gets all rows at the end, in the order of the journals, for a report. */
  readonly consumeRows?: (rows: Iterable<TrackedInvoice>) => void | Promise<void>
}

/** At least this long between two log lines about waiting, in milliseconds. */
const minWaitLogMs = 10_000

/** What is known of the invoices in the end. */
export interface FoundInvoices {
  readonly tally: InvoiceTally
  readonly attention: AttentionList
  readonly now: Date
  /** Whether Vercel answered for any invoice, or no invoice had to be read. */
  readonly hasAnswers: boolean
  readonly failure: Failure | undefined
}

/** Asks for the invoices of the table. */
export class Tracking {
  readonly #inputs: TrackingInputs
  readonly #context: TrackingContext
  readonly #table: InvoiceTable
  readonly #tokens: Tokens
  readonly #limiter: AdaptiveLimiter
  readonly #tally = new InvoiceTally()
  readonly #attention = new AttentionList()
  /** Whether Vercel answered for any invoice. */
  #hasAnswers = false
  /** Why an invoice could not be asked for, or its row not be stored. */
  #problem: unknown

  constructor(inputs: TrackingInputs, context: TrackingContext, table: InvoiceTable, tokens: Tokens) {
    this.#inputs = inputs
    this.#context = context
    this.#table = table
    this.#tokens = tokens
    const { clock, random, signal, log } = context
    const { concurrency, limits } = inputs
    this.#limiter = new AdaptiveLimiter({
      concurrency,
      maxWaitMs: limits.retryTimeoutMs,
      clock,
      random,
      signal,
      log,
    })
  }

  async run(): Promise<FoundInvoices> {
    const { clock, signal } = this.#context
    for await (const [index, row] of inTurns(this.#table.rows(), signal)) this.#count(index, row)
    if (signal.aborted) {
      throw new Failure('cancelled', 'The step was cancelled before it asked for an invoice', {
        hint: 'Run the step again: it only reads',
      })
    }
    const hadToAsk = this.#table.pendingCount > 0
    if (hadToAsk) await this.#askAll()
    const { failOn, wait } = this.#inputs
    const found = { tally: this.#tally, attention: this.#attention, now: clock.now() }
    const failure = trackingFailure(found, {
      failOn,
      wait,
      end: this.#end,
      pending: this.#table.pendingCount,
      givenUp: this.#limiter.givenUp,
    })
    return { ...found, hasAnswers: this.#hasAnswers || !hadToAsk, failure }
  }

  get #end(): TrackingEnd {
    if (this.#context.signal.aborted) return 'cancelled'
    return this.#limiter.givenUp?.reason
  }

  /** Asks for each invoice once and then, with `wait-for`, again for those that are not in a wanted state. */
  async #askAll(): Promise<void> {
    const { clock, signal, random, abort, debug, extraSecrets, operation, open } = this.#context
    const { wait, token } = this.#inputs
    const deadline = clock.monotonic() + (wait?.timeoutMs ?? 0)
    const endpoint = await open()
    const reader = new InvoiceReader({
      operation,
      endpoint,
      tokens: this.#tokens,
      defaultToken: token,
      limiter: this.#limiter,
      clock,
      random,
      signal,
      abort,
      debug,
      extraSecrets,
    })
    try {
      await this.#askPending(reader, Number.POSITIVE_INFINITY)
      let loggedAt = Number.NEGATIVE_INFINITY
      while (wait && this.#table.pendingCount > 0 && this.#end === undefined) {
        const now = clock.monotonic()
        if (now >= deadline) return
        if (now - loggedAt >= minWaitLogMs) {
          loggedAt = now
          this.#logWaiting(wait, deadline - now)
        }
        await clock.sleep(Math.min(wait.intervalMs, deadline - now), signal)
        await this.#askPending(reader, deadline)
      }
    } finally {
      this.#limiter.close()
      endpoint.transport.close()
    }
  }

  #logWaiting({ states, intervalMs }: Wait, leftMs: number): void {
    const pending = countOf(this.#table.pendingCount, 'invoice')
    this.#context.log.info(
      `waiting for ${pending} to be ${states.join(' or ')}: asking every ${formatDuration(intervalMs)}, for up to ${formatDuration(leftMs)} more`,
    )
  }

  /** Asks for all pending invoices. Starts none after the deadline, which is monotonic and in milliseconds. */
  async #askPending(reader: InvoiceReader, deadline: number): Promise<void> {
    const { clock, log } = this.#context
    const table = this.#table
    const progress = new Progress(table.pendingCount, { clock, log: log.info, waiting: () => this.#limiter.waiting })
    let isHeapLimited = limitYoungGeneration()
    await schedule<number>({
      records: table.pendingIndexes(),
      // Reading needs no order, so that the invoices of one installation are read side by side.
      installationOf: String,
      limiter: this.#limiter,
      run: async (index) => {
        await this.#ask(reader, index, deadline)
        progress.recordDone(this.#tally.get('unreadable').count)
        if (!isHeapLimited) isHeapLimited = limitYoungGeneration()
      },
      isStopped: () => this.#end !== undefined || this.#problem !== undefined || clock.monotonic() >= deadline,
      maxWaitingRecords: 1,
    })
    if (this.#problem !== undefined) throw this.#problem
  }

  /** Asks for an invoice with a slot of the limiter, which it releases. */
  async #ask(reader: InvoiceReader, index: number, deadline: number): Promise<void> {
    let slot: Slot | undefined
    try {
      const row = this.#table.get(index) as TrackedInvoice
      slot = { installation: row.installation, acquired: true, waitedMs: 0 }
      const { limits } = this.#inputs
      // The retries of a later reading end when the waiting does.
      const retryTimeoutMs = Math.min(limits.retryTimeoutMs, Math.max(0, deadline - this.#context.clock.monotonic()))
      const answer = await reader.read(row, slot, { ...limits, retryTimeoutMs })
      if (answer) this.#update(index, row, answer)
    } catch (error) {
      this.#problem ??= error
    } finally {
      if (slot?.acquired !== false) this.#limiter.release()
    }
  }

  #update(index: number, row: TrackedInvoice, answer: InvoiceAnswer): void {
    if (answer.row.httpStatus !== undefined) this.#hasAnswers = true
    const isReadable = answer.row.status !== 'unreadable'
    // A failure that passes by itself does not hide what was read before.
    const isKept = !isReadable && !answer.isRefused && row.status !== 'not started'
    const latest = isKept ? row : answer.row
    this.#table.setPending(index, shouldAskAgain(latest, answer.isRefused, this.#inputs.wait))
    if (latest.status === row.status && latest.code === row.code && latest.refunded === row.refunded) return
    this.#tally.remove(row)
    this.#table.set(index, latest)
    this.#count(index, latest)
  }

  #count(index: number, row: TrackedInvoice): void {
    this.#tally.add(row)
    this.#attention.update(index, row)
  }
}

/** Whether an invoice is waited for: it could be read or may be soon, and can still reach a wanted state. */
function shouldAskAgain({ status }: TrackedInvoice, isRefused: boolean, wait: Wait | undefined): boolean {
  if (!wait || isRefused) return false
  return !wait.states.includes(status) && canReach(status, wait.states)
}
