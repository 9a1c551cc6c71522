// What a batch of invoices says about money and failures, counted at a model of Vercel.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Big from 'big.js'
import { describe, expect, test } from 'vitest'
import { mergeJournals } from '../../src/batch/journal/merge.ts'
import { amountOfBatch } from '../../src/batch/journal/tally.ts'
import type { BatchInputs, BatchResult } from '../../src/batch/run.ts'
import type { HttpRequest, HttpResponse } from '../../src/http/transport.ts'
import { TransportError } from '../../src/http/transport-error.ts'
import { operationNamed } from '../../src/operations/catalogue.ts'
import { answer, journalLines, runTestBatch } from './batch-runner.ts'
import { newFolder } from './files.ts'
import { begun, header, journalText } from './journals.ts'
import { invoice } from './records.ts'

type Fate = 'billed' | 'lost after' | 'lost before' | number

/** An invoice of 3.00 for an installation. */
const billOf = (number: number, change = {}) => ({
  ...invoice,
  integrationConfigurationId: `icfg_${number}`,
  ...change,
})

/** Vercel's invoices. Each installation's requests have these fates in turn; afterwards they are billed. */
class BillingModel {
  billed = new Big(0)
  readonly requests: string[] = []
  readonly #keys = new Set<string>()
  readonly #fates: Record<string, Fate[]>

  constructor(fates: Readonly<Record<string, readonly Fate[]>> = {}) {
    this.#fates = Object.fromEntries(Object.entries(fates).map(([name, list]) => [name, [...list]]))
  }

  readonly respond = ({ url, body }: HttpRequest): HttpResponse => {
    const installation = url.pathname.split('/')[3] ?? ''
    this.requests.push(installation)
    const { externalId, test } = JSON.parse(body ?? '{}') as { externalId: string; test?: object }
    const fate = this.#fates[installation]?.shift() ?? 'billed'
    if (typeof fate === 'number') return answer(fate, { error: { code: `code_${fate}`, message: 'No' } })
    const isKnown = this.#keys.has(externalId)
    if (fate !== 'lost before' && !isKnown) {
      this.#keys.add(externalId)
      if (!test) this.billed = this.billed.plus('3.00')
    }
    if (fate !== 'billed') throw new TransportError('timeout', 'no response', { mayHaveArrived: true })
    return isKnown
      ? answer(409, { error: { code: 'conflict', message: 'An invoice with this externalId already exists' } })
      : answer(200, { invoiceId: `inv_${installation}` })
  }
}

interface Run {
  readonly workspace?: string
  readonly model: BillingModel
  readonly records: readonly object[]
  readonly inputs?: Partial<BatchInputs>
}

const run = ({ workspace = newFolder(), model, records, inputs }: Run): Promise<BatchResult> =>
  runTestBatch({ workspace, name: 'submitInvoice', records, respond: model.respond, ...(inputs && { inputs }) })

/** What the run and the merged journal say. They must agree. */
function figures({ report, failure }: BatchResult, workspace: string) {
  const merged = mergeJournals(['journal.ndjson'], workspace)
  const amount = report && amountOfBatch(report, operationNamed('submitInvoice'))
  expect(amountOfBatch(merged.report, operationNamed('submitInvoice'))).toBe(amount)
  const { sent, alreadyThere, gone, rejected, unknown, tests } = report?.ledger ?? {}
  expect(merged.report.ledger).toMatchObject({ sent, alreadyThere, gone, rejected, unknown })
  expect(merged.report.ledger?.tests.amount.toFixed()).toBe(tests?.amount.toFixed())
  const { succeeded, failed } = report?.tally ?? {}
  return { amount, sent, alreadyThere, gone, rejected, unknown, succeeded, failed, message: failure?.message }
}

