// Batches that are killed several times, or that run out of disk space: no work is done twice, no record is lost, and the
// journal is correct.

import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { randomFrom } from '../../bench/random.ts'
import type { OperationName } from '../../src/operations/catalogue.ts'
import { apiOf } from '../../src/operations/request-digest.ts'
import type { SandboxServer } from '../../src/sandbox/server.ts'
import { testBatchInputs } from '../batch/batch-runner.ts'
import { type KillableRun, startKillableBatch } from '../batch/killable-batch.ts'
import {
  arrivalsByLine,
  bills,
  hasWorked,
  installations,
  type JournalEvent,
  lastEvents,
  lineOf,
  type MakeRecord,
  ndjson,
  records,
  startServer,
  usage,
} from './batches.ts'
import { runConcurrently } from './concurrently.ts'
import { runStep, runStepInProcess, type StepOptions, type StepResult, scratch, startStep, writeFiles } from './step.ts'

const inputs = { token: 'token-for-all-1', 'batch-file': 'b.ndjson', 'journal-file': 'j.ndjson', concurrency: '6' }
const count = 40

interface CompletedBatch {
  /** The run that was not killed. */
  readonly last: StepResult
  /** The last event of each line in the journal. */
  readonly events: Map<number, JournalEvent>
  /** The requests that the server received for each line. */
  readonly requests: ReturnType<typeof arrivalsByLine>
  /** How many runs were killed. */
  readonly kills: number
  /** How many of the kills left an incomplete line. */
  readonly truncations: number
}

type StartRun = (options: StepOptions & { readonly workspace: string }) => KillableRun

/** Starts a step as a process. */
const startProcess: StartRun = (options) => {
  const { child, done } = startStep(options)
  const ended = done.then(async ({ code }) => {
    // Requests that were sent before the end may still arrive.
    await pause(30)
    return code === null
  })
  const kill = () => {
    child.kill('SIGKILL')
    return options.workspace
  }
  return { kill, ended }
}

/** Starts a batch in process, with the inputs of a step. */
const startInProcess: StartRun = ({ workspace, files = {}, with: given = {} }) => {
  writeFiles(workspace, files)
  const url = given['api-url']
  const change = {
    path: inputs['batch-file'],
    token: inputs.token,
    journalFile: inputs['journal-file'],
    limits: { maxAttempts: 5, attemptTimeoutMs: 30_000, retryTimeoutMs: 300_000 },
    concurrency: Number(inputs.concurrency),
    externalId: given['external-id'] ?? 'auto',
    baseUrl: url,
    api: apiOf(url),
  }
  return startKillableBatch(workspace, testBatchInputs(given.operation as OperationName, change))
}

/** How the runs of a batch are killed. In process it takes a tenth of the time, so more batches are run that way. */
const ways: Record<'as processes' | 'in process', StartRun> = {
  'as processes': startProcess,
  'in process': startInProcess,
}
type Way = keyof typeof ways

/** Runs a batch until it is complete. The seed decides at which requests it is killed, one to three times. */
async function runWithKills(
  way: Way,
  seed: number,
  operation: string,
  list: object[],
  server: SandboxServer,
  more = {},
): Promise<CompletedBatch> {
  const random = randomFrom(seed)
  const from = server.arrivals.length
  const options = {
    workspace: scratch(),
    files: { 'b.ndjson': ndjson(list) },
    with: { ...inputs, operation, 'api-url': server.url, ...more },
  }
  let [kills, truncations] = [0, 0]
  for (let runs = 1 + Math.floor(random() * 3); runs > 0; runs--) {
    const { kill, ended } = ways[way](options)
    let left = 1 + Math.floor(random() * 18)
    server.faults = () => {
      if (left-- > 1) return undefined
      options.workspace = kill()
      // The server may or may not process the request that is in flight.
      return { type: 'drop', work: random() < 0.5 }
    }
    const isKilled = await ended
    expect(isKilled).toBe(left <= 0)
    if (isKilled) kills++
    const journal = join(options.workspace, inputs['journal-file'])
    const arrived = server.arrivals.slice(from).map(lineOf)
    if (random() < 0.6 && truncateLastLine(journal, random, arrived)) truncations++
  }
  server.faults = () => undefined
  const last = await runStepInProcess(options)
  const events = lastEvents(join(options.workspace, inputs['journal-file']))
  return { last, events, requests: arrivalsByLine(server.arrivals.slice(from)), kills, truncations }
}

