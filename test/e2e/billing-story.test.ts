// A month of billing: an absurd amount is refused, the plan is approved, its shards are killed, cancelled and resumed, and
// the invoices are tracked until they are paid. The server counts the money.

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { isInShard } from '../../src/batch/records/shard.ts'
import type { Arrival, Fault } from '../../src/sandbox/server.ts'
import { readCsv } from '../batch/report/csv.ts'
import { jumpingClock } from '../waits.ts'
import { installationOf, ndjson, startServer } from './batches.ts'
import { day } from './invoices.ts'
import { runStepInProcess, scratch, startStep } from './step.ts'

const count = 120
const shards = 4
const concurrency = 3
/** Requests of a shard that are answered before it is killed or cancelled. */
const answeredBefore = 5
const dayMs = 86_400_000
/** Each story starts about ten processes. */
const timeout = 120_000

const money = (cents: number) => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
const installationAt = (index: number) => `icfg_${index % 100}`
const centsAt = (index: number) => 1001 + index * 37
const sumOfCents = (amounts: readonly string[]) =>
  money(amounts.reduce((sum, amount) => sum + Number(amount.replace('.', '')), 0))

/** The invoices of a month; twenty installations have two. `change` gets the index of an invoice. */
const invoicesOf = (month: string, change: (index: number) => { total?: string; test?: object } = () => ({})) =>
  Array.from({ length: count }, (_, index) => {
    const { total = money(centsAt(index)), ...fields } = change(index)
    return {
      integrationConfigurationId: installationAt(index),
      externalId: `${month}-${index}`,
      invoiceDate: day(0),
      period: { start: day(-29), end: day(1) },
      items: [{ billingPlanId: `plan-${index}`, name: 'Plan', price: total, quantity: 1, units: 'month', total }],
      ...fields,
    }
  })

/** The invoices of a shard. */
const indexesOf = (shard: number) =>
  Array.from({ length: count }, (_, index) => index).filter((index) =>
    isInShard({ index: shard, count: shards }, installationAt(index)),
  )

/** What all invoices of a month add up to. */
const monthTotal = sumOfCents(Array.from({ length: count }, (_, index) => money(centsAt(index))))

interface BilledInvoice {
  readonly items: { readonly total: string }[]
  readonly test?: object
}

/** What the server took, as a decimal. Test invoices bill nobody. */
const billedBy = (arrivals: readonly Arrival[]) =>
  sumOfCents(
    arrivals
      .filter(({ operation, worked }) => operation === 'submitInvoice' && worked === 200)
      .map(({ body }) => body as BilledInvoice)
      .filter(({ test }) => test === undefined)
      .flatMap(({ items }) => items.map(({ total }) => total)),
  )

/** A workspace whose steps send to a server of its own, with a clock. */
async function openOffice() {
  const clock = { daysLater: 0 }
  const server = await startServer({ now: () => new Date(Date.now() + clock.daysLater * dayMs) })
  const workspace = scratch()
  const options = (inputs: Record<string, string>, files: Record<string, string> = {}) => ({
    workspace,
    files,
    with: {
      operation: 'submitInvoice',
      token: 'token-for-all-1',
      'api-url': server.url,
      concurrency: String(concurrency),
      ...inputs,
    },
  })
  return {
    clock,
    server,
    start: (inputs: Record<string, string>) => startStep(options(inputs)),
    run: (inputs: Record<string, string>, files?: Record<string, string>) =>
      runStepInProcess({ ...options(inputs, files), clock: jumpingClock() }),
    table: (name: string) => readCsv(readFileSync(join(workspace, name), 'utf8')),
    /** How many records the journal of a shard knows to have succeeded. */
    succeededIn: (shard: number) =>
      readFileSync(join(workspace, `journals/${shard}.ndjson`), 'utf8').split('{"event":"succeeded"').length - 1,
    modeOf: (name: string) => statSync(join(workspace, name)).mode & 0o777,
  }
}

type Office = Awaited<ReturnType<typeof openOffice>>

