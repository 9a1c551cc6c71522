// A batch as a workflow sees it: outputs, summary, log, annotations and journal, and the requests that the server gets.

import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { main } from '../../src/main.ts'
import type { Fault } from '../../src/sandbox/server.ts'
import { testRuntime } from '../test-runner.ts'
import {
  arrivalsByLine,
  bills,
  hasWorked,
  installationOf,
  installations,
  lastEvents,
  lineOf,
  ndjson,
  readJournal,
  records,
  startServer,
  usage,
} from './batches.ts'
import { runStep, runStepInProcess, scratch, startStep, writeFiles } from './step.ts'

const inputs = { operation: 'submitInvoice', token: 'token-for-all-1', 'batch-file': 'b.ndjson' }
const rejection: Fault = { type: 'answer', status: 422, body: { error: { code: 'no_plan', message: 'No such plan' } } }

test('a batch sends each record once and reports it in outputs, summary, log and journal', async () => {
  const server = await startServer()
  const list = records(bills, 30, installations(3))
  const temp = scratch()
  const step = await runStep({
    temp,
    files: { 'b.ndjson': ndjson(list) },
    with: { ...inputs, 'api-url': server.url },
  })
  expect(step.code, step.log).toBe(0)
  const { journalFile = '', result = '', ...outputs } = step.outputs
  expect(outputs).toEqual({
    digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    operation: 'submitInvoice',
    status: 'succeeded',
    amount: '112.50',
    total: '30',
    succeeded: '30',
    failed: '0',
    skipped: '0',
  })
  expect(JSON.parse(result)).toEqual({ total: 30, succeeded: 30, failed: 0, skipped: 0 })
  expect(arrivalsByLine(server.arrivals).size).toBe(30)
  expect(server.arrivals.filter(hasWorked)).toHaveLength(30)

  expect(step.lines).toEqual(['b.ndjson: 30 records, all checked', 'submitInvoice: 30 of 30 records succeeded'])
  expect(step.annotations).toEqual([])
  for (const part of ['✅ submitInvoice: 30 of 30 sent', '>30<', '<b>Billed 112.50.</b>', 'Slowest', journalFile])
    expect(step.summary).toContain(part)
  expect(step.summary).not.toContain('Failed')

  expect(journalFile.startsWith(join(temp, 'vercel-marketplace-submitInvoice-'))).toBe(true)
  const [header, begun, ...events] = readJournal(journalFile)
  expect(header).toMatchObject({ journal: 'vercel-marketplace', operation: 'submitInvoice', shard: '1/1' })
  expect(begun).toMatchObject({ event: 'begun', batch: 'b.ndjson', total: 30 })
  for (const line of list.keys()) {
    const [sent, outcome, ...more] = events.filter((event) => event.line === line + 1)
    expect(sent).toMatchObject({ event: 'sent', amount: '3.75', externalId: expect.stringMatching(/^auto-/) })
    expect(outcome).toMatchObject({ event: 'succeeded', status: 'accepted', attempts: 1, httpStatus: 200 })
    expect(outcome?.invoiceId).toMatch(/^inv_/)
    expect(more).toEqual([])
  }
})

test('records of one installation are sent in order, one at a time; installations run in parallel, up to the concurrency', async () => {
  const busy = new Set<string>()
  const overlaps: string[] = []
  let inFlight = 0
  let maxInFlight = 0
  const server = await startServer({
    async faults(arrival) {
      const installation = installationOf(arrival)
      if (busy.has(installation)) overlaps.push(installation)
      busy.add(installation)
      maxInFlight = Math.max(maxInFlight, ++inFlight)
      await pause(5 + (lineOf(arrival) % 7))
      inFlight--
      busy.delete(installation)
      return undefined
    },
  })
  const names = installations(15)
  const step = await runStepInProcess({
    // The records of one installation are on consecutive lines.
    files: { 'b.ndjson': ndjson(names.flatMap((name) => records(usage, 8, [name]))) },
    with: { ...inputs, operation: 'submitBillingData', concurrency: '7', 'api-url': server.url },
  })
  expect(step.outputs).toMatchObject({ status: 'succeeded', succeeded: '120' })
  expect(overlaps).toEqual([])
  expect(maxInFlight).toBe(7)
  for (const name of names) {
    const order = server.arrivals.filter((arrival) => installationOf(arrival) === name).map(lineOf)
    expect(order).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  }
})

