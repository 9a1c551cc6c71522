// Runs whole batches over a transport of the test, in a workspace of its own.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type BatchContext, type BatchInputs, type BatchResult, runBatch } from '../../src/batch/run.ts'
import type { HttpRequest, HttpResponse, Transport } from '../../src/http/transport.ts'
import { findOperation, type Operation, type OperationName } from '../../src/operations/catalogue.ts'
import type { Clock } from '../../src/runtime.ts'
import { withoutLock } from './files.ts'

export interface TestBatch {
  readonly workspace: string
  readonly name: OperationName
  readonly records: readonly object[]
  /** Answers a request. It throws a `TransportError` for a response that is lost. */
  readonly respond: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>
  readonly inputs?: Partial<BatchInputs>
  readonly signal?: AbortSignal
}

export const journalOf = (workspace: string) => join(workspace, 'journal.ndjson')

/** The lines of a workspace's journal. */
export const journalLines = (workspace: string): string[] =>
  readFileSync(journalOf(workspace), 'utf8').trimEnd().split('\n')

/** A response with a JSON body. */
export const answer = (status: number, body?: unknown): HttpResponse => ({
  status,
  headers: {},
  text: body === undefined ? '' : JSON.stringify(body),
})

/** A clock on which every wait is over at once. */
export class ImmediateClock implements Clock {
  #ms = 0
  readonly monotonic = () => this.#ms
  readonly now = () => new Date(Date.UTC(2025, 2, 15) + this.#ms)
  readonly sleep = async (ms: number) => {
    this.#ms += ms
    await nextTurn()
  }
}

/** The inputs of a batch of `batch.ndjson` with `journal.ndjson`. */
export const testBatchInputs = (name: OperationName, change: Partial<BatchInputs> = {}): BatchInputs => ({
  operation: findOperation(name) as Operation,
  path: 'batch.ndjson',
  token: 'installation-token',
  tokens: undefined,
  tokensFile: undefined,
  tokensKey: undefined,
  baseUrl: 'https://api.vercel.com',
  externalId: 'auto',
  maxAmount: undefined,
  maxTotal: undefined,
  maxChange: undefined,
  compareWith: undefined,
  expectDigest: undefined,
  onDuplicate: 'fail',
  onGone: 'fail',
  limits: { maxAttempts: 2, attemptTimeoutMs: 1000, retryTimeoutMs: 60_000 },
  concurrency: 4,
  shard: { index: 1, count: 1 },
  journalFile: 'journal.ndjson',
  maxFailures: undefined,
  newTokensFile: undefined,
  reportFile: undefined,
  revokesPrevious: false,
  dryRun: false,
  failsOnWarning: false,
  api: 'https://api.vercel.com',
  ...change,
})

/** What a batch is handed, with a transport that never leaves the process. */
export function testBatchContext(
  { workspace, clock, send }: { workspace: string; clock: Clock; send: Transport['send'] },
  change: Partial<BatchContext> = {},
): BatchContext {
  const never = new AbortController().signal
  return {
    extraSecrets: [],
    scrub: (text: string) => text,
    env: {},
    workspace,
    clock,
    random: () => 0.5,
    signal: never,
    abort: never,
    log: { info() {} },
    debug: undefined,
    warn() {},
    takeLock: withoutLock,
    open: async () => ({ baseUrl: 'https://api.vercel.com', transport: { send, close() {} } }),
    ...change,
  }
}

/** Runs a batch, without waiting. */
export async function runTestBatch({
  workspace,
  name,
  records,
  respond,
  inputs,
  signal,
}: TestBatch): Promise<BatchResult> {
  writeFileSync(join(workspace, 'batch.ndjson'), records.map((record) => `${JSON.stringify(record)}\n`).join(''))
  const limits = { maxAttempts: 2, attemptTimeoutMs: 1000, retryTimeoutMs: 600_000 }
  const send = async (request: HttpRequest) => respond(request)
  return runBatch(
    testBatchInputs(name, { limits, ...inputs }),
    testBatchContext({ workspace, clock: new ImmediateClock(), send }, { ...(signal && { signal }) }),
  )
}
