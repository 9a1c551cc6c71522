// The whole story of a batch: check every line, open the journal, deliver what is left to do, count.

import { createHash } from 'node:crypto'
import { closeSync, readSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { readTokens, type Tokens } from '../credentials/tokens.ts'
import { TokensFile } from '../credentials/tokens-file.ts'
import type { Endpoint, Limits } from '../delivery/deliver.ts'
import type { OnDuplicate } from '../delivery/reconcile.ts'
import { type Diagnostic, Failure } from '../failure.ts'
import { countOf, formatCount, quote } from '../format.ts'
import type { Operation } from '../operations/catalogue.ts'
import { loadShape } from '../operations/request.ts'
import { type Check, startCheck } from '../payload/check.ts'
import { readTextFile } from '../payload/file.ts'
import type { Clock } from '../runtime.ts'
import { type JournalHeader, openForReading } from './journal/journal.ts'
import { hasContent, JournalMismatch, mismatchFailure, openJournal } from './journal/open-journal.ts'
import { type BatchReport, Tally } from './journal/tally.ts'
import { checkBatch } from './records/check-batch.ts'
import type { PreviousOutcome, RecordStates } from './records/key-hashes.ts'
import { readLines } from './records/lines.ts'
import {
  type BatchRecord,
  type Identity,
  identify,
  type RecordContext,
  readRecord,
  recordKey,
  redactedRecord,
} from './records/record.ts'
import { formatShard, isInShard, type Shard } from './records/shard.ts'
import { limitOldGeneration, limitYoungGeneration } from './sending/heap.ts'
import { AdaptiveLimiter } from './sending/limiter.ts'
import { Progress } from './sending/progress.ts'
import { schedule } from './sending/schedule.ts'
import { RecordSender } from './sending/send-record.ts'

export interface BatchInputs {
  readonly operation: Operation
  /** Of the batch file, as the step gives it. */
  readonly path: string
  readonly token: string | undefined
  /** A JSON object, installation id → token: the text, or the path of a file with it. */
  readonly tokens: string | undefined
  readonly tokensFile: string | undefined
  readonly externalId: string
  readonly onDuplicate: OnDuplicate
  readonly limits: Limits
  readonly concurrency: number
  readonly shard: Shard
  readonly journalFile: string | undefined
  readonly maxFailures: number | undefined
  readonly newTokensFile: string | undefined
  readonly revokesPrevious: boolean
  readonly dryRun: boolean
  /** Where requests go, as the journal remembers it: a host, or `sandbox`. */
  readonly api: string
}

export interface BatchContext {
  readonly env: NodeJS.ProcessEnv
  readonly workspace: string
  /** Secrets that are of no record. */
  readonly hidden?: readonly string[]
  readonly clock: Clock
  readonly random: () => number
  readonly signal: AbortSignal
  /** Cuts requests that are under way. */
  readonly abort: AbortSignal
  readonly log: { readonly info: (line: string) => void }
  /** Hears of each attempt, where anybody listens. */
  readonly debug: ((line: string) => void) | undefined
  readonly warn: (findings: readonly Diagnostic[]) => void
  readonly open: () => Promise<Omit<Endpoint, 'token'>>
}

/** How many records are read ahead, so that those of other installations can overtake. */
const maxWaitingRecords = 20_000

/**
 * Runs a batch.
 *
 * @param report  learns what is known, as it becomes known
 * @throws {Failure} where a record failed, or the batch did not get to its end
 */
export async function runBatch(
  inputs: BatchInputs,
  context: BatchContext,
  report: (known: BatchReport) => void,
): Promise<void> {
  const { operation, path, shard } = inputs
  const file = openBatchFile(context.workspace, path)
  try {
    const recordContext: RecordContext = {
      shape: await loadShape(operation),
      tokens: loadTokens(inputs, context.workspace),
      defaultToken: inputs.token,
      externalId: inputs.externalId,
    }
    const journalFile = journalPath(inputs, file, context)
    const isResumed = !inputs.dryRun && hasContent(journalFile)
    const newCheck = () => startCheck(context.env, context.workspace, context.clock.now())
    const checked = checkBatch({ recordContext, file, path, shard, newCheck, isResumed })
    context.warn(checked.warnings)
    const { total, recordStates } = checked
    const ofShard = shard.count > 1 ? ` in shard ${formatShard(shard)}` : ''
    context.log.info(`${path}: ${countOf(total, 'record')}${ofShard}, all checked`)
    const started = context.clock.monotonic()
    const known = { path, operation: operation.sdkName, total, skipped: 0, tally: new Tally() }
    report(known)
    if (inputs.dryRun) return

    const journal = await openOrExplain(journalFile, headerOf(inputs), recordStates, { file, recordContext, newCheck })
    try {
      journal.writer.append({ event: 'begun', at: context.clock.now().toISOString(), batch: path, total })
      const skipped = journal.succeeded
      if (recordStates)
        context.log.info(`resuming ${journalFile}: ${formatCount(skipped)} succeeded before and are skipped`)
      const { tally } = known
      const tell = () => report({ ...known, skipped, journalFile, ms: context.clock.monotonic() - started })
      tell()
      const run = {
        ...context,
        inputs,
        recordContext,
        file,
        recordStates,
        journal,
        tally,
        toDo: total - skipped,
        newCheck,
      }
      await send(run).finally(tell)
    } finally {
      journal.close()
    }
  } finally {
    closeSync(file)
  }
}

interface BatchRun extends BatchContext {
  readonly inputs: BatchInputs
  readonly recordContext: RecordContext
  readonly file: number
  readonly recordStates: RecordStates | undefined
  readonly journal: Awaited<ReturnType<typeof openJournal>>
  readonly tally: Tally
  readonly toDo: number
  readonly newCheck: () => Check
}

interface RecordTask {
  readonly record: BatchRecord
  readonly identity: Identity
  readonly previous: PreviousOutcome
}

async function send(run: BatchRun): Promise<void> {
  const { inputs, clock, random, signal, log, tally, toDo, journal } = run
  const { operation, concurrency, limits, maxFailures } = inputs
  const limiter = new AdaptiveLimiter({
    concurrency,
    maxThrottledMs: limits.retryTimeoutMs,
    clock,
    random,
    signal,
    log,
  })
  const progress = new Progress(toDo, { clock, say: log.info })
  const { newTokensFile, revokesPrevious } = inputs
  const rotation = newTokensFile
    ? { newTokens: new TokensFile(run.workspace, newTokensFile), revokesPrevious }
    : undefined
  const endpoint = await run.open()
  const sender = new RecordSender({ ...run, ...inputs, limiter, endpoint, rotation })
  limitOldGeneration()
  let isBounded = limitYoungGeneration()
  const isTooMany = () => maxFailures !== undefined && tally.failed >= maxFailures
  const isStopped = () => signal.aborted || limiter.hasGivenUp || isTooMany() || journal.writer.failure !== undefined
  try {
    await schedule<RecordTask>({
      records: remainingRecords(run),
      installationOf: ({ record }) => record.installation,
      limiter,
      async run({ record, identity, previous }) {
        const delivered = await sender.deliver(record, identity, previous)
        if (!delivered) return
        tally.add(delivered.outcome, delivered.amount)
        progress.step(tally.failed)
        if (!isBounded) isBounded = limitYoungGeneration()
      },
      isStopped,
      waitsForOutcomes: maxFailures !== undefined,
      lookAhead: maxWaitingRecords,
    })
  } finally {
    endpoint.transport.close()
  }
  const left = toDo - tally.succeeded - tally.failed
  const reason = signal.aborted
    ? 'cancelled'
    : journal.writer.failure
      ? 'journal'
      : limiter.hasGivenUp
        ? 'throttled'
        : isTooMany() && left > 0
          ? 'failures'
          : undefined
  if (reason || tally.failed > 0) throw batchFailure(operation, run, left, reason)
}

/** The records of the shard that are left to do. */
function* remainingRecords({ file, recordContext, inputs, recordStates, newCheck }: BatchRun): Generator<RecordTask> {
  for (const line of readLines(file)) {
    const record = 'text' in line ? rereadRecord(line, recordContext, newCheck) : undefined
    if (!record)
      throw new Failure('batch_changed', `The batch file has changed while it was read, in line ${line.number}`)
    if (!isInShard(inputs.shard, record.installation)) continue
    const identity = identify(record)
    const previous = recordStates?.claim(recordKey(identity)) ?? 'new'
    if (previous !== 'succeeded') yield { record, identity, previous }
  }
}

/** @returns undefined where it is no record any more */
function rereadRecord(line: { number: number; text: string }, recordContext: RecordContext, newCheck: () => Check) {
  let value: unknown
  try {
    value = JSON.parse(line.text)
  } catch {
    return undefined
  }
  return readRecord(line.number, value, { ...recordContext, alreadyChecked: true }, newCheck())
}

type StopReason = 'cancelled' | 'journal' | 'throttled' | 'failures' | undefined

function batchFailure(
  { sdkName }: Operation,
  { tally, journal, inputs }: BatchRun,
  left: number,
  reason: StopReason,
): Failure {
  const again =
    'Run it again with the same batch file and journal: it goes on where it stopped, and sends nothing twice'
  const unstarted = `${countOf(left, 'record')} ${left === 1 ? 'was' : 'were'} not started`
  const [code, sentence] = {
    cancelled: ['cancelled', `The batch was cancelled; ${unstarted}. ${again}`],
    journal: [
      'journal_failed',
      `The journal ${journal.writer.failure?.message}; ${unstarted}. Make room, and r${again.slice(1)}`,
    ],
    throttled: [
      'throttled',
      `Vercel wants to be left alone for longer than retry-timeout allows; ${unstarted}. ${again}`,
    ],
    failures: [
      'too_many_failures',
      `${countOf(tally.failed, 'record')} failed, which is as many as max-failures allows; ${unstarted}. Mend what is wrong, and r${again.slice(1)}`,
    ],
    none: [
      'batch_failed',
      `${formatCount(tally.failed)} of ${countOf(tally.failed + tally.succeeded, `${sdkName} record`)} failed. ${again}`,
    ],
  }[reason ?? 'none'] as [string, string]
  return new Failure(code, sentence, { findings: [{ message: sentence }, ...tally.diagnostics(inputs.path)] })
}

async function openOrExplain(
  path: string,
  header: JournalHeader,
  recordStates: RecordStates | undefined,
  { file, recordContext, newCheck }: { file: number; recordContext: RecordContext; newCheck: () => Check },
) {
  try {
    return await openJournal(path, header, recordStates)
  } catch (error) {
    if (!(error instanceof JournalMismatch)) throw error
    const wanted = new Set(error.records.map(({ id }) => id))
    const inFile = new Map<string, { line: number; request: unknown }>()
    for (const line of readLines(file)) {
      const record = 'text' in line ? rereadRecord(line, recordContext, newCheck) : undefined
      if (record?.ownId === undefined || !wanted.has(record.ownId)) continue
      inFile.set(record.ownId, { line: record.line, request: redactedRecord(record) })
    }
    throw mismatchFailure(path, error, inFile)
  }
}

function openBatchFile(workspace: string, path: string): number {
  const full = resolve(workspace, path)
  const refuse = (reason: string) => {
    const message = `the batch file ${quote(path)} ${reason}`
    return new Failure('invalid_input', message, { findings: [{ message }] })
  }
  const stats = statSync(full, { throwIfNoEntry: false })
  if (!stats) throw refuse('does not exist; paths are relative to the workspace, and is it checked out?')
  if (!stats.isFile()) throw refuse('is no regular file')
  try {
    return openForReading(full)
  } catch (error) {
    throw refuse(`cannot be read: ${(error as Error).message}`)
  }
}

/** How long a list of tokens may be: a million of them. */
const maxTokensBytes = 256 * 1024 * 1024

function loadTokens({ tokens, tokensFile }: BatchInputs, workspace: string): Tokens {
  if (tokens === undefined && tokensFile === undefined) return new Map()
  const source = tokens === undefined ? `tokens-file ${quote(tokensFile ?? '')}` : 'input `tokens`'
  let text = tokens ?? ''
  if (tokensFile !== undefined) {
    try {
      text = readTextFile(workspace, tokensFile, maxTokensBytes)
    } catch (error) {
      throw new Failure('invalid_input', `${source} cannot be read: ${(error as Error).message}`)
    }
  }
  const { tokens: list, problems } = readTokens(text, source)
  if (problems.length > 0) throw new Failure('invalid_input', `${source} is not right`, { findings: problems })
  return list
}

const headerOf = ({ operation, shard, api, externalId }: BatchInputs): JournalHeader => ({
  journal: 'vercel-marketplace',
  version: 1,
  operation: operation.sdkName,
  shard: formatShard(shard),
  api,
  ...(operation.name === 'submitInvoice' && { externalId }),
})

/** The journal's path: without an input it depends on all that one batch differs from another by. */
function journalPath(inputs: BatchInputs, file: number, { workspace, env }: BatchContext): string {
  if (inputs.journalFile !== undefined) return resolve(workspace, inputs.journalFile)
  const digest = createHash('sha256').update(JSON.stringify(headerOf(inputs)))
  const chunk = Buffer.allocUnsafe(1 << 18)
  for (let position = 0; ; ) {
    const length = readSync(file, chunk, 0, chunk.length, position)
    if (length === 0) break
    position += length
    digest.update(chunk.subarray(0, length))
  }
  const name = `vercel-marketplace-${inputs.operation.name}-${digest.digest('hex').slice(0, 16)}.ndjson`
  return join(env.RUNNER_TEMP || tmpdir(), name)
}