/**
 * Truncates the last line of a journal, as if the process had ended during the write. A line is left complete if its
 * request arrived, because the request is sent only after the write.
 *
 * @returns whether it was truncated
 */
function truncateLastLine(journal: string, random: () => number, arrived: readonly number[]): boolean {
  const text = readFileSync(journal, 'utf8')
  // A run that was killed before it wrote anything leaves the line truncated as it was.
  if (!text.endsWith('\n')) return false
  const last = text.slice(text.lastIndexOf('\n', text.length - 2) + 1)
  const event = JSON.parse(last) as JournalEvent
  if (event.event === 'begun' || (event.event === 'sent' && arrived.includes(event.line))) return false
  truncateSync(journal, Buffer.byteLength(text) - 1 - Math.floor(random() * (last.length - 1)))
  return true
}

const timesDone = ({ requests }: CompletedBatch, line: number) => requests.get(line)?.filter(hasWorked).length ?? 0
const lines = Array.from({ length: count }, (_, index) => index + 1)
/** The lines whose last request found an invoice with its externalId. */
const duplicates = ({ requests }: CompletedBatch) => lines.filter((line) => requests.get(line)?.at(-1)?.worked === 409)
/** Checks batches of five seeds in process, and returns what each check returns. */
async function checkInProcess<T>(firstSeed: number, check: (way: Way, seed: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  const seeds = Array.from({ length: 5 }, (_, index) => firstSeed + index)
  await runConcurrently(seeds, async (seed) => void results.push(await check('in process', seed)))
  return results
}

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)

