// Batches against a server that fails. The server counts how often it did the work of each record.

import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { randomFrom } from '../../bench/random.ts'
import type { Fault } from '../../src/sandbox/server.ts'
import { fastClock } from '../waits.ts'
import {
  arrivalsByLine,
  bills,
  hasWorked,
  installations,
  lastEvents,
  lineOf,
  type MakeRecord,
  ndjson,
  records,
  startServer,
  usage,
} from './batches.ts'
import { runConcurrently } from './concurrently.ts'
import { runStepInProcess, scratch } from './step.ts'

const inputs = { token: 'token-for-all-1', 'batch-file': 'b.ndjson', 'journal-file': 'j.ndjson' }

/** All faults except 429, which would pause the whole batch each time. The server answers 429 in bursts. */
const faults: Fault[] = [
  { type: 'answer', status: 500 },
  { type: 'answer', status: 503 },
  { type: 'replace', status: 502, body: {} },
  { type: 'replace', status: 504, body: {} },
  { type: 'drop', work: false },
  { type: 'drop', work: true },
  { type: 'cut' },
  { type: 'garbage' },
  { type: 'delay', ms: 200 },
  { type: 'delay', ms: 2500 },
  { type: 'stall' },
]
const throttled: Fault[] = [
  { type: 'answer', status: 429 },
  { type: 'answer', status: 429, headers: { 'retry-after': '12' } },
]
const requestsPerBurst = 80

/** Whether a fault makes an attempt fail. */
const causesRetry = (fault: Fault | undefined) => fault && !(fault.type === 'delay' && fault.ms < 1000)

