// Batches whose host cannot be reached, or throttles, and what their journals say afterwards.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { JournalEvent, OutcomeEvent } from '../../../src/batch/journal/journal-format.ts'
import { mergeJournals } from '../../../src/batch/journal/merge.ts'
import { type BatchInputs, runBatch } from '../../../src/batch/run.ts'
import type { HttpRequest, HttpResponse } from '../../../src/http/transport.ts'
import { TransportError } from '../../../src/http/transport-error.ts'
import type { OperationName } from '../../../src/operations/catalogue.ts'
import { testBatchContext, testBatchInputs } from '../batch-runner.ts'
import { newFolder } from '../files.ts'
import { invoice, refund } from '../records.ts'
import { TestClock } from '../test-clock.ts'

type Answer = Partial<HttpResponse> | 'refused' | 'reset'

const invoices = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ ...invoice, integrationConfigurationId: `icfg_${index}` }))

/** Runs a batch of a workspace; `answer` answers each request except reads. */
async function run(
  workspace: string,
  name: OperationName,
  records: readonly object[],
  answer: (request: HttpRequest, clock: TestClock) => Answer,
  change: Partial<BatchInputs> = {},
) {
  writeFileSync(join(workspace, 'batch.ndjson'), records.map((record) => `${JSON.stringify(record)}\n`).join(''))
  const clock = new TestClock()
  const accepted: string[] = []
  const send = async (request: HttpRequest): Promise<HttpResponse> => {
    await clock.sleep(10)
    if (request.method === 'GET') return { status: 200, headers: {}, text: '{"state":"paid","total":"9.00"}' }
    const result = answer(request, clock)
    if (result === 'refused') {
      throw new TransportError('connect', 'the host refused the connection', { mayHaveArrived: false })
    }
    if (result === 'reset') throw new TransportError('reset', 'broken', { mayHaveArrived: true })
    const response = { status: 201, headers: {}, text: '{"invoiceId":"inv_1"}', ...result }
    if (response.status < 300) accepted.push(request.url.pathname)
    return response
  }
  const lines: string[] = []
  const log = { info: (line: string) => void lines.push(line) }
  const running = runBatch(testBatchInputs(name, change), testBatchContext({ workspace, clock, send }, { log }))
  await clock.run(running)
  const { failure, report } = await running
  const journal = readFileSync(join(workspace, 'journal.ndjson'), 'utf8')
  const events = journal
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as JournalEvent)
  const { succeeded, failed } = report?.tally ?? {}
  return { failure, tally: { succeeded, failed, unknown: report?.ledger?.unknown }, accepted, events, clock, lines }
}

/** The last event of each record. */
function lastEvents(events: readonly JournalEvent[]): string[] {
  const last = new Map<string, string>()
  for (const event of events) if ('id' in event) last.set(event.id, event.event)
  return [...last.values()]
}

test('an outage shorter than retry-timeout fails no record', async () => {
  const { failure, tally, accepted } = await run(newFolder(), 'submitInvoice', invoices(30), (_, clock) =>
    clock.monotonic() > 100 && clock.monotonic() < 50_000 ? 'refused' : {},
  )
  expect(failure).toBeUndefined()
  expect(tally.succeeded).toBe(30)
  expect(new Set(accepted).size).toBe(30)
})

test('a longer outage ends the batch, and the records that were not sent are not started: the next run sends each once', async () => {
  const workspace = newFolder()
  const records = invoices(30)
  const first = await run(workspace, 'submitInvoice', records, (_, clock) => (clock.monotonic() > 55 ? 'refused' : {}))
  const done = first.accepted.length
  expect(done).toBeGreaterThan(0)
  expect(first.failure).toMatchObject({ code: 'unopened' })
  expect(first.failure?.message).toBe(
    `No connection could be opened for 1 min (\`retry-timeout\`): the host refused the connection; ${30 - done} records were not started. Run it again with the same batch file and journal when the host can be reached, or raise \`retry-timeout\`: it resumes where it stopped, and sends nothing twice`,
  )
  expect(first.tally).toMatchObject({ succeeded: done, failed: 0, unknown: 0 })
  expect(new Set(lastEvents(first.events))).toEqual(new Set(['succeeded', 'not_sent']))
  const merged = mergeJournals(['journal.ndjson'], workspace)
  expect(merged.failure?.message).toContain(`${30 - done} of 30 records were not started`)
  expect(merged.report.tally.failed).toBe(0)

  const second = await run(workspace, 'submitInvoice', records, () => ({}))
  expect(second.failure).toBeUndefined()
  expect(second.accepted).toHaveLength(30 - done)
  expect(new Set([...first.accepted, ...second.accepted]).size).toBe(30)
})