describe('a batch that is killed at random requests and run again until it is complete', () => {
  const kinds: [string, MakeRecord, (times: number) => void][] = [
    ['submitInvoice', bills, (times) => expect(times).toBe(1)],
    ['submitBillingData', usage, (times) => expect(times).toBeGreaterThanOrEqual(1)],
  ]
  describe.each(kinds)('%s: every record succeeds', (operation, make, expectTimes) => {
    const check = async (way: Way, seed: number): Promise<CompletedBatch> => {
      const server = await startServer()
      const run = await runWithKills(way, seed, operation, records(make, count, installations(9)), server)
      expect(run.last.outputs, run.last.log).toMatchObject({ status: 'succeeded', total: String(count), failed: '0' })
      expect(Number(run.last.outputs.succeeded) + Number(run.last.outputs.skipped)).toBe(count)
      for (const line of lines) {
        expectTimes(timesDone(run, line))
        // A record is a duplicate only if an earlier run had submitted its invoice.
        const status = duplicates(run).includes(line) ? 'duplicate' : 'accepted'
        expect(run.events.get(line)).toMatchObject({ event: 'succeeded', status })
      }
      return run
    }
    const firstSeed = operation.length * 100

    test('as processes', async () => {
      await check('as processes', firstSeed)
    })

    test('in process', async () => {
      const runs = await checkInProcess(firstSeed + 1, check)
      expect(sum(runs.map(({ kills }) => kills))).toBeGreaterThan(runs.length)
      expect(sum(runs.map(({ truncations }) => truncations))).toBeGreaterThan(0)
      // Some records were sent twice.
      expect(runs.some((run) => lines.some((line) => (run.requests.get(line)?.length ?? 0) > 1))).toBe(true)
      expect(runs.some((run) => duplicates(run).length > 0)).toBe(operation === 'submitInvoice')
    })
  })

  describe('updateInvoice: no refund is sent twice, and the refunds that arrived are found', () => {
    const check = async (way: Way, seed: number) => {
      const server = await startServer()
      const prepared = await runStepInProcess({
        files: { 'b.ndjson': ndjson(records(bills, count, installations(9))) },
        with: { ...inputs, operation: 'submitInvoice', 'api-url': server.url },
      })
      const billed = lastEvents(prepared.outputs.journalFile ?? '')
      const list = lines.map((line) => ({
        integrationConfigurationId: billed.get(line)?.installation,
        invoiceId: billed.get(line)?.invoiceId,
        action: 'refund',
        reason: `line ${line}`,
        total: '1.00',
      }))
      const run = await runWithKills(way, seed, 'updateInvoice', list, server)
      let [found, unknown] = [0, 0]
      for (const line of lines) {
        const end = run.events.get(line)
        const requests = run.requests.get(line) ?? []
        expect(requests.length, `line ${line}`).toBeLessThanOrEqual(1)
        expect(end?.event).toBe(timesDone(run, line) === 1 ? 'succeeded' : 'unknown')
        if (end?.event === 'unknown') unknown++
        // No response said that it arrived.
        else if (requests[0]?.status === undefined) found++
      }
      expectUnknownReported(run.last, unknown)
      return { found, unknown }
    }

    test('as processes', async () => {
      await check('as processes', 3000)
    })

    test('in process', async () => {
      const counts = await checkInProcess(3001, check)
      expect(sum(counts.map(({ found }) => found))).toBeGreaterThan(0)
      expect(sum(counts.map(({ unknown }) => unknown))).toBeGreaterThan(0)
    })
  })

  describe('submitInvoice without an externalId: no invoice is sent twice, and unknown outcomes stay unknown', () => {
    const check = async (way: Way, seed: number) => {
      const server = await startServer()
      const list = records(bills, count, installations(9))
      const run = await runWithKills(way, seed, 'submitInvoice', list, server, { 'external-id': 'none' })
      let unknown = 0
      for (const line of lines) {
        const end = run.events.get(line)
        expect(run.requests.get(line)?.length ?? 0, `line ${line}`).toBeLessThanOrEqual(1)
        if (end?.event === 'unknown') unknown++
        else expect({ ...end, times: timesDone(run, line) }).toMatchObject({ event: 'succeeded', times: 1 })
      }
      expect(unknown).toBeGreaterThan(0)
      expectUnknownReported(run.last, unknown)
    }

    test('as processes', () => check('as processes', 4000))

    test('in process', async () => {
      await checkInProcess(4001, check)
    })
  })
})