describe("a record is sent with its own token, else with its installation's, else with the step's", () => {
  const tokens = JSON.stringify({ icfg_1: 'token-of-list-1', icfg_2: 'token-of-list-2' })
  test.each([
    ['tokens', { tokens }, {}],
    ['tokens-file', { 'tokens-file': 'keys/t.json' }, { 'keys/t.json': tokens }],
  ])('%s', async (_, given: Record<string, string>, files: Record<string, string>) => {
    const server = await startServer()
    const own = [
      { ...usage('icfg_1', 'line 1'), token: 'token-of-record' },
      usage('icfg_1', 'line 2'),
      { ...usage('icfg_2', 'line 3'), token: { $env: 'OWN' } },
      usage('icfg_2', 'line 4'),
      usage('icfg_3', 'line 5'),
    ]
    const step = await runStepInProcess({
      files: { ...files, 'b.ndjson': ndjson(own) },
      with: { ...inputs, operation: 'submitBillingData', ...given, 'api-url': server.url },
      env: { OWN: 'token-of-the-environment' },
    })
    expect(step.outputs.succeeded, step.log).toBe('5')
    const sentWith = new Map(server.arrivals.map((arrival) => [lineOf(arrival), arrival.headers.authorization]))
    expect([1, 2, 3, 4, 5].map((line) => sentWith.get(line))).toEqual([
      'Bearer token-of-record',
      'Bearer token-of-list-1',
      'Bearer token-of-the-environment',
      'Bearer token-of-list-2',
      'Bearer token-for-all-1',
    ])
  })
})

test('a byte order mark, CRLF, blank lines, a last line without a line break and a line of 5 MB are accepted', async () => {
  const server = await startServer()
  const [first, second, third] = records(usage, 3, installations(3))
  const long = {
    ...third,
    usage: [{ resourceId: 'x'.repeat(5e6), name: 'n', type: 'total', units: 'u', dayValue: 1, periodValue: 1 }],
  }
  const text = `\ufeff${JSON.stringify(first)}\r\n\r\n  \r\n${JSON.stringify(second)}\r\n${JSON.stringify(long)}`
  const step = await runStepInProcess({
    files: { 'b.ndjson': text },
    with: { ...inputs, operation: 'submitBillingData', 'api-url': server.url, 'journal-file': 'j' },
  })
  expect(step.outputs, step.log).toMatchObject({ status: 'succeeded', total: '3' })
  expect([...lastEvents(step.outputs.journalFile ?? '').keys()].sort()).toEqual([1, 4, 5])
  expect(JSON.stringify(server.arrivals.find((arrival) => lineOf(arrival) === 3)?.body).length).toBeGreaterThan(5e6)
})

test('a dry run checks every record and sends none', async () => {
  const server = await startServer()
  const files = { 'b.ndjson': ndjson(records(bills, 5, installations(2))) }
  const step = await runStepInProcess({ files, with: { ...inputs, 'dry-run': 'true', 'api-url': server.url } })
  expect(step.outputs).toMatchObject({ status: 'validated', total: '5', succeeded: '0' })
  expect(step.outputs).toMatchObject({ amount: '18.75', digest: expect.stringMatching(/^sha256:/) })
  expect(step.lines[0]).toBe('b.ndjson: 5 records, all checked')
  expect(step.lines.at(-1)).toBe('submitInvoice: 5 records checked, nothing was sent')
  expect(step.summary).toContain('A dry run: every record of the file was checked, and nothing was sent.')
  expect(step.code).toBe(0)
  expect(server.arrivals).toEqual([])
})