describe('the amount of a batch is what Vercel billed for it', () => {
  test('an invoice whose response was lost, and which the retry found, counts', async () => {
    const workspace = newFolder()
    const model = new BillingModel({ icfg_1: ['lost after'], icfg_2: ['lost before'] })
    const result = await run({ workspace, model, records: [billOf(1), billOf(2), billOf(3)] })
    expect(figures(result, workspace)).toMatchObject({ amount: '9.00', sent: 3, alreadyThere: 0 })
    expect(model.billed.toFixed()).toBe('9')
    const outcomes = journalLines(workspace).filter((line) => line.includes('"duplicate"'))
    expect(outcomes).toEqual([expect.stringContaining('"status":"duplicate","arrivedEarlier":true')])
  })

  test('one that a later run finds counts as well, and earlier runs are part of the amount', async () => {
    const workspace = newFolder()
    const records = [1, 2, 3, 4].map((number) => billOf(number))
    const model = new BillingModel({ icfg_1: ['lost after', 'lost after'], icfg_2: [500, 500], icfg_4: [403] })
    const first = await run({ workspace, model, records })
    expect(figures(first, workspace)).toMatchObject({ amount: '3.00', sent: 1, unknown: 2, rejected: 1 })
    const second = await run({ workspace, model, records })
    expect(figures(second, workspace)).toMatchObject({
      amount: '12.00',
      sent: 4,
      unknown: 0,
      rejected: 0,
      succeeded: 3,
    })
    expect(model.billed.toFixed()).toBe('12')
    expect((await run({ workspace, model, records })).report).toMatchObject({ skipped: 4, ledger: { sent: 4 } })
  })

  test('one that was there before the batch does not', async () => {
    const model = new BillingModel()
    await run({ model, records: [billOf(1)] })
    const workspace = newFolder()
    const inputs = { onDuplicate: 'succeed' as const }
    const result = await run({ workspace, model, records: [billOf(1), billOf(2)], inputs })
    expect(figures(result, workspace)).toMatchObject({ amount: '3.00', sent: 1, alreadyThere: 1 })
  })

  test('a test invoice is no part of it', async () => {
    const workspace = newFolder()
    const model = new BillingModel()
    const records = [billOf(1), billOf(2, { test: { result: 'paid' } })]
    const result = await run({ workspace, model, records })
    expect(figures(result, workspace)).toMatchObject({ amount: '3.00', sent: 2 })
    expect(result.report?.ledger?.tests.amount.toFixed()).toBe('3')
  })
})

test('a resumed batch counts its failures among all records', async () => {
  const workspace = newFolder()
  const model = new BillingModel({ icfg_2: [403, 403] })
  const records = [1, 2, 3, 4].map((number) => billOf(number))
  await run({ workspace, model, records })
  const result = await run({ workspace, model, records })
  expect(figures(result, workspace)).toMatchObject({
    succeeded: 0,
    failed: 1,
    message: expect.stringMatching(/^1 of 4 submitInvoice records failed\. Run it again with the same batch file/),
  })
})