/** Checks that a step reports the records with an unknown outcome. */
function expectUnknownReported({ code, outputs, errors }: StepResult, unknown: number): void {
  expect(code).toBe(unknown === 0 ? 0 : 1)
  expect(outputs).toMatchObject({ status: unknown === 0 ? 'succeeded' : 'partial', failed: String(unknown) })
  // Each annotation is about one record, or says about how many it is.
  const reported = errors.filter((error) => /its outcome is unknown.*It is not sent again/.test(error))
  const counts = reported.map((error) => Number(/^(\d+) records? \(/.exec(error)?.[1] ?? 1))
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(unknown)
}

describe('a journal that is changed', () => {
  const setUp = () => {
    const workspace = scratch()
    const files = { 'b.ndjson': ndjson(records(bills, count, installations(9))) }
    return { workspace, journal: join(workspace, 'j.ndjson'), options: { workspace, files } }
  }

  test('by another run, while a batch runs, stops the batch before its next request', async () => {
    const { journal, options } = setUp()
    let writtenAfter = 0
    const server = await startServer({
      faults() {
        if (server.arrivals.length === 12) {
          writtenAfter = 12
          appendFileSync(journal, '{"event":"begun"}\n')
        }
        return { type: 'delay', ms: 20 }
      },
    })
    const given = { ...inputs, operation: 'submitInvoice', 'api-url': server.url }
    const step = await runStepInProcess({ ...options, with: given })
    expect(step.outputs).toMatchObject({ status: 'partial', errorCode: 'journal_failed' })
    expect(step.errors[0]).toMatch(
      /has lines that another run wrote at the same time.*Wait until the other run has ended/,
    )
    // Those that were in flight at that moment.
    expect(server.arrivals.length).toBeLessThanOrEqual(writtenAfter + Number(inputs.concurrency))
    expect(readFileSync(journal, 'utf8').endsWith('{"event":"begun"}\n')).toBe(true)
  })

  test.each([
    ['in one letter', (text: string) => text.replace('"accepted"', '"accePted"'), /damaged: line \d+ does not fit/],
    [
      'by a line that is missing',
      (text: string) => text.replace(/\n.*"line":3,.*\n/, '\n'),
      /damaged: line \d+ does not/,
    ],
    ['at its end', (text: string) => `${text.slice(0, -10)}x${text.slice(-9)}`, /damaged: line \d+ does not fit/],
  ])('%s is refused, and nothing is sent', async (_, change, message) => {
    const server = await startServer()
    const { journal, options } = setUp()
    const given = { ...inputs, operation: 'submitInvoice', 'api-url': server.url }
    await runStepInProcess({ ...options, with: given })
    writeFileSync(journal, change(readFileSync(journal, 'utf8')))
    const sent = server.arrivals.length
    const step = await runStepInProcess({ ...options, with: given })
    expect(step.outputs).toMatchObject({ status: 'failed', errorCode: 'journal_unusable' })
    expect(step.errors).toEqual([expect.stringMatching(message)])
    expect(step.errors[0]).toContain('Restore an intact copy of it')
    expect(server.arrivals).toHaveLength(sent)
  })
})

describe('without disk space for the journal', () => {
  // The journal is the only file that grows. Its size is limited to this number of blocks of 512 bytes.
  const withFileLimit = (blocks: number) => ['sh', '-c', `ulimit -f ${blocks}; exec "$@"`, 'sh']

  test.each([8, 21])(
    '%i blocks: the step fails and names the cause, and the next run with enough space completes the batch',
    async (blocks) => {
      const server = await startServer({ faults: () => ({ type: 'delay', ms: 10 }) })
      const workspace = scratch()
      const options = {
        workspace,
        files: { 'b.ndjson': ndjson(records(bills, count, installations(9))) },
        with: { ...inputs, operation: 'submitInvoice', 'api-url': server.url },
      }
      const step = await runStep({ ...options, wrapper: withFileLimit(blocks) })
      const sent = server.arrivals.length
      expect(step.code).toBe(1)
      expect(step.outputs).toMatchObject({ status: 'partial', errorCode: 'journal_failed' })
      expect(step.errors[0]).toMatch(
        /^The journal could not be written: EFBIG.*records were not started\. Free disk space/,
      )
      expect(step.summary).toContain('could not be written')
      expect(sent).toBeGreaterThan(0)
      expect(sent).toBeLessThan(count)
      const journaled = lastEvents(join(workspace, 'j.ndjson'))
      for (const arrival of server.arrivals) expect(journaled.has(lineOf(arrival))).toBe(true)

      const next = await runStepInProcess(options)
      expect(next.outputs, next.log).toMatchObject({ status: 'succeeded', failed: '0' })
      for (const [, arrivals] of arrivalsByLine(server.arrivals)) expect(arrivals.filter(hasWorked)).toHaveLength(1)
      expect(
        [...lastEvents(join(workspace, 'j.ndjson')).values()].filter(({ event }) => event === 'succeeded'),
      ).toHaveLength(count)
    },
  )
})