/** What a shard of the approved batch is given. */
const shardInputs = (shard: number, digest: string) => ({
  'batch-file': 'november.ndjson',
  shard: `${shard}/${shards}`,
  'expect-digest': digest,
  'max-amount': '100',
  'journal-file': `journals/${shard}.ndjson`,
})

/**
 * Sends the shards of a batch side by side. The first one is killed while it has as many requests in flight as it may
 * have, to which the server does this, and has recorded all others; the second one is cancelled.
 */
async function sendWithInterruptions(
  { server, start, run, succeededIn }: Office,
  digest: string,
  fault: Fault,
): Promise<void> {
  const [killed, cancelled] = [1, 2].map((shard) => start(shardInputs(shard, digest)))
  let [ofKilled, ofCancelled] = [0, 0]
  server.faults = (arrival) => {
    const isIn = (index: number) => isInShard({ index, count: shards }, installationOf(arrival))
    if (isIn(2) && ++ofCancelled === answeredBefore) cancelled?.child.kill('SIGINT')
    if (!isIn(1) || ++ofKilled <= answeredBefore) return undefined
    if (ofKilled === answeredBefore + concurrency) {
      const isRecorded = () => expect(succeededIn(1)).toBe(answeredBefore)
      void vi.waitFor(isRecorded, { timeout, interval: 10 }).then(() => killed?.child.kill('SIGKILL'))
    }
    return fault
  }
  const others = [3, 4].map((shard) => run(shardInputs(shard, digest)))
  const results = await Promise.all([killed?.done, cancelled?.done, ...others])
  server.faults = () => undefined
  expect(results.map((result) => result?.code)).toEqual([null, 1, 0, 0])
  expect(results[1]?.outputs).toMatchObject({ status: 'partial', errorCode: 'cancelled' })
}

/** Plans a batch, and sends what was planned in shards, two of which need a second run. */
async function billMonth(office: Office, batch: string, fault: Fault): Promise<void> {
  const plan = await office.run(
    { 'batch-file': 'november.ndjson', 'dry-run': 'true', 'max-amount': '100', 'report-file': 'plan.csv' },
    { 'november.ndjson': batch },
  )
  const { digest = '', amount } = plan.outputs
  expect([plan.code, amount]).toEqual([0, monthTotal])
  expect(plan.summary).toContain(`expect-digest: ${digest}`)
  expect(sumOfCents(office.table('plan.csv').map((row) => row.amount ?? ''))).toBe(monthTotal)
  expect(office.server.arrivals).toEqual([])

  await sendWithInterruptions(office, digest, fault)
  for (const shard of [1, 2]) {
    const resumed = await office.run(shardInputs(shard, digest))
    expect(resumed.outputs, resumed.log).toMatchObject({ status: 'succeeded', failed: '0' })
  }
}

const merge = (office: Office) =>
  office.run({
    operation: 'mergeJournals',
    token: '',
    'api-url': 'https://api.vercel.com',
    concurrency: '16',
    'journal-file': 'journals/*.ndjson',
    'report-file': 'november.csv',
  })

const track = (office: Office, inputs: Record<string, string> = {}) =>
  office.run({
    operation: 'trackInvoices',
    'journal-file': 'journals/*.ndjson',
    'report-file': 'states.csv',
    ...inputs,
  })

test('a batch with one absurd amount is refused with its line, by its amount and by its change', {
  timeout,
}, async () => {
  const { run, server } = await openOffice()
  const absurdLine = 78
  const october = await run(
    { 'batch-file': 'october.ndjson', 'journal-file': 'october/journal.ndjson' },
    { 'october.ndjson': ndjson(invoicesOf('october')) },
  )
  expect([october.code, billedBy(server.arrivals)]).toEqual([0, monthTotal])
  const before = server.arrivals.length
  const absurd = invoicesOf('november', (index) => (index === absurdLine - 1 ? { total: '1200000.00' } : {}))
  for (const [guard, code] of [
    [{ 'max-amount': '5000' }, 'amount_exceeded'],
    [{ 'compare-with': 'october/*.ndjson', 'max-change': '50' }, 'change_exceeded'],
  ] as const) {
    const refused = await run({ 'batch-file': 'november.ndjson', ...guard }, { 'november.ndjson': ndjson(absurd) })
    expect(refused.outputs).toMatchObject({ status: 'failed', errorCode: code, succeeded: '0' })
    expect(refused.annotations).toEqual([
      expect.objectContaining({ level: 'error', file: 'november.ndjson', line: String(absurdLine) }),
    ])
    for (const text of ['icfg_77', '1,200,000.00', 'nothing was sent']) expect(refused.errors[0]).toContain(text)
  }
  expect(server.arrivals).toHaveLength(before)
})

