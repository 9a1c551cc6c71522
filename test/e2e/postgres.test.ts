// Runs the example with PostgreSQL: its queries, and its workflows with the built action. See test/postgres/database.ts.

import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import Big from 'big.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Arrival } from '../../src/sandbox/server.ts'
import { type Database, exampleFolder, password, startDatabase } from '../postgres/database.ts'
import { readWorkflow } from '../workflows/read.ts'
import { type Machine, type Run, runWorkflow } from '../workflows/runner.ts'
import { hasWorked, installationOf, readJournal, startServer } from './batches.ts'

/** A line of usage.sql. */
interface Usage {
  readonly id: string
  readonly eod: string
  readonly billing: readonly Item[]
  readonly usage: readonly object[]
}

/** A line of invoices.sql. */
interface Invoice {
  readonly integrationConfigurationId: string
  readonly items: readonly Item[]
}

interface Item {
  readonly resourceId: string
  readonly billingPlanId: string
  readonly name: string
  readonly start?: string
  readonly end?: string
  readonly quantity: number
  readonly total: string
}

const now = new Date()
const at = now.toISOString()
/** The first day of a month, this many months from now. */
const month = (offset: number) =>
  new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1)).toISOString().slice(0, 10)

const oddName = `db "quoted" \\ it's ü €`

let database: Database
beforeAll(async () => {
  database = await startDatabase(3, at)
  // Its invoices are below 0.50 in two months, and above it together.
  const literal = `'${oddName.replaceAll("'", "''")}'`
  await database.query(`
    insert into installations values ('icfg_carried', 'token-carried', '${month(-2)}Z');
    insert into resources values (${literal}, 'icfg_carried');
    insert into plan_changes values (${literal}, '${month(-2)}Z', 'hobby');
    insert into usage values
      (${literal}, 'requests', '${month(-2)}T05:00Z', 1),
      (${literal}, 'requests', '${month(-1)}T05:00Z', 0.5)`)
  await database.query(`select close_month('${month(-2)}')`)
  await database.query(`select close_month('${month(-1)}')`)
}, 120_000)
afterAll(() => database?.close())

const read = (name: string) => readFileSync(join(exampleFolder, name), 'utf8')
/** Returns the values of a query that prints JSON. */
const query = async <T>(sql: string) => (await database.query(sql)).map((line) => JSON.parse(line) as T)
const sum = (values: readonly string[]) => values.reduce((total, value) => total.plus(value), new Big(0)).toFixed(2)

/** Runs a workflow of the example: it connects to the database of this test, and sends to a server. */
async function runExample(name: string, url: string, inputs: Record<string, string> = {}): Promise<Run> {
  const { PGHOST = '', PGDATABASE = '' } = database.connection
  const text = read(name)
    .replaceAll('db.example.com', PGHOST)
    .replaceAll('PGDATABASE: app', `PGDATABASE: ${PGDATABASE}`)
    .replaceAll('PGSSLMODE: verify-full', 'PGSSLMODE: prefer')
    .replaceAll('at=now', `at=${at}`)
    .replaceAll('${{ runner.temp }}', 'runner-temp')
    .replaceAll(/^( *)operation: .*$/gm, `$&\n$1api-url: ${url}`)
  const files = readdirSync(exampleFolder)
  const repository = Object.fromEntries(files.map((file) => [`examples/postgres/${file}`, read(file)]))
  const prepare = async ({ workspace, temp }: Machine) => {
    mkdirSync(workspace, { recursive: true })
    symlinkSync(temp, join(workspace, 'runner-temp'))
  }
  return runWorkflow(text, { repository, secrets: { BILLING_PASSWORD: password }, inputs, prepare })
}

const stepsOf = ({ jobs }: Run) => [...jobs.values()].flatMap(({ steps }) => steps)
const errorsOf = (run: Run) => stepsOf(run).flatMap(({ errors }) => errors)
const bodyOf = ({ body }: Arrival) => body as Usage & Invoice
const totals = (items: readonly Item[]) => items.map(({ total }) => total)

