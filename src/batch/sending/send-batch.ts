// Sends the remaining records of a batch, and says why it stopped.

import type { Endpoint } from '../../delivery/deliver.ts'
import type { OnDuplicate } from '../../delivery/refund.ts'
import type { Limits } from '../../delivery/retry.ts'
import { Failure, type FailureCode } from '../../failure.ts'
import { countOf, formatCount } from '../../format.ts'
import type { Operation } from '../../operations/catalogue.ts'
import type { Clock } from '../../runtime.ts'
import type { OpenJournal } from '../journal/open-journal.ts'
import type { Tally } from '../journal/tally.ts'
import { type BatchFile, type RecordTask, remainingRecords } from '../records/batch-file.ts'
import type { RecordStates } from '../records/key-hashes.ts'
import type { Shard } from '../records/shard.ts'
import { limitOldGeneration, limitYoungGeneration } from './heap.ts'
import { AdaptiveLimiter } from './limiter.ts'
import { Progress } from './progress.ts'
import { schedule } from './schedule.ts'
import { RecordSender, type RotationStore } from './send-record.ts'

export interface SendBatchOptions {
  readonly operation: Operation
  readonly limits: Limits
  readonly onDuplicate: OnDuplicate
  /** The input `external-id`. */
  readonly externalId: string
  /** Requests in flight at once. */
  readonly concurrency: number
  readonly shard: Shard
  readonly maxFailures: number | undefined
  /** Where a rotation stores the new tokens. */
  readonly rotation: RotationStore | undefined
  readonly file: BatchFile
  readonly journal: OpenJournal
  readonly recordStates: RecordStates | undefined
  /** Counts the outcomes as they become known. */
  readonly tally: Tally
  /** Records left to send. */
  readonly toDo: number
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  readonly signal: AbortSignal
  /** Aborts requests in flight. */
  readonly abort: AbortSignal
  readonly log: { readonly info: (line: string) => void }
  readonly debug: ((line: string) => void) | undefined
  readonly extraSecrets: readonly string[]
  readonly open: () => Promise<Omit<Endpoint, 'token'>>
}

/** How many records are read ahead, so that those of other installations can overtake. */
const maxWaitingRecords = 20_000

/** @returns why the batch failed, if it did */
export async function sendBatch(options: SendBatchOptions): Promise<Failure | undefined> {
  const { limits, concurrency, maxFailures, clock, random, signal, log, tally, toDo, journal } = options
  const limiter = new AdaptiveLimiter({
    concurrency,
    maxThrottledMs: limits.retryTimeoutMs,
    clock,
    random,
    signal,
    log,
  })
  const progress = new Progress(toDo, { clock, say: log.info })
  const endpoint = await options.open()
  const sender = new RecordSender({
    limits,
    onDuplicate: options.onDuplicate,
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
  let isLimited = limitYoungGeneration()
  const hasTooManyFailures = () => maxFailures !== undefined && tally.failed >= maxFailures
  try {
    await schedule<RecordTask>({
      records: remainingRecords(options.file, options.shard, options.recordStates),
      installationOf: ({ record }) => record.installation,
      limiter,
      async run({ record, identity, previous }) {
        const sent = await sender.deliver(record, identity, previous)
        if (!sent) return
        tally.add(sent.outcome, sent.amount)
        progress.step(tally.failed)
        if (!isLimited) isLimited = limitYoungGeneration()
      },
      isStopped: () =>
        signal.aborted || limiter.hasGivenUp || hasTooManyFailures() || journal.writer.failure !== undefined,
      waitsForOutcomes: maxFailures !== undefined,
      maxWaitingRecords,
    })
  } finally {
    endpoint.transport.close()
  }
  const left = toDo - tally.succeeded - tally.failed
  if (signal.aborted) return batchFailure('cancelled', options, left)
  if (journal.writer.failure) return batchFailure('journal_failed', options, left)
  if (limiter.hasGivenUp) return batchFailure('throttled', options, left)
  if (hasTooManyFailures() && left > 0) return batchFailure('too_many_failures', options, left)
  return tally.failed > 0 ? batchFailure('batch_failed', options, left) : undefined
}

type StopReason = 'cancelled' | 'journal_failed' | 'throttled' | 'too_many_failures' | 'batch_failed'

/** @param left  records that were not started */
function batchFailure(reason: StopReason & FailureCode, options: SendBatchOptions, left: number): Failure {
  const { operation, tally, journal, file, limits } = options
  const resume =
    'Run it again with the same batch file and journal: it resumes where it stopped, and sends nothing twice'
  const notStarted = `${countOf(left, 'record')} ${left === 1 ? 'was' : 'were'} not started`
  const messages: Record<StopReason, string> = {
    cancelled: `The batch was cancelled; ${notStarted}. ${resume}`,
    journal_failed: `The journal ${journal.writer.failure?.message}; ${notStarted}. Free disk space. ${resume}`,
    throttled: `Vercel's rate limit lasts longer than retry-timeout (${limits.retryTimeoutMs / 1000} s) allows; ${notStarted}. ${resume}`,
    too_many_failures: `${countOf(tally.failed, 'record')} failed, which is as many as max-failures allows; ${notStarted}. Fix the errors. ${resume}`,
    batch_failed: `${formatCount(tally.failed)} of ${countOf(tally.failed + tally.succeeded, `${operation.sdkName} record`)} failed. ${resume}`,
  }
  const message = messages[reason]
  return new Failure(reason, message, { diagnostics: [{ message }, ...tally.diagnostics(file.path)] })
}