test('an approved batch is sent once despite a kill and a cancellation, and is settled three days later', {
  timeout,
}, async () => {
  const office = await openOffice()
  const { clock, server, table, modeOf } = office
  // The killed shard's last requests never reach Vercel.
  await billMonth(office, ndjson(invoicesOf('november')), { type: 'stall' })
  const merged = await merge(office)
  expect(merged.outputs, merged.log).toMatchObject({
    status: 'succeeded',
    total: String(count),
    succeeded: String(count),
    amount: monthTotal,
  })
  expect(billedBy(server.arrivals)).toBe(monthTotal)
  const rows = table('november.csv')
  expect(rows.map(({ line }) => Number(line))).toEqual(Array.from({ length: count }, (_, index) => index + 1))
  expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['accepted']))
  expect(sumOfCents(rows.map(({ amount = '' }) => amount))).toBe(billedBy(server.arrivals))
  expect(modeOf('november.csv')).toBe(0o600)

  clock.daysLater = 3
  const later = await track(office, { 'wait-for': 'paid' })
  expect(later.outputs, later.log).toMatchObject({
    status: 'settled',
    total: String(count),
    paid: String(count),
    unpaid: '0',
    amount: monthTotal,
    result: JSON.stringify({ paid: { count, amount: monthTotal } }),
  })
  const states = table('states.csv')
  expect(new Set(states.map(({ status }) => status))).toEqual(new Set(['paid']))
  expect(sumOfCents(states.map(({ amount = '' }) => amount))).toBe(billedBy(server.arrivals))
})

test('unpaid invoices, and those without an id after a kill, need attention three days later', {
  timeout,
}, async () => {
  const office = await openOffice()
  const { clock, server, table } = office
  const [first = 0, second = 0, third = 0] = indexesOf(3)
  const results: Record<number, string> = { [first]: 'notpaid', [second]: 'overdue', [third]: 'notpaid' }
  const change = (index: number) => (results[index] ? { test: { result: results[index] } } : {})
  const tested = Object.keys(results).map((index) => `november-${index}`)
  // Vercel takes the killed shard's last requests, but their responses are lost.
  await billMonth(office, ndjson(invoicesOf('november', change)), { type: 'halt' })
  const merged = await merge(office)
  expect(merged.outputs.amount).toBe(billedBy(server.arrivals))
  const real = (rows: readonly Record<string, string>[]) =>
    sumOfCents(rows.filter(({ externalId = '' }) => !tested.includes(externalId)).map(({ amount = '' }) => amount))
  const rows = table('november.csv')
  expect(rows).toHaveLength(count)
  expect(rows.filter(({ status }) => status === 'duplicate')).toHaveLength(concurrency)
  expect(real(rows)).toBe(billedBy(server.arrivals))

  clock.daysLater = 3
  const later = await track(office, { 'fail-on': 'overdue' })
  expect(later.outputs).toMatchObject({
    status: 'attention',
    errorCode: 'state_found',
    total: String(count),
    unpaid: '3',
    paid: String(count - 3 - concurrency),
    amount: billedBy(server.arrivals),
  })
  expect(JSON.parse(later.outputs.result ?? '')).toMatchObject({
    notpaid: { count: 2, amount: '0.00' },
    overdue: { count: 1, amount: '0.00' },
    unknown: { count: concurrency },
  })
  expect(real(table('states.csv'))).toBe(billedBy(server.arrivals))
  clock.daysLater = 16
  const last = await track(office)
  expect(JSON.parse(last.outputs.result ?? '')).toMatchObject({ overdue: { count: 3 } })
  expect(last.summary).toContain('Not paid within 15 days')
})