test.each(['usage.yml', 'invoices.yml'])('%s is a valid workflow', async (name) => {
  expect((await readWorkflow(read(name))).problems).toEqual([])
})

test('the role of the workflow can read, and change nothing', async () => {
  const change = database.query('delete from usage', database.connection)
  await expect(change).rejects.toThrow(/permission denied|read-only/)
  expect(await database.exportLines('tokens')).toHaveLength(1)
})

describe('hourly usage', () => {
  test('each installation gets its totals of the day and the month, to the cent', async () => {
    const server = await startServer()
    const run = await runExample('usage.yml', server.url)
    expect(errorsOf(run)).toEqual([])
    const sent = server.arrivals.filter(hasWorked)
    const days = sent.map((one) => bodyOf(one).eod).toSorted()
    const latest = days.at(-1)
    const current = sent.filter((one) => bodyOf(one).eod === latest)
    expect(current.map(installationOf).toSorted()).toEqual(
      await database.query(`select id from installations where id <> 'icfg_left' order by id collate "C"`),
    )
    const items = current.flatMap((one) => bodyOf(one).billing)
    const expected = await query<string>(`
      with clock as (select date_trunc('hour', '${at}'::timestamptz, 'UTC') as until),
      period as (select until, date_trunc('month', until - interval '1 hour', 'UTC') as start from clock)
      select to_json(sum(total)::text)
      from period, charges(start, date_trunc('month', start + interval '40 days', 'UTC'), until)
      where installation_id <> 'icfg_left'`)
    expect([sum(totals(items))]).toEqual(expected)
  })

  /** What the export at a time says about an installation with little usage. */
  const recordsAt = async (time: string) => {
    const lines = await database.exportLines('usage', `at=${time}`)
    return lines.map((line) => JSON.parse(line) as Usage).filter(({ id }) => id.startsWith('icfg_small/'))
  }
  const middle = `${month(-1).slice(0, 7)}-15`
  const before = `${month(-1).slice(0, 7)}-14`

  test('the first run of a month reports the last day of the month before', async () => {
    const midnight = `${month(0)}T00:00:00+00:00`
    const period = { start: `${month(-1)}T00:00:00+00:00`, end: midnight }
    expect(await recordsAt(`${month(0)} 00:07Z`)).toMatchObject([{ eod: midnight, period }])
  })

  test.each([
    ['00:07', [before]],
    ['01:07', [before, middle]],
    ['06:59', [before, middle]],
    ['07:00', [middle]],
  ])('the run at %s reports the days %s', async (time, days) => {
    const records = await recordsAt(`${middle} ${time}Z`)
    expect(records.map(({ id }) => id)).toEqual(days.map((day) => `icfg_small/${day}`))
  })

  test('the values of a day are its own, and those of the period go back to its beginning', async () => {
    const [record] = await recordsAt(`${middle} 08:30Z`)
    // 0.0005 an hour
    expect(record?.usage).toMatchObject([{ type: 'interval', dayValue: 0.004, periodValue: 0.172 }])
  })
})

