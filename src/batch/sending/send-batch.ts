// Sends the remaining records of a batch, and says why it stopped.

import type { Endpoint } from '../../delivery/deliver.ts'
import type { OnDuplicate } from '../../delivery/refund.ts'
import type { Limits } from '../../delivery/retry.ts'
import { Failure } from '../../failure.ts'
import type { Operation } from '../../operations/operation.ts'
import type { Clock } from '../../runtime.ts'
import type { OpenJournal } from '../journal/open-journal.ts'
import type { Tally } from '../journal/tally.ts'
import { type BatchFile, type RecordTask, remainingRecords } from '../records/batch-file.ts'
import type { RecordStates } from '../records/record-states.ts'
import type { Shard } from '../records/shard.ts'
import { areAllThrottled, type BatchFailureCode, batchFailure } from './batch-failure.ts'
import { limitOldGeneration, limitYoungGeneration } from './heap.ts'
import { AdaptiveLimiter } from './limiter.ts'
import type { OnGone } from './prepared-record.ts'
import { Progress } from './progress.ts'
import { schedule } from './schedule.ts'
import { RecordSender, type RotationStore } from './send-record.ts'

export interface SendBatchOptions {
  readonly operation: Operation
  readonly limits: Limits
  readonly onDuplicate: OnDuplicate
  readonly onGone: OnGone
  readonly failsOnWarning: boolean
  /** The input `external-id`. */
  readonly externalId: string
  /** Maximum number of requests in flight. */
  readonly concurrency: number
  readonly shard: Shard
  readonly maxFailures: number | undefined
  /** Where a rotation stores the new tokens. */
  readonly rotation: RotationStore | undefined
  readonly file: BatchFile
  readonly journal: OpenJournal
  /** The previous outcomes; undefined in the first run. */
  readonly recordStates: RecordStates | undefined
  /** Counts the outcomes as they become known. */
  readonly tally: Tally
  /** Records of the shard. */
  readonly total: number
  /** Records to send. */
  readonly remaining: number
  /** Whether the input `journal-file` is set. */
  readonly keepsJournal: boolean
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  /** Cancels the batch: no further record is started. */
  readonly signal: AbortSignal
  /** Aborts requests in flight. */
  readonly abort: AbortSignal
  readonly log: { readonly info: (line: string) => void }
  /** Gets a line for each attempt; undefined if debug logging is off. */
  readonly debug: ((line: string) => void) | undefined
  /** Secrets that belong to no record. */
  readonly extraSecrets: readonly string[]
  /** Opens the connection to the API. */
  readonly open: () => Promise<Omit<Endpoint, 'token'>>
}

/** How many records are read ahead, so that records of other installations are not held up. */
const maxWaitingRecords = 20_000

/** @returns why the batch failed, if it did */
export async function sendBatch(options: SendBatchOptions): Promise<Failure | undefined> {
  const { limits, concurrency, maxFailures, clock, random, signal, log, tally, remaining, journal } = options
  const limiter = new AdaptiveLimiter({
    concurrency,
    maxWaitMs: limits.retryTimeoutMs,
    clock,
    random,
    signal,
    log,
  })
  const progress = new Progress(remaining, { clock, log: log.info, waiting: () => limiter.waiting })
  const endpoint = await options.open()
  const sender = new RecordSender({
    limits,
    onDuplicate: options.onDuplicate,
    onGone: options.onGone,
    failsOnWarning: options.failsOnWarning,
    externalId: options.externalId,
    rotation: options.rotation,
    endpoint,
    journal,
    limiter,
    clock,
    random,
    signal,
    abort: options.abort,
    debug: options.debug,
    extraSecrets: options.extraSecrets,
  })
  limitOldGeneration()
  let isHeapLimited = limitYoungGeneration()
  // Loaded by the first failure otherwise, which would be counted after further records have started.
  if (maxFailures !== undefined) await import('../../delivery/delivery-failure.ts')
  const hasTooManyFailures = () => maxFailures !== undefined && tally.failed >= maxFailures
  let fileChange: string | undefined
  try {
    await schedule<RecordTask>({
      records: remainingRecords(options.file, options.shard, options.recordStates),
      installationOf: ({ record }) => record.installation,
      limiter,
      async run({ record, identity, previous }) {
        const result = await sender.send(record, identity, previous)
        if (!result) return
        const { sent, outcome } = result
        if (sent) journal.ledger.apply(sent)
        journal.ledger.apply(outcome)
        tally.add(outcome)
        progress.recordDone(tally.failed)
        if (!isHeapLimited) isHeapLimited = limitYoungGeneration()
      },
      isStopped: () =>
        signal.aborted || limiter.givenUp !== undefined || hasTooManyFailures() || journal.writer.failure !== undefined,
      waitsForOutcomes: maxFailures !== undefined,
      maxWaitingRecords,
    })
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'batch_changed') throw error
    fileChange = error.message
  } finally {
    limiter.close()
    limiter.waitLog.logThrottledTotal()
    endpoint.transport.close()
  }
  // The last outcomes. The writer keeps its failure.
  await journal.writer.flushAtEndOfTurn().catch(() => {})
  const notStarted = remaining - tally.succeeded - tally.failed - tally.gone
  const failureCode = (): BatchFailureCode | undefined => {
    if (signal.aborted) return 'cancelled'
    if (journal.writer.failure) return 'journal_failed'
    if (fileChange !== undefined) return 'batch_changed'
    if (limiter.givenUp) return limiter.givenUp.reason
    if (hasTooManyFailures() && notStarted > 0) return 'too_many_failures'
    if (areAllThrottled(tally)) return 'throttled'
    return tally.failed > 0 ? 'batch_failed' : undefined
  }
  const code = failureCode()
  if (!code) return undefined
  return batchFailure(code, {
    operation: options.operation,
    externalId: options.externalId,
    tally,
    ledger: journal.ledger,
    total: options.total,
    keepsJournal: options.keepsJournal,
    path: options.file.path,
    notStarted,
    limits,
    givenUp: limiter.givenUp,
    heldUntil: limiter.heldUntil,
    maxFailures,
    fileChange,
    journalFailure: journal.writer.failure,
    now: clock.now(),
  })
}