/** Runs a batch of four records of each installation while the server fails, and checks what the server did. */
async function runWithFaults(operation: string, count: number, make: MakeRecord): Promise<void> {
  const random = randomFrom(count)
  // The first attempt of each 8th record has a fault, the second of some of those, and never the third.
  const planned = Array.from({ length: count + 1 }, (_, line): (Fault | undefined)[] => {
    const first = line % 8 === 0 ? faults[(line / 8) % faults.length] : undefined
    const hasSecond = causesRetry(first) && random() < 0.3
    return [first, hasSecond ? faults[Math.floor(random() * faults.length)] : undefined]
  })
  const pending = planned.map((row) => [...row])
  const used = new Set<Fault>()
  const server = await startServer({
    faults(arrival) {
      const { length } = server.arrivals
      const burst = Math.floor(length / requestsPerBurst)
      const fault =
        length % requestsPerBurst < 10 ? throttled[burst % throttled.length] : pending[lineOf(arrival)]?.shift()
      if (fault) used.add(fault)
      return fault
    },
  })
  const clock = fastClock(20)
  const started = clock.monotonic()
  const step = await runStepInProcess({
    clock,
    files: { 'b.ndjson': ndjson(records(make, count, installations(count / 4))) },
    with: {
      ...inputs,
      operation,
      'api-url': server.url,
      'attempt-timeout': '2',
      'retry-timeout': '100000',
      concurrency: '25',
    },
  })
  const seconds = (clock.monotonic() - started) / 1000
  expect(step.outputs, step.errors.join('\n')).toMatchObject({
    status: 'succeeded',
    succeeded: String(count),
    failed: '0',
  })
  expect(used).toEqual(new Set([...faults, ...throttled]))
  const progress = step.lines.filter((line) => / records? succeeded|all checked|throttles/.test(line) === false)
  for (const line of progress)
    expect(line).toMatch(
      /^[\d,]+ of [\d,]+ \(\d+ %\)(, [\d,.]+\/(s|min), about \d.* left|, waiting for Vercel's rate limit until .* UTC)?$/,
    )
  // A burst lasts for 12 seconds.
  expect(progress.length).toBeGreaterThanOrEqual(1)
  expect(progress.length).toBeLessThanOrEqual(seconds / 10)

  const requests = arrivalsByLine(server.arrivals)
  expect(requests.size).toBe(count)
  const events = lastEvents(step.outputs.journalFile ?? '')
  let maxAttempts = 0
  let duplicates = 0
  for (const [line, arrivals] of requests) {
    const done = arrivals.filter(hasWorked).length
    const attempts = (planned[line] ?? []).filter(causesRetry).length + 1
    maxAttempts = Math.max(maxAttempts, attempts)
    expect(arrivals.filter(({ status }) => status !== 429).length, `line ${line}`).toBe(attempts)
    if (operation === 'submitInvoice') {
      expect(done, `line ${line}`).toBe(1)
      expect(new Set(arrivals.map(({ body }) => (body as { externalId: string }).externalId)).size).toBe(1)
    } else expect(done, `line ${line}`).toBeGreaterThanOrEqual(1)
    const isDuplicate = operation === 'submitInvoice' && !hasWorked(arrivals.at(-1) as (typeof arrivals)[0])
    if (isDuplicate) duplicates++
    expect(events.get(line)).toMatchObject({ event: 'succeeded', status: isDuplicate ? 'duplicate' : 'accepted' })
  }
  expect(maxAttempts).toBe(3)
  expect(duplicates > 0).toBe(operation === 'submitInvoice')
}

test('with faults of every kind in 12 % of the requests no record fails, and no invoice is submitted twice', async () => {
  const batches: readonly [string, number, MakeRecord][] = [
    ['submitInvoice', 108, bills],
    ['submitBillingData', 120, usage],
  ]
  await runConcurrently(
    batches,
    (batch) => runWithFaults(...batch),
    ([operation]) => operation,
  )
})

test.each([
  ['a line that is not JSON', 'x'],
  ['a line without its required fields', '{"integrationConfigurationId":"icfg_1"}'],
])('a batch ends if its file changes while it runs, and the journal has what was done: %s', async (_, text) => {
  // The records are long, so that few of them are read at once.
  const longBills: MakeRecord = (installation, name) => ({ ...bills(installation, name), memo: 'x'.repeat(2000) })
  const files = { 'b.ndjson': ndjson(records(longBills, 600, installations(600))) }
  const { size, half } = { size: files['b.ndjson'].length, half: files['b.ndjson'].indexOf('"line 400"') }
  const at = files['b.ndjson'].indexOf('\n', half) + 1
  const workspace = scratch()
  let isChanged = false
  const server = await startServer({
    faults(): undefined {
      // Overwrites the rest of the file in place.
      if (isChanged) return
      isChanged = true
      const file = openSync(join(workspace, 'b.ndjson'), 'r+')
      writeSync(file, text.padEnd(size - at - 1).concat('\n'), at)
      closeSync(file)
    },
  })
  const step = await runStepInProcess({
    workspace,
    files,
    with: { ...inputs, operation: 'submitInvoice', 'api-url': server.url },
  })
  expect(step.code).toBe(1)
  expect(step.outputs).toMatchObject({ errorCode: 'batch_changed', status: 'partial', total: '600', failed: '0' })
  expect(step.errors).toEqual([
    expect.stringMatching(/^The batch file was changed while it was read, .* records were not started\. Restore/),
  ])
  const done = server.arrivals.filter(hasWorked).length
  expect(step.outputs.succeeded).toBe(String(done))
  expect(lastEvents(step.outputs.journalFile ?? '').size).toBe(done)
})

describe('429s of several installations pause all requests: none is sent before the pause ends, and no record fails or uses up an attempt', () => {
  test.each([
    // One after the other, it takes three to know that all share the limit.
    { concurrency: 1, refused: 3, slackMs: 0 },
    // With more requests in flight, those that were sent before the first 429 was received may still arrive.
    { concurrency: 16, refused: 16, slackMs: 500 },
  ])('concurrency $concurrency', async ({ concurrency, refused, slackMs }) => {
    const clock = fastClock(10)
    const arrived: number[] = []
    const answered: number[] = []
    const server = await startServer({
      async faults() {
        const turn = arrived.push(clock.monotonic())
        // Responses to requests in flight overtake each other.
        if (concurrency > 1) await pause(5 + (turn % 10))
        if (turn > refused) return undefined
        answered.push(clock.monotonic())
        return { type: 'answer', status: 429, headers: { 'retry-after': '1' } }
      },
    })
    const step = await runStepInProcess({
      clock,
      files: { 'b.ndjson': ndjson(records(bills, 80, installations(80))) },
      with: {
        ...inputs,
        operation: 'submitInvoice',
        'api-url': server.url,
        'max-attempts': '1',
        concurrency: String(concurrency),
      },
    })
    expect(step.outputs, step.errors.join('\n')).toMatchObject({ status: 'succeeded', succeeded: '80', failed: '0' })
    expect(arrived).toHaveLength(80 + refused)
    // It takes three 429s to know that all share the limit.
    for (const at of answered.slice(2)) {
      expect(arrived.filter((time) => time > at + slackMs && time < at + 995)).toEqual([])
    }
    expect(step.lines.join('\n')).toContain('Vercel throttles (429): all requests wait for 1 s')
    for (const event of lastEvents(step.outputs.journalFile ?? '').values()) expect(event.attempts).toBe(1)
  })
})

test('a batch ends if the rate limit lasts longer than retry-timeout, and reports the records that were not started', async () => {
  let left = 20
  const server = await startServer({
    faults: () => (left-- > 0 ? undefined : { type: 'answer', status: 429, headers: { 'retry-after': '600' } }),
  })
  const files = { 'b.ndjson': ndjson(records(bills, 50, installations(50))) }
  const step = await runStepInProcess({ files, with: { ...inputs, operation: 'submitInvoice', 'api-url': server.url } })
  expect(step.code).toBe(1)
  expect(step.outputs).toMatchObject({ status: 'partial', succeeded: '20', errorCode: 'throttled' })
  expect(step.errors[0]).toMatch(
    /^Rate limited by Vercel until [\d: -]+ UTC, longer than `retry-timeout` \(5 min\); \d+ records were not started/,
  )
  // Those in flight when the limit is reached, and some of other installations, to find out that all share it.
  expect(server.arrivals.length).toBeLessThanOrEqual(20 + 16 + 8)
  for (const { event } of lastEvents(step.outputs.journalFile ?? '').values()) expect(event).not.toBe('unknown')
})