describe('on-gone', () => {
  const records = [1, 2, 3].map((number) => billOf(number))

  test('skip: a record answered 410 fails nothing, and is not sent again', async () => {
    const workspace = newFolder()
    const model = new BillingModel({ icfg_2: [410] })
    const inputs = { onGone: 'skip' as const }
    const result = await run({ workspace, model, records, inputs })
    expect(figures(result, workspace)).toMatchObject({
      amount: '6.00',
      sent: 2,
      gone: 1,
      failed: 0,
      message: undefined,
    })
    expect(journalLines(workspace).filter((line) => line.includes('"status":"gone"'))).toEqual([
      expect.stringMatching(/^\{"event":"gone".*"httpStatus":410/),
    ])
    const second = await run({ workspace, model, records, inputs })
    expect(second.failure).toBeUndefined()
    expect(second.report).toMatchObject({ skipped: 3, ledger: { gone: 1, sent: 2 } })
    expect(model.requests).toHaveLength(3)
  })

  test('fail: it fails, and is sent again', async () => {
    const workspace = newFolder()
    const model = new BillingModel({ icfg_2: [410] })
    const result = await run({ workspace, model, records })
    expect(figures(result, workspace)).toMatchObject({ gone: 0, failed: 1, message: expect.stringMatching(/^1 of 3 /) })
    const second = await run({ workspace, model, records })
    expect(figures(second, workspace)).toMatchObject({ amount: '9.00', sent: 3, failed: 0 })
  })

  test('skip: one that may have been billed before it was gone stays unknown', async () => {
    const workspace = newFolder()
    const model = new BillingModel({ icfg_2: ['lost after', 410] })
    const result = await run({ workspace, model, records, inputs: { onGone: 'skip' } })
    expect(figures(result, workspace)).toMatchObject({ gone: 0, unknown: 1, failed: 1 })
  })

  test('skip: a refund whose invoice is gone is skipped', async () => {
    const workspace = newFolder()
    const refund = {
      integrationConfigurationId: 'icfg_1',
      invoiceId: 'inv_1',
      action: 'refund',
      reason: 'r',
      total: '1.00',
    }
    const { report, failure } = await runTestBatch({
      workspace,
      name: 'updateInvoice',
      records: [refund],
      respond: () => answer(410, { error: { code: 'gone', message: 'No' } }),
      inputs: { onGone: 'skip' },
    })
    expect(failure).toBeUndefined()
    expect(report?.ledger).toMatchObject({ gone: 1, sent: 0, failed: 0 })
  })
})

test('the errors that Vercel finds in a test invoice are in the journal', async () => {
  const workspace = newFolder()
  const { failure } = await runTestBatch({
    workspace,
    name: 'submitInvoice',
    records: [billOf(1, { test: { validate: true } })],
    respond: () => answer(200, { test: true, validationErrors: [{ message: 'No such plan' }, 'Bad date'] }),
  })
  expect(failure?.code).toBe('batch_failed')
  expect(readFileSync(join(workspace, 'journal.ndjson'), 'utf8')).toMatch(
    /Vercel found errors in the test invoice: [^"]*No such plan; [^"]*Bad date/,
  )
})

describe('the planned amount of a run is that of the records of its shard, without test invoices', () => {
  const records = [1, 2, 3, 4, 5, 6, 7].map((number) => billOf(number, number === 3 ? { test: {} } : {}))

  test('in a run that stops, in one that resumes it with one more record, and in the merged journal', async () => {
    const workspace = newFolder()
    const model = new BillingModel({ icfg_1: [403] })
    const first = await run({ workspace, model, records, inputs: { concurrency: 1, maxFailures: 1 } })
    expect(first.report).toMatchObject({ total: 7, plannedAmount: '18.00' })
    expect(mergeJournals(['journal.ndjson'], workspace).report).toMatchObject({ total: 7, plannedAmount: '18.00' })
    const second = await run({ workspace, model, records: [...records, billOf(8)] })
    expect(second.report).toMatchObject({ total: 8, plannedAmount: '21.00' })
    expect(mergeJournals(['journal.ndjson'], workspace).report.plannedAmount).toBe('21.00')
    expect(model.billed.toFixed(2)).toBe('21.00')
  })

  test('of shards, it adds up to that of the file', async () => {
    const workspace = newFolder()
    const model = new BillingModel()
    const amounts: Big[] = []
    for (const index of [1, 2, 3]) {
      const inputs = { shard: { index, count: 3 }, journalFile: `shard-${index}.ndjson` }
      const { report } = await run({ workspace, model, records, inputs })
      expect(report?.ledger?.billed.toFixed(2)).toBe(report?.plannedAmount)
      amounts.push(new Big(report?.plannedAmount ?? Number.NaN))
    }
    expect(amounts.reduce((sum, amount) => sum.plus(amount)).toFixed(2)).toBe('18.00')
    expect(mergeJournals(['shard-*.ndjson'], workspace).report.plannedAmount).toBe('18.00')
  })

  test('it is not known if a journal does not have it', async () => {
    const workspace = newFolder()
    const shards = [1, 2].map((index) => ({ ...header, shard: `${index}/2` }))
    for (const [index, shard] of shards.entries()) {
      const start = index === 0 ? begun(0) : { ...begun(0), amount: '5.00' }
      writeFileSync(join(workspace, `${index}.ndjson`), journalText(shard, start))
    }
    expect(mergeJournals(['*.ndjson'], workspace).report.plannedAmount).toBeUndefined()
  })
})