test('a refund that waits for the host is not taken for one that was sent', async () => {
  const workspace = newFolder()
  const first = await run(workspace, 'updateInvoice', [refund], () => 'refused')
  expect(first.failure?.code).toBe('unopened')
  expect(lastEvents(first.events)).toEqual(['not_sent'])
  const second = await run(workspace, 'updateInvoice', [refund], () => ({ status: 200, text: '' }))
  expect(second.failure).toBeUndefined()
  expect(second.accepted).toHaveLength(1)
})

test('a record that may have arrived before the outage keeps its unknown outcome', async () => {
  let requests = 0
  const workspace = newFolder()
  const first = await run(workspace, 'submitInvoice', invoices(1), () => (requests++ === 0 ? 'reset' : 'refused'))
  expect(first.failure?.code).toBe('unopened')
  expect(first.tally).toMatchObject({ failed: 1, unknown: 1 })
  expect(lastEvents(first.events)).toEqual(['unknown'])
  // It names what happened to the attempt that may have arrived, and why there was no other one.
  const { code, message } = first.events.at(-1) as OutcomeEvent
  expect(code).toBe('broken')
  expect(message).toMatch(
    /^submitInvoice got no answer: broken; it was not sent again: the host refused the connection\. The outcome is unknown: it may have arrived\. Run the step again unchanged: the externalId "auto-\w+" prevents a second bill$/,
  )
  // The next run knows that a conflict means that it had arrived.
  const text = '{"error":{"code":"conflict","message":"An invoice with this externalId already exists"}}'
  const second = await run(workspace, 'submitInvoice', invoices(1), () => ({ status: 409, text }))
  expect(second.failure).toBeUndefined()
  expect(second.tally).toMatchObject({ succeeded: 1 })
  expect(second.events.at(-1)).toMatchObject({ event: 'succeeded', status: 'duplicate', arrivedEarlier: true })
})

test('the journal of a batch that is killed while a record waits for its rate limit says that it was not sent', async () => {
  const workspace = newFolder()
  let seen: string | undefined
  const { tally } = await run(workspace, 'updateInvoice', [refund], (_, clock) => {
    if (clock.monotonic() < 5000) return { status: 429, headers: { 'retry-after': '10' }, text: '' }
    return { status: 200, text: '' }
  }).then((result) => {
    seen = lastEvents(result.events.slice(0, -2)).at(-1)
    return result
  })
  expect(tally.succeeded).toBe(1)
  expect(seen).toBe('not_sent')
})

test('one installation with a long rate limit fails its records alone, and each says when to run again', async () => {
  const records = [
    ...invoices(12),
    { ...invoice, integrationConfigurationId: 'icfg_5', invoiceDate: '2025-03-16T00:00:00Z' },
  ]
  const { failure, tally, accepted, events } = await run(newFolder(), 'submitInvoice', records, ({ url }) =>
    url.pathname.includes('/icfg_5/') ? { status: 429, headers: { 'retry-after': '3600' }, text: '' } : {},
  )
  expect(accepted).toHaveLength(11)
  expect(tally).toMatchObject({ succeeded: 11, failed: 2, unknown: 0 })
  expect(failure?.code).toBe('throttled')
  const [first, group] = failure?.diagnostics ?? []
  expect(first?.message).toMatch(/ after 2025-03-15 01:00:0\d UTC, when the last of these limits ends, or raise/)
  expect(group?.message).toMatch(
    /^2 records \(lines .*Run again after 2025-03-15 01:00:0\d UTC, or raise retry-timeout$/,
  )
  const failed = events.filter((event): event is OutcomeEvent => event.event === 'failed')
  expect(failed.map(({ code, installation }) => [code, installation])).toEqual([
    ['throttled', 'icfg_5'],
    ['throttled', 'icfg_5'],
  ])
  expect(failed[0]?.message).toMatch(
    /^submitInvoice was not accepted: Vercel's rate limit for this installation lasts longer than retry-timeout \(1 min\)\. Nothing was done\. Run again after 2025-03-15 01:00:0\d UTC, or raise retry-timeout$/,
  )
})