describe('the invoices of a month', () => {
  const ofMonth = `invoices i join invoice_items t on t.invoice_id = i.id where i.period_start = '${month(-1)}Z'`
  const invoicesOf = (arrivals: readonly Arrival[]) => arrivals.filter((one) => hasWorked(one) && one.method === 'POST')

  test('are planned, approved and sent once, to the cent, and a second run bills nobody again', {
    timeout: 120_000,
  }, async () => {
    const server = await startServer()
    const run = await runExample('invoices.yml', server.url, { month: '' })
    expect(errorsOf(run)).toEqual([])
    const [plan, send] = stepsOf(run)
    const sent = invoicesOf(server.arrivals)
    const sentAmount = sum(sent.flatMap((one) => totals(bodyOf(one).items)))
    expect([plan?.outputs.amount, send?.outputs.amount]).toEqual([sentAmount, sentAmount])
    expect(send?.outputs.succeeded).toBe(String(sent.length))

    const leftOut = `i.installation_id in ('icfg_left', 'icfg_small')`
    const sumOf = async (condition: string) =>
      query<string>(`select to_json(sum(t.total)::text) from ${ofMonth} and ${condition}`)
    expect([sentAmount]).toEqual(await sumOf(`not ${leftOut}`))
    const log = run.jobs.get('plan/0')?.log ?? ''
    const amounts = [...log.matchAll(/^::warning title=Left out::1 invoice, ([\d.]+) in total: /gm)].map(
      ([, amount = '']) => amount,
    )
    expect([sum([sentAmount, ...amounts])]).toEqual(await sumOf('true'))

    const journal = readJournal(join(run.artifacts, 'invoices-journal', 'invoices.journal.ndjson'))
    expect(journal.filter(({ event }) => event === 'succeeded')).toHaveLength(sent.length)

    const again = await runExample('invoices.yml', server.url, { month: month(-1) })
    expect(errorsOf(again)).toEqual([])
    expect(stepsOf(again)[1]?.outputs).toMatchObject({ status: 'succeeded', succeeded: String(sent.length) })
    expect(invoicesOf(server.arrivals)).toHaveLength(sent.length)
  })

  const itemsOf = async (installation: string): Promise<readonly Item[]> => {
    const lines = await database.exportLines('invoices', `month=${month(-1)}`)
    const invoices = lines.map((line) => JSON.parse(line) as Invoice)
    return invoices.find((one) => one.integrationConfigurationId === installation)?.items ?? []
  }

  test('contain what an invoice below 0.50 carried over, with its own period', async () => {
    const name = 'Requests'
    expect(await itemsOf('icfg_carried')).toMatchObject([
      {
        resourceId: oddName,
        name,
        total: '0.40',
        start: `${month(-2)}T00:00:00+00:00`,
        end: `${month(-1)}T00:00:00+00:00`,
      },
      { resourceId: oddName, name, total: '0.20' },
    ])
  })

  test('are not written for a customer whose final invoice was sent', async () => {
    await query('begin')
    try {
      const [invoice] = await query(
        `delete from invoice_items where invoice_id = (select id from invoices where installation_id = 'icfg_carried' and period_start = '${month(-1)}') returning invoice_id`,
      )
      await query(`delete from invoices where id = ${invoice}`)
      await query(`update installations set final_invoice_at = now() where id = 'icfg_carried'`)
      expect(await query(`select close_month('${month(-1)}')`)).toEqual([0])
      await query(`update installations set final_invoice_at = null where id = 'icfg_carried'`)
      expect(await query(`select close_month('${month(-1)}')`)).toEqual([1])
    } finally {
      await query('rollback')
    }
  })

  test('bill every hour of usage under exactly one plan', async () => {
    const items = await itemsOf('icfg_changes_plan')
    expect(new Set(items.map(({ billingPlanId }) => billingPlanId))).toEqual(new Set(['pro', 'scale']))
    const quantity = (name: RegExp) =>
      items
        .filter((item) => name.test(item.name))
        .reduce((total, item) => total.plus(item.quantity), new Big(0))
        .toNumber()
    expect(quantity(/ plan$/)).toBe(1)
    const [used = 0] = await query<number>(`
      select sum(value) from usage
      where resource_id = 'db-changes_plan' and metric_id = 'requests' and hour >= '${month(-1)}Z' and hour < '${month(0)}Z'`)
    expect(quantity(/^Requests$/)).toBeCloseTo(used, 3)
  })

  test('are written once, in the order of the months, and only after the month', async () => {
    expect(await query(`select close_month('${month(-1)}')`)).toEqual([0])
    await expect(database.query(`select close_month('${month(-2)}')`)).rejects.toThrow('close months in their order')
    await expect(database.query(`select close_month('${month(0)}')`)).rejects.toThrow('is not over')
  })
})
