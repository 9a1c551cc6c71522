// Batches that are killed, again and again, and run out of room: nothing happens twice, nothing is lost, and the journal
// tells the truth.

import { readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { SandboxServer } from '../../src/sandbox/server.ts'
import {
  bills,
  byLine,
  endings,
  hasWorked,
  installations,
  type JournalEvent,
  lineOf,
  listening,
  type Make,
  ndjson,
  randomFrom,
  records,
  usage,
} from './batches.ts'
import { runStep, type StepResult, scratch, startStep } from './step.ts'

const inputs = { token: 'token-for-all-1', 'batch-file': 'b.ndjson', 'journal-file': 'j.ndjson', concurrency: '6' }
const count = 40

interface Killed {
  readonly server: SandboxServer
  readonly last: StepResult
  readonly ends: Map<number, JournalEvent>
  /** What arrived of each line. */
  readonly seen: ReturnType<typeof byLine>
}

/** Runs a batch that is killed a few times at arrivals that the seed chooses, until it is done. */
async function killed(
  seed: number,
  operation: string,
  list: object[],
  server: SandboxServer,
  more = {},
): Promise<Killed> {
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
      // What is under way just then may get through, or not.
      return { type: 'drop', work: random() < 0.5 }
    }
    const { code } = await done
    expect(code === null).toBe(left <= 0)
    // What has left may still be on its way into the server.
    await pause(30)
    if (random() < 0.6) tear(journal, random, server.arrivals.slice(from).map(lineOf))
  }
  server.faults = () => undefined
  const last = await runStep(options)
  const arrivals = server.arrivals.slice(from)
  return { server, last, ends: endings(journal), seen: byLine(arrivals) }
}

/** Cuts into the last line of a journal, as the end of a process within a write does: its request has not been sent then. */
function tear(journal: string, random: () => number, arrived: readonly number[]): void {
  const text = readFileSync(journal, 'utf8')
  // A run that was killed before it wrote anything has left it as torn as it was.
  if (!text.endsWith('\n')) return
  const last = text.slice(text.lastIndexOf('\n', text.length - 2) + 1)
  const event = JSON.parse(last) as JournalEvent
  if (event.event === 'begun' || (event.event === 'sent' && arrived.includes(event.line))) return
  truncateSync(journal, Buffer.byteLength(text) - 1 - Math.floor(random() * (last.length - 1)))
}

const timesDone = ({ seen }: Killed, line: number) => seen.get(line)?.filter(hasWorked).length ?? 0
const lines = Array.from({ length: count }, (_, index) => index + 1)
const seeds = (first: number) => Array.from({ length: 6 }, (_, index) => first + index)