describe('if Vercel rejects some records', () => {
  const isRejected = (line: number) => [3, 7, 8].includes(line)
  const common = async () => {
    const server = await startServer({ faults: (arrival) => (isRejected(lineOf(arrival)) ? rejection : undefined) })
    const workspace = scratch()
    const run = (more: Record<string, string> = {}, count = 10) =>
      runStepInProcess({
        workspace,
        files: { 'b.ndjson': ndjson(records(bills, count, installations(5))) },
        with: { ...inputs, 'api-url': server.url, 'journal-file': 'j.ndjson', ...more },
      })
    return { server, run, journal: join(workspace, 'j.ndjson') }
  }

  test('the others succeed, and the step fails with one annotation for the cause, at its first line', async () => {
    const { run, journal } = await common()
    const step = await run()
    expect(step.code).toBe(1)
    expect(step.outputs).toMatchObject({ status: 'partial', succeeded: '7', failed: '3', errorCode: 'batch_failed' })
    const [first, ...rest] = step.annotations
    expect(first?.message).toMatch(
      /^3 of 10 submitInvoice records failed\. Vercel rejects them as they are: correct them/,
    )
    expect(rest).toHaveLength(1)
    expect(rest[0]).toMatchObject({ level: 'error', file: 'b.ndjson', line: '3' })
    expect(rest[0]?.message).toMatch(
      /^3 records \(lines 3, 7, 8\): Vercel refused submitInvoice with 422 no_plan: No such plan\. Correct the records/,
    )
    for (const line of [3, 7, 8]) {
      expect(lastEvents(journal).get(line)).toMatchObject({ event: 'failed', code: 'no_plan', httpStatus: 422 })
    }
    expect(step.summary).toMatch(/⚠️ submitInvoice: 7 of 10 sent[\s\S]*No such plan[\s\S]*```mermaid[\s\S]*"failed" : 3/)
  })

  test('a second run with the journal sends only those again', async () => {
    const { server, run } = await common()
    await run()
    server.faults = () => undefined
    const from = server.arrivals.length
    const step = await run()
    expect(step.outputs).toMatchObject({ status: 'succeeded', total: '10', succeeded: '3', skipped: '7' })
    expect(server.arrivals.slice(from).map(lineOf).sort()).toEqual([3, 7, 8])
    expect(step.lines.join('\n')).toContain('7 succeeded before and are skipped')
    const third = await run()
    expect(third.outputs).toMatchObject({ status: 'succeeded', succeeded: '0', skipped: '10' })
    expect(server.arrivals).toHaveLength(13)
  })

  test('the next run sends a record that was added', async () => {
    const { server, run } = await common()
    server.faults = () => undefined
    await run({}, 10)
    expect((await run({}, 12)).outputs).toMatchObject({ total: '12', succeeded: '2', skipped: '10' })
    expect(arrivalsByLine(server.arrivals).size).toBe(12)
  })

  test('the batch stops after max-failures failures and reports the records that were not started', async () => {
    const { server, run, journal } = await common()
    const step = await run({ 'max-failures': '2', concurrency: '1' })
    expect(step.outputs).toMatchObject({
      status: 'partial',
      succeeded: '5',
      failed: '2',
      errorCode: 'too_many_failures',
    })
    expect(step.errors[0]).toMatch(
      /^2 records failed, so the batch stopped \(`max-failures: 2`\); 3 records were not started/,
    )
    expect(server.arrivals).toHaveLength(7)
    expect(lastEvents(journal).size).toBe(7)
    expect(step.summary).toContain('"not started" : 3')
  })

  test('and if it rejects all for many reasons, the status is failed, with ten annotations at most', async () => {
    const { server, run } = await common()
    const reasons = ['price', 'period', 'plan', 'item', 'unit', 'date', 'name', 'quantity', 'total', 'memo']
    server.faults = (arrival) => ({
      type: 'answer',
      status: 422,
      body: { error: { code: `bad_${reasons[lineOf(arrival) % 10]}`, message: 'No' } },
    })
    const step = await run({}, 40)
    expect(step.outputs).toMatchObject({ status: 'failed', succeeded: '0', failed: '40' })
    expect(step.annotations).toHaveLength(10)
    expect(step.errors[9]).toBe('and 8 records with 2 other causes: the journal has them all')
  })
})

describe.each(['SIGINT', 'SIGTERM'] as const)('%s', (signal) => {
  test('starts no more records and finishes those in flight; the next run sends the rest', async () => {
    const server = await startServer()
    const workspace = scratch()
    const options = {
      workspace,
      files: { 'b.ndjson': ndjson(records(bills, 60, installations(20))) },
      with: { ...inputs, 'api-url': server.url, 'journal-file': 'j.ndjson', concurrency: '4' },
    }
    const { child, done } = startStep(options)
    server.faults = () => {
      if (server.arrivals.length === 20) child.kill(signal)
      // Those that are in flight at the signal are so until the step has received it.
      return server.arrivals.length > 16 ? { type: 'delay', ms: 300 } : undefined
    }
    const step = await done
    const arrived = server.arrivals.length
    expect(step.code).toBe(1)
    expect(step.outputs).toMatchObject({
      status: 'partial',
      total: '60',
      succeeded: String(arrived),
      failed: '0',
      errorCode: 'cancelled',
    })
    expect(arrived).toBeGreaterThanOrEqual(20)
    expect(arrived).toBeLessThan(24)
    expect(step.errors).toEqual([expect.stringContaining(`cancelled; ${60 - arrived} records were not started`)])
    expect(step.summary).toContain(`"not started" : ${60 - arrived}`)
    const outcomes = readJournal(join(workspace, 'j.ndjson')).filter(({ event }) => event === 'succeeded')
    expect(outcomes).toHaveLength(arrived)

    server.faults = () => undefined
    const next = await runStepInProcess(options)
    expect(next.outputs).toMatchObject({
      status: 'succeeded',
      succeeded: String(60 - arrived),
      skipped: String(arrived),
    })
    expect(server.arrivals).toHaveLength(60)
    expect(server.arrivals.filter(hasWorked)).toHaveLength(60)
  })
})

test('a batch that is cancelled before any record succeeds has failed, and reports the unknown outcomes', async () => {
  // Requests in flight have five seconds to finish.
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const server = await startServer()
  const workspace = scratch()
  const list = records(bills, 8, installations(8))
  writeFiles(workspace, { 'b.ndjson': ndjson(list) })
  const given = { ...inputs, 'api-url': server.url, 'journal-file': 'j.ndjson', concurrency: '4' }
  const controller = new AbortController()
  const runtime = testRuntime(given, { folder: workspace, signal: controller.signal })
  server.faults = () => {
    if (server.arrivals.length === 4) {
      controller.abort()
      vi.advanceTimersByTime(5000)
    }
    return { type: 'stall' }
  }
  expect(await main(runtime)).toBe(1)
  const { outputs, errors } = runtime.runner
  expect(outputs).toMatchObject({ status: 'failed', succeeded: '0', failed: '4', errorCode: 'cancelled' })
  expect(errors.slice(1)).toEqual([expect.stringMatching(/^4 records \(lines 1, 2, 3 …\): .*The outcome is unknown/)])
  expect([...lastEvents(join(workspace, 'j.ndjson')).values()].map(({ event }) => event)).toEqual(
    Array(4).fill('unknown'),
  )
  vi.useRealTimers()
  server.faults = () => undefined
  const next = await runStepInProcess({ workspace, with: given })
  expect(next.outputs).toMatchObject({ status: 'succeeded', succeeded: '8' })
  expect(server.arrivals.filter(hasWorked)).toHaveLength(8)
})

describe('the shards of a batch', () => {
  const sharded = async () => {
    const server = await startServer()
    const workspace = scratch()
    const files = { 'b.ndjson': ndjson(records(bills, 90, installations(30))) }
    const run = (shard: number) =>
      runStepInProcess({
        workspace,
        files,
        with: { ...inputs, 'api-url': server.url, shard: `${shard}/3`, 'journal-file': `journals/${shard}.ndjson` },
      })
    const merge = (patterns = 'journals/*.ndjson', run = runStepInProcess) =>
      run({ workspace, with: { operation: 'mergeJournals', 'journal-file': patterns } })
    return { server, run, merge }
  }

  test('cover each record exactly once, and merging their journals gives one summary', async () => {
    const { server, run, merge } = await sharded()
    const steps = [await run(1), await run(2), await run(3)]
    const lines = arrivalsByLine(server.arrivals)
    expect(lines.size).toBe(90)
    expect(server.arrivals).toHaveLength(90)
    const totals = steps.map(({ outputs }) => Number(outputs.total))
    expect(totals.every((total) => total > 0 && total % 3 === 0)).toBe(true)
    expect(totals.reduce((sum, total) => sum + total)).toBe(90)

    const merged = await merge('journals/*.ndjson', runStep)
    expect(merged.code, merged.log).toBe(0)
    const { result = '', ...outputs } = merged.outputs
    expect(outputs).toEqual({
      operation: 'mergeJournals',
      status: 'succeeded',
      amount: '337.50',
      total: '90',
      succeeded: '90',
      failed: '0',
      skipped: '0',
    })
    expect(JSON.parse(result)).toEqual({ total: 90, succeeded: 90, failed: 0, skipped: 0 })
    expect(merged.summary.match(/<h3>/g)).toHaveLength(1)
    for (const part of ['mergeJournals (submitInvoice): 90 of 90 sent', '3 journals', '<b>Billed 337.50.</b>'])
      expect(merged.summary).toContain(part)
  })

  test('are merged as failed if one record failed, and as succeeded once it was sent again', async () => {
    const { server, run, merge } = await sharded()
    let rejected = 0
    server.faults = (arrival) => {
      rejected ||= lineOf(arrival)
      return lineOf(arrival) === rejected ? rejection : undefined
    }
    for (const shard of [1, 2, 3]) await run(shard)
    const merged = await merge('journals/1.ndjson\n  journals/[23].ndjson')
    expect(merged.code).toBe(1)
    expect(merged.outputs).toMatchObject({ status: 'partial', total: '90', succeeded: '89', failed: '1' })
    expect(merged.errors).toEqual([
      expect.stringContaining('1 of 90 records failed'),
      expect.stringMatching(new RegExp(`line ${rejected}, icfg_\\d+: .*no_plan`)),
    ])
    server.faults = () => undefined
    await run(1)
    expect((await merge()).outputs).toMatchObject({ status: 'succeeded', succeeded: '90', failed: '0' })
  })

  test('cannot be merged if a journal is missing', async () => {
    const { run, merge } = await sharded()
    await run(1)
    await run(3)
    const merged = await merge()
    expect(merged.code).toBe(1)
    expect(merged.errors).toEqual([expect.stringMatching(/^The journal of shard 2\/3 is missing/)])
    expect((await merge('none/*.ndjson')).errors[0]).toMatch(/^No journal matches "none\/\*\.ndjson": check /)
  })
})
