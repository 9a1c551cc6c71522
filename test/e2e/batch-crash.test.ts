// Batches that are killed several times, or that run out of disk space: no work is done twice, no record is lost, and the
// journal is correct.

import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { SandboxServer } from '../../src/sandbox/server.ts'
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
  randomFrom,
  records,
  startServer,
  usage,
} from './batches.ts'
import { runStep, type StepResult, scratch, startStep } from './step.ts'

const inputs = { token: 'token-for-all-1', 'batch-file': 'b.ndjson', 'journal-file': 'j.ndjson', concurrency: '6' }
const count = 40

interface CompletedBatch {
  /** The run that was not killed. */
  readonly last: StepResult
  /** The last event of each line in the journal. */
  readonly events: Map<number, JournalEvent>
  /** The requests that the server received for each line. */
  readonly requests: ReturnType<typeof arrivalsByLine>
}

/** Runs a batch until it is complete. The seed decides at which requests it is killed, one to three times. */
async function runWithKills(
  seed: number,
  operation: string,
  list: object[],
  server: SandboxServer,
  more = {},
): Promise<CompletedBatch> {
  const random = randomFrom(seed)
  const workspace = scratch()
  const journal = join(workspace, 'j.ndjson')
  const from = server.arrivals.length
  const options = {
    workspace,
    files: { 'b.ndjson': ndjson(list) },
    with: { ...inputs, operation, 'api-url': server.url, ...more },
  }
  for (let kills = 1 + Math.floor(random() * 3); kills > 0; kills--) {
    const { child, done } = startStep(options)
    let left = 1 + Math.floor(random() * 18)
    server.faults = () => {
      if (left-- > 1) return undefined
      child.kill('SIGKILL')
      // The server may or may not process the request that is in flight.
      return { type: 'drop', work: random() < 0.5 }
    }
    const { code } = await done
    expect(code === null).toBe(left <= 0)
    // Requests that were sent before the end may still arrive.
    await pause(30)
    if (random() < 0.6) truncateLastLine(journal, random, server.arrivals.slice(from).map(lineOf))
  }
  server.faults = () => undefined
  const last = await runStep(options)
  const arrivals = server.arrivals.slice(from)
  return { last, events: lastEvents(journal), requests: arrivalsByLine(arrivals) }
}

/**
 * Truncates the last line of a journal, as if the process had ended during the write. A line is left complete if its
 * request arrived, because the request is sent only after the write.
 */
function truncateLastLine(journal: string, random: () => number, arrived: readonly number[]): void {
  const text = readFileSync(journal, 'utf8')
  // A run that was killed before it wrote anything leaves the line truncated as it was.
  if (!text.endsWith('\n')) return
  const last = text.slice(text.lastIndexOf('\n', text.length - 2) + 1)
  const event = JSON.parse(last) as JournalEvent
  if (event.event === 'begun' || (event.event === 'sent' && arrived.includes(event.line))) return
  truncateSync(journal, Buffer.byteLength(text) - 1 - Math.floor(random() * (last.length - 1)))
}

const timesDone = ({ requests }: CompletedBatch, line: number) => requests.get(line)?.filter(hasWorked).length ?? 0
const lines = Array.from({ length: count }, (_, index) => index + 1)
const seeds = (first: number) => Array.from({ length: 6 }, (_, index) => first + index)

describe('a batch that is killed at random requests and run again until it is complete', () => {
  const kinds: [string, MakeRecord, (times: number) => void][] = [
    ['submitInvoice', bills, (times) => expect(times).toBe(1)],
    ['submitBillingData', usage, (times) => expect(times).toBeGreaterThanOrEqual(1)],
  ]
  for (const [operation, make, expectTimes] of kinds) {
    test.each(seeds(operation.length * 100))(`${operation}: every record succeeds, seed %i`, async (seed) => {
      const server = await startServer()
      const run = await runWithKills(seed, operation, records(make, count, installations(9)), server)
      expect(run.last.outputs, run.last.log).toMatchObject({ status: 'succeeded', total: String(count), failed: '0' })
      expect(Number(run.last.outputs.succeeded) + Number(run.last.outputs.skipped)).toBe(count)
      for (const line of lines) {
        expectTimes(timesDone(run, line))
        expect(run.events.get(line)).toMatchObject({ event: 'succeeded' })
      }
      if (operation !== 'submitInvoice') return
      // A record is a duplicate only if an earlier run had submitted its invoice.
      for (const line of lines) {
        const isRepeated = run.requests.get(line)?.at(-1)?.worked === 409
        expect(run.events.get(line)?.status).toBe(isRepeated ? 'duplicate' : 'accepted')
      }
    })
  }

  test.each(seeds(3000))(
    'updateInvoice: no refund is sent twice, and the refunds that arrived are found, seed %i',
    async (seed) => {
      const server = await startServer()
      const prepared = await runStep({
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
      const run = await runWithKills(seed, 'updateInvoice', list, server)
      let unknown = 0
      for (const line of lines) {
        const end = run.events.get(line)
        expect(run.requests.get(line)?.length ?? 0, `line ${line}`).toBeLessThanOrEqual(1)
        expect(end?.event).toBe(timesDone(run, line) === 1 ? 'succeeded' : 'unknown')
        if (end?.event === 'unknown') unknown++
      }
      expectUnknownReported(run.last, unknown)
    },
  )

  test.each(seeds(4000))(
    'submitInvoice without an externalId: no invoice is sent twice, and unknown outcomes stay unknown, seed %i',
    async (seed) => {
      const server = await startServer()
      const list = records(bills, count, installations(9))
      const run = await runWithKills(seed, 'submitInvoice', list, server, { 'external-id': 'none' })
      let unknown = 0
      for (const line of lines) {
        const end = run.events.get(line)
        expect(run.requests.get(line)?.length ?? 0, `line ${line}`).toBeLessThanOrEqual(1)
        if (end?.event === 'unknown') unknown++
        else expect({ ...end, times: timesDone(run, line) }).toMatchObject({ event: 'succeeded', times: 1 })
      }
      expect(unknown).toBeGreaterThan(0)
      expectUnknownReported(run.last, unknown)
    },
  )
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
    const step = await runStep({ ...options, with: given })
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
    await runStep({ ...options, with: given })
    writeFileSync(journal, change(readFileSync(journal, 'utf8')))
    const sent = server.arrivals.length
    const step = await runStep({ ...options, with: given })
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

      const next = await runStep(options)
      expect(next.outputs, next.log).toMatchObject({ status: 'succeeded', failed: '0' })
      for (const [, arrivals] of arrivalsByLine(server.arrivals)) expect(arrivals.filter(hasWorked)).toHaveLength(1)
      expect(
        [...lastEvents(join(workspace, 'j.ndjson')).values()].filter(({ event }) => event === 'succeeded'),
      ).toHaveLength(count)
    },
  )
})
