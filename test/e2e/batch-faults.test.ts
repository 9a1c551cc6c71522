// Batches over a server that fails: how often the work of each record was done, counted at the server.

import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Fault } from '../../src/sandbox/server.ts'
import {
  bills,
  byLine,
  endings,
  hasWorked,
  installations,
  lineOf,
  listening,
  type Make,
  ndjson,
  randomFrom,
  records,
  usage,
} from './batches.ts'
import { runStep, scratch } from './step.ts'

const inputs = { token: 'token-for-all-1', 'batch-file': 'b.ndjson', 'journal-file': 'j.ndjson' }

/** All but 429, which would hold up the whole batch each time: it comes in bursts. */
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
  { type: 'answer', status: 429, headers: { 'retry-after': '1' } },
]

/** Whether a fault is noticed at all. */
const isFelt = (fault: Fault | undefined) => fault && !(fault.type === 'delay' && fault.ms < 1000)

describe('with 5 % faults of every kind none fails, and the work of each is done as often as it may be', () => {
  test.each<[string, number, Make]>([
    ['submitInvoice', 20_000, bills],
    ['submitBillingData', 5000, usage],
  ])(
    '%s, %i records of a tenth as many installations',
    async (operation, count, make) => {
      const random = randomFrom(count)
      // The first attempt of 4 %, the second of some of those, the third of none.
      const planned = Array.from({ length: count + 1 }, (): (Fault | undefined)[] => {
        const strike = (share: number) => (random() < share ? faults[Math.floor(random() * faults.length)] : undefined)
        const first = strike(0.04)
        return [first, isFelt(first) ? strike(0.2) : undefined]
      })
      const struck = planned.map((row) => [...row])
      const server = await listening({
        faults(arrival) {
          const turn = server.arrivals.length % 2000
          if (turn < 20) return throttled[Math.floor(server.arrivals.length / 2000) % 2]
          return struck[lineOf(arrival)]?.shift()
        },
      })
      const started = performance.now()
      const step = await runStep({
        files: { 'b.ndjson': ndjson(records(make, count, installations(count / 10))) },
        with: { ...inputs, operation, 'api-url': server.url, 'attempt-timeout': '2', concurrency: '100' },
      })
      const seconds = (performance.now() - started) / 1000
      expect(step.outputs, step.errors.join('\n')).toMatchObject({
        status: 'succeeded',
        succeeded: String(count),
        failed: '0',
      })
      const progress = step.lines.filter((line) => / records? succeeded|all checked|throttles/.test(line) === false)
      for (const line of progress) expect(line).toMatch(/^[\d,]+ of [\d,]+ \(\d+ %\), [\d,]+\/s, about \d.* left$/)
      expect(progress.length).toBeLessThanOrEqual(seconds / 10)
      expect(progress.length).toBeGreaterThanOrEqual(Math.floor(seconds / 10) - 1)

      const seen = byLine(server.arrivals)
      expect(seen.size).toBe(count)
      const ends = endings(step.outputs.journalFile ?? '')
      let most = 0
      for (const [line, arrivals] of seen) {
        const done = arrivals.filter(hasWorked).length
        const attempts = (planned[line] ?? []).filter(isFelt).length + 1
        most = Math.max(most, attempts)
        expect(arrivals.filter(({ status }) => status !== 429).length, `line ${line}`).toBe(attempts)
        if (operation === 'submitInvoice') {
          expect(done, `line ${line}`).toBe(1)
          expect(new Set(arrivals.map(({ body }) => (body as { externalId: string }).externalId)).size).toBe(1)
        } else expect(done, `line ${line}`).toBeGreaterThanOrEqual(1)
        const isDuplicate = operation === 'submitInvoice' && !hasWorked(arrivals.at(-1) as (typeof arrivals)[0])
        expect(ends.get(line)).toMatchObject({ event: 'succeeded', status: isDuplicate ? 'duplicate' : 'accepted' })
      }
      expect(most).toBe(3)
    },
    120_000,
  )
})

test.each([
  ['what is JSON no more', 'x'],
  ['what would be refused', '{"integrationConfigurationId":"icfg_1"}'],
])('a batch file that is changed under the batch ends it, with what was done in the journal: %s', async (_, text) => {
  const files = { 'b.ndjson': ndjson(records(bills, 3000, installations(3000))) }
  const { size, half } = { size: files['b.ndjson'].length, half: files['b.ndjson'].indexOf('"line 2000"') }
  const at = files['b.ndjson'].indexOf('\n', half) + 1
  const workspace = scratch()
  let isChanged = false
  const server = await listening({
    faults(): undefined {
      // The same file with other content from there on.
      if (isChanged) return
      isChanged = true
      const file = openSync(join(workspace, 'b.ndjson'), 'r+')
      writeSync(file, text.padEnd(size - at - 1).concat('\n'), at)
      closeSync(file)
    },
  })
  const step = await runStep({
    workspace,
    files,
    with: { ...inputs, operation: 'submitInvoice', 'api-url': server.url },
  })
  expect(step.code).toBe(1)
  expect(step.outputs).toMatchObject({ errorCode: 'batch_changed', status: 'partial', total: '3000', failed: '0' })
  expect(step.errors).toEqual([expect.stringContaining('The batch file was changed while it was read, in line 2001')])
  const done = server.arrivals.filter(hasWorked).length
  expect(step.outputs.succeeded).toBe(String(done))
  expect(endings(step.outputs.journalFile ?? '').size).toBe(done)
})

describe('a 429 pauses all: nothing goes out before its end, and no record fails or spends an attempt on it', () => {
  test.each([
    // What had left before the answer was there may still arrive, where there is more than one.
    { concurrency: 1, refused: 3, slackMs: 0 },
    { concurrency: 16, refused: 28, slackMs: 50 },
  ])('$concurrency at once', async ({ concurrency, refused, slackMs }) => {
    const arrived: number[] = []
    const answered: number[] = []
    const server = await listening({
      async faults() {
        const turn = arrived.push(performance.now())
        await pause(5 + (turn % 10))
        if (turn > refused) return undefined
        answered.push(performance.now())
        return { type: 'answer', status: 429, headers: { 'retry-after': '1' } }
      },
    })
    const step = await runStep({
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
    for (const at of answered) expect(arrived.filter((time) => time > at + slackMs && time < at + 995)).toEqual([])
    expect(step.lines.join('\n')).toContain('Vercel throttles (429): all requests wait for 1 s')
    for (const end of endings(step.outputs.journalFile ?? '').values()) expect(end.attempts).toBe(1)
  })
})

test('a batch that is to wait longer than retry-timeout ends, and says that nothing is lost', async () => {
  let left = 20
  const server = await listening({
    faults: () => (left-- > 0 ? undefined : { type: 'answer', status: 429, headers: { 'retry-after': '600' } }),
  })
  const files = { 'b.ndjson': ndjson(records(bills, 50, installations(50))) }
  const step = await runStep({ files, with: { ...inputs, operation: 'submitInvoice', 'api-url': server.url } })
  expect(step.code).toBe(1)
  expect(step.outputs).toMatchObject({ status: 'partial', succeeded: '20', errorCode: 'throttled' })
  expect(step.errors[0]).toMatch(
    /^Rate limited by Vercel until [\d: -]+ UTC, longer than retry-timeout \(5 min\); \d+ records were not started/,
  )
  expect(server.arrivals.length).toBeLessThanOrEqual(20 + 16)
  for (const { event } of endings(step.outputs.journalFile ?? '').values()) expect(event).not.toBe('unknown')
})
