// The whole story of a batch: check every line, open the journal, deliver what is left to do, count.

import { createHash } from 'node:crypto'
import { closeSync, readSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { readTokens, type Tokens } from '../credentials/tokens.ts'
import { TokensFile } from '../credentials/tokens-file.ts'
import type { Limits, Route } from '../delivery/deliver.ts'
import type { OnDuplicate } from '../delivery/reconcile.ts'
import { type Diagnostic, Failure } from '../failure.ts'
import { countOf, formatCount, quote } from '../format.ts'
import type { Operation } from '../operations/catalogue.ts'
import { loadShape } from '../operations/request.ts'
import { type Check, startCheck } from '../payload/check.ts'
import { readTextFile } from '../payload/file.ts'
import type { Time } from '../runtime.ts'
import { type Header, openForReading } from './journal/journal.ts'
import { exists, Misfit, misfit, openJournal } from './journal/open-journal.ts'
import { type BatchReport, Tally } from './journal/tally.ts'
import { examine } from './records/check-batch.ts'
import type { Past, Standing } from './records/key-hashes.ts'
import { readLines } from './records/lines.ts'
import {
  type BatchRecord,
  type Identity,
  identify,
  keyOf,
  type Reading,
  readRecord,
  shownOf,
} from './records/record.ts'
import { formatShard, isInShard, type Shard } from './records/shard.ts'
import { boundNursery, boundOld } from './sending/heap.ts'
import { Pace } from './sending/limiter.ts'
import { Progress } from './sending/progress.ts'
import { schedule } from './sending/schedule.ts'
import { Courier } from './sending/send-record.ts'

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

export interface BatchHouse {
  readonly env: NodeJS.ProcessEnv
  readonly workspace: string
  /** Secrets that are of no record. */
  readonly hidden?: readonly string[]
  readonly time: Time
  readonly random: () => number
  readonly signal: AbortSignal
  /** Cuts requests that are under way. */
  readonly abort: AbortSignal
  readonly log: { readonly info: (line: string) => void }
  /** Hears of each attempt, where anybody listens. */
  readonly debug: ((line: string) => void) | undefined
  readonly warn: (findings: readonly Diagnostic[]) => void
  readonly open: () => Promise<Omit<Route, 'token'>>
}

/** How many records are read ahead, so that those of other installations can overtake. */
const lookAhead = 20_000

/**
 * Runs a batch.
 *
 * @param report  learns what is known, as it becomes known
 * @throws {Failure} where a record failed, or the batch did not get to its end
 */
export async function runBatch(
  inputs: BatchInputs,
  house: BatchHouse,
  report: (known: BatchReport) => void,
): Promise<void> {
  const { operation, path, shard } = inputs
  const file = openBatch(house.workspace, path)
  try {
    const reading: Reading = {
      shape: await loadShape(operation),
      tokens: tokensOf(inputs, house.workspace),
      fallback: inputs.token,
      externalId: inputs.externalId,
    }
    const journalFile = journalPath(inputs, file, house)
    const isResumed = !inputs.dryRun && exists(journalFile)
    const newCheck = () => startCheck(house.env, house.workspace, house.time.now())
    const examined = examine({ reading, file, path, shard, newCheck, isResumed })
    house.warn(examined.warnings)
    const { total, standing } = examined
    const ofShard = shard.count > 1 ? ` in shard ${formatShard(shard)}` : ''
    house.log.info(`${path}: ${countOf(total, 'record')}${ofShard}, all checked`)
    const started = house.time.clock()
    const known = { path, operation: operation.sdkName, total, skipped: 0, tally: new Tally() }
    report(known)
    if (inputs.dryRun) return

    const journal = await opened(journalFile, headerOf(inputs), standing, { file, reading, newCheck })
    try {
      journal.writer.note({ event: 'begun', at: house.time.now().toISOString(), batch: path, total })
      const skipped = journal.succeeded
      if (standing) house.log.info(`resuming ${journalFile}: ${formatCount(skipped)} succeeded before and are skipped`)
      const { tally } = known
      const tell = () => report({ ...known, skipped, journalFile, ms: house.time.clock() - started })
      tell()
      const sending = { ...house, inputs, reading, file, standing, journal, tally, toDo: total - skipped, newCheck }
      await send(sending).finally(tell)
    } finally {
      journal.close()
    }
  } finally {
    closeSync(file)
  }
}

interface Sending extends BatchHouse {
  readonly inputs: BatchInputs
  readonly reading: Reading
  readonly file: number
  readonly standing: Standing | undefined
  readonly journal: Awaited<ReturnType<typeof openJournal>>
  readonly tally: Tally
  readonly toDo: number
  readonly newCheck: () => Check
}

interface Task {
  readonly record: BatchRecord
  readonly identity: Identity
  readonly past: Past
}

async function send(sending: Sending): Promise<void> {
  const { inputs, time, random, signal, log, tally, toDo, journal } = sending
  const { operation, concurrency, limits, maxFailures } = inputs
  const pace = new Pace({ concurrency, patienceMs: limits.retryTimeoutMs, time, random, signal, log })
  const progress = new Progress(toDo, { time, say: log.info })
  const { newTokensFile, revokesPrevious } = inputs
  const rotation = newTokensFile
    ? { newTokens: new TokensFile(sending.workspace, newTokensFile), revokesPrevious }
    : undefined
  const route = await sending.open()
  const courier = new Courier({ ...sending, ...inputs, pace, route, rotation })
  boundOld()
  let isBounded = boundNursery()
  const isTooMany = () => maxFailures !== undefined && tally.failed >= maxFailures
  const isStopped = () => signal.aborted || pace.isGivingUp || isTooMany() || journal.writer.failure !== undefined
  try {
    await schedule<Task>({
      records: tasks(sending),
      installationOf: ({ record }) => record.installation,
      pace,
      async run({ record, identity, past }) {
        const delivered = await courier.deliver(record, identity, past)
        if (!delivered) return
        tally.add(delivered.outcome, delivered.amount)
        progress.step(tally.failed)
        if (!isBounded) isBounded = boundNursery()
      },
      isStopped,
      waitsForOutcomes: maxFailures !== undefined,
      lookAhead,
    })
  } finally {
    route.transport.close()
  }
  const left = toDo - tally.succeeded - tally.failed
  const reason = signal.aborted
    ? 'cancelled'
    : journal.writer.failure
      ? 'journal'
      : pace.isGivingUp
        ? 'throttled'
        : isTooMany() && left > 0
          ? 'failures'
          : undefined
  if (reason || tally.failed > 0) throw incomplete(operation, sending, left, reason)
}

/** The records of the shard that are left to do. */
function* tasks({ file, reading, inputs, standing, newCheck }: Sending): Generator<Task> {
  for (const line of readLines(file)) {
    const record = 'text' in line ? readAgain(line, reading, newCheck) : undefined
    if (!record)
      throw new Failure('batch_changed', `The batch file has changed while it was read, in line ${line.number}`)
    if (!isInShard(inputs.shard, record.installation)) continue
    const identity = identify(record)
    const past = standing?.take(keyOf(identity)) ?? 'new'
    if (past !== 'succeeded') yield { record, identity, past }
  }
}

/** @returns undefined where it is no record any more */
function readAgain(line: { number: number; text: string }, reading: Reading, newCheck: () => Check) {
  let value: unknown
  try {
    value = JSON.parse(line.text)
  } catch {
    return undefined
  }
  return readRecord(line.number, value, { ...reading, again: true }, newCheck())
}

type Reason = 'cancelled' | 'journal' | 'throttled' | 'failures' | undefined

function incomplete(
  { sdkName }: Operation,
  { tally, journal, inputs }: Sending,
  left: number,
  reason: Reason,
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
  return new Failure(code, sentence, { findings: [{ message: sentence }, ...tally.findings(inputs.path)] })
}

async function opened(
  path: string,
  header: Header,
  standing: Standing | undefined,
  { file, reading, newCheck }: { file: number; reading: Reading; newCheck: () => Check },
) {
  try {
    return await openJournal(path, header, standing)
  } catch (error) {
    if (!(error instanceof Misfit)) throw error
    const wanted = new Set(error.records.map(({ id }) => id))
    const inFile = new Map<string, { line: number; request: unknown }>()
    for (const line of readLines(file)) {
      const record = 'text' in line ? readAgain(line, reading, newCheck) : undefined
      if (record?.ownId === undefined || !wanted.has(record.ownId)) continue
      inFile.set(record.ownId, { line: record.line, request: shownOf(record) })
    }
    throw misfit(path, error, inFile)
  }
}

function openBatch(workspace: string, path: string): number {
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

function tokensOf({ tokens, tokensFile }: BatchInputs, workspace: string): Tokens {
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

const headerOf = ({ operation, shard, api, externalId }: BatchInputs): Header => ({
  journal: 'vercel-marketplace',
  version: 1,
  operation: operation.sdkName,
  shard: formatShard(shard),
  api,
  ...(operation.name === 'submitInvoice' && { externalId }),
})

/** The journal's path: without an input it depends on all that one batch differs from another by. */
function journalPath(inputs: BatchInputs, file: number, { workspace, env }: BatchHouse): string {
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