describe('killed at a random moment, and run again until it is done', () => {
  const kinds: [string, Make, (times: number) => void][] = [
    ['submitInvoice', bills, (times) => expect(times).toBe(1)],
    ['submitBillingData', usage, (times) => expect(times).toBeGreaterThanOrEqual(1)],
  ]
  for (const [operation, make, isRight] of kinds) {
    test.each(seeds(operation.length * 100))(`${operation}: all succeed, seed %i`, async (seed) => {
      const server = await listening()
      const run = await killed(seed, operation, records(make, count, installations(9)), server)
      expect(run.last.outputs, run.last.log).toMatchObject({ status: 'succeeded', total: String(count), failed: '0' })
      expect(Number(run.last.outputs.succeeded) + Number(run.last.outputs.skipped)).toBe(count)
      for (const line of lines) {
        isRight(timesDone(run, line))
        expect(run.ends.get(line)).toMatchObject({ event: 'succeeded' })
      }
      if (operation !== 'submitInvoice') return
      // A duplicate is what an earlier run had sent, and no other.
      for (const line of lines) {
        const isRepeated = run.seen.get(line)?.at(-1)?.worked === 409
        expect(run.ends.get(line)?.status).toBe(isRepeated ? 'duplicate' : 'accepted')
      }
    })
  }

  test.each(seeds(3000))(
    'updateInvoice: no refund is sent twice, and those that arrived are found, seed %i',
    async (seed) => {
      const server = await listening()
      const prepared = await runStep({
        files: { 'b.ndjson': ndjson(records(bills, count, installations(9))) },
        with: { ...inputs, operation: 'submitInvoice', 'api-url': server.url },
      })
      const billed = endings(prepared.outputs.journalFile ?? '')
      const list = lines.map((line) => ({
        integrationConfigurationId: billed.get(line)?.installation,
        invoiceId: billed.get(line)?.invoiceId,
        action: 'refund',
        reason: `line ${line}`,
        total: '1.00',
      }))
      const run = await killed(seed, 'updateInvoice', list, server)
      let unknown = 0
      for (const line of lines) {
        const end = run.ends.get(line)
        expect(run.seen.get(line)?.length ?? 0, `line ${line}`).toBeLessThanOrEqual(1)
        expect(end?.event).toBe(timesDone(run, line) === 1 ? 'succeeded' : 'unknown')
        if (end?.event === 'unknown') unknown++
      }
      says(run.last, unknown)
    },
  )

  test.each(seeds(4000))(
    'submitInvoice without a key: none is sent twice, and what is unknown stays so, seed %i',
    async (seed) => {
      const server = await listening()
      const list = records(bills, count, installations(9))
      const run = await killed(seed, 'submitInvoice', list, server, { 'external-id': 'none' })
      let unknown = 0
      for (const line of lines) {
        const end = run.ends.get(line)
        expect(run.seen.get(line)?.length ?? 0, `line ${line}`).toBeLessThanOrEqual(1)
        if (end?.event === 'unknown') unknown++
        else expect({ ...end, times: timesDone(run, line) }).toMatchObject({ event: 'succeeded', times: 1 })
      }
      expect(unknown).toBeGreaterThan(0)
      says(run.last, unknown)
    },
  )
})

function says({ code, outputs, errors }: StepResult, unknown: number): void {
  expect(code).toBe(unknown === 0 ? 0 : 1)
  expect(outputs).toMatchObject({ status: unknown === 0 ? 'succeeded' : 'partial', failed: String(unknown) })
  const said = errors.filter((error) => /its outcome is unknown.*It is not sent again/.test(error))
  expect(said).toHaveLength(Math.min(unknown, unknown > 9 ? 8 : 9))
}

describe('without room for the journal', () => {
  // The journal is the only file that grows: it may have so many blocks of 512 bytes.
  const within = (blocks: number) => ['sh', '-c', `ulimit -f ${blocks}; exec "$@"`, 'sh']

  test.each([8, 21])(
    '%i blocks: the step fails and says so, and the next run with room does the rest',
    async (blocks) => {
      const server = await listening({ faults: () => ({ type: 'delay', ms: 10 }) })
      const workspace = scratch()
      const options = {
        workspace,
        files: { 'b.ndjson': ndjson(records(bills, count, installations(9))) },
        with: { ...inputs, operation: 'submitInvoice', 'api-url': server.url },
      }
      const step = await runStep({ ...options, under: within(blocks) })
      const sent = server.arrivals.length
      expect(step.code).toBe(1)
      expect(step.outputs).toMatchObject({ status: 'partial', errorCode: 'journal_failed' })
      expect(step.errors[0]).toMatch(
        /^The journal could not be written: EFBIG.*records were not started\. Free disk space/,
      )
      expect(step.summary).toContain('could not be written')
      expect(sent).toBeGreaterThan(0)
      expect(sent).toBeLessThan(count)
      const journaled = endings(join(workspace, 'j.ndjson'))
      for (const arrival of server.arrivals) expect(journaled.has(lineOf(arrival))).toBe(true)

      const next = await runStep(options)
      expect(next.outputs, next.log).toMatchObject({ status: 'succeeded', failed: '0' })
      for (const [, arrivals] of byLine(server.arrivals)) expect(arrivals.filter(hasWorked)).toHaveLength(1)
      expect(
        [...endings(join(workspace, 'j.ndjson')).values()].filter(({ event }) => event === 'succeeded'),
      ).toHaveLength(count)
    },
  )
})
