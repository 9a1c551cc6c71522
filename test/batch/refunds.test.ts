// Refunds of a batch against a model of Vercel, at which responses are lost, requests arrive late, are throttled or are
// rejected, and runs end at any moment. Nothing is sent twice, and nothing is reported that did not happen.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Big from 'big.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Ledger } from '../../src/batch/journal/ledger.ts'
import { amountOfBatch } from '../../src/batch/journal/tally.ts'
import type { BatchResult } from '../../src/batch/run.ts'
import type { HttpRequest, HttpResponse } from '../../src/http/transport.ts'
import { TransportError } from '../../src/http/transport-error.ts'
import { operationNamed } from '../../src/operations/catalogue.ts'
import { answer, journalLines, journalOf, runTestBatch } from './batch-runner.ts'
import { newFolder } from './files.ts'

/** What happens to a refund's request, or to the reading of an invoice. */
type Fate = 'done' | 'lost after' | 'lost before' | 'late' | 'throttled' | 'rejected' | 'refused connection'

interface Refund {
  readonly id: string
  readonly invoiceId: string
  readonly total: string
}

/** Vercel's invoices: `refundTotal` adds up. */
class InvoiceModel {
  readonly refunded = new Map<string, Big>()
  /** How often each refund was processed, by its reason. */
  readonly landed = new Map<string, number>()
  /** How many requests of each refund can have arrived. */
  readonly sent = new Map<string, number>()
  readonly #nextFate: (method: string) => Fate
  readonly #late: (() => void)[] = []

  /** @param nextFate  of a request, by its method */
  constructor(nextFate: (method: string) => Fate) {
    this.#nextFate = nextFate
  }

  readonly respond = ({ method, url, body }: HttpRequest): HttpResponse => {
    const invoiceId = url.pathname.split('/invoices/')[1]?.split('/')[0] ?? ''
    const { reason = '', total = '0' } = JSON.parse(body ?? '{}') as { reason?: string; total?: string }
    const fate = this.#nextFate(method)
    if (fate === 'throttled') return { ...answer(429), headers: { 'retry-after': '1' } }
    if (fate === 'refused connection') throw new TransportError('connect', 'refused', { mayHaveArrived: false })
    if (method === 'GET') return this.#read(invoiceId, fate)
    if (fate === 'rejected') return answer(409, { error: { code: 'conflict', message: 'A refund is in progress' } })
    this.sent.set(reason, (this.sent.get(reason) ?? 0) + 1)
    const land = () => {
      this.refunded.set(invoiceId, (this.refunded.get(invoiceId) ?? new Big(0)).plus(total))
      this.landed.set(reason, (this.landed.get(reason) ?? 0) + 1)
    }
    if (fate === 'late') this.#late.push(land)
    else if (fate !== 'lost before') land()
    if (fate === 'done') return answer(200)
    throw new TransportError('timeout', 'no response', { mayHaveArrived: true })
  }

  /** Processes the oldest request that is late. */
  landOne(): void {
    this.#late.shift()?.()
  }

  #read(invoiceId: string, fate: Fate): HttpResponse {
    if (fate !== 'done') throw new TransportError('reset', 'broken', { mayHaveArrived: true })
    const refundTotal = this.refunded.get(invoiceId)?.toFixed()
    return answer(200, {
      state: refundTotal ? 'refunded' : 'paid',
      total: '10000.00',
      ...(refundTotal && { refundTotal }),
    })
  }
}

const recordOf = ({ id, invoiceId, total }: Refund) => ({
  id,
  integrationConfigurationId: 'icfg_1',
  invoiceId,
  action: 'refund',
  reason: id,
  total,
})

/** Cuts the outcomes off the end of a journal, as a killed process leaves it. Its last line may be incomplete. */
function killAfter(workspace: string, lostLines: number, tornChars: number): void {
  const lines = journalLines(workspace)
  const isOutcome = (line: string) => /^\{"event":"(succeeded|failed|unknown|gone)"/.test(line)
  let last = ''
  for (let lost = 0; lost < lostLines && isOutcome(lines.at(-1) ?? ''); lost++) last = lines.pop() ?? ''
  const torn = tornChars > 0 ? last.slice(0, Math.min(tornChars, last.length - 1)) : ''
  writeFileSync(journalOf(workspace), `${lines.join('\n')}\n${torn}`)
}

/** The last event of each record in a journal. */
function lastEvents(workspace: string): Map<string, { event: string; status?: string }> {
  const events = new Map<string, { event: string; status?: string }>()
  for (const line of readFileSync(journalOf(workspace), 'utf8').split('\n')) {
    if (!line.endsWith('}')) continue
    const event = JSON.parse(line)
    if (event.id !== undefined) events.set(event.id, event)
  }
  return events
}

const runRefunds = (workspace: string, refunds: readonly Refund[], model: InvoiceModel): Promise<BatchResult> =>
  runTestBatch({ workspace, name: 'updateInvoice', records: refunds.map(recordOf), respond: model.respond })

/** A model that answers with these fates in turn: of refunds, and of readings. Afterwards everything is done. */
function modelWith(fates: readonly Fate[], readings: readonly Fate[] = []): InvoiceModel {
  const left = { POST: [...fates], GET: [...readings] }
  return new InvoiceModel((method) => left[method as 'GET'].shift() ?? 'done')
}

const refundOf = (id: string, total: string, invoiceId = 'inv_1'): Refund => ({ id, invoiceId, total })
const [a10, b5, b10] = [refundOf('a', '10.00'), refundOf('b', '5.00'), refundOf('b', '10.00')]
const events = (workspace: string) => [...lastEvents(workspace).values()].map(({ event }) => event)

describe('two refunds of one invoice, the first of which is lost, and whose invoice cannot be read then', () => {
  const lostReads: Fate[] = ['done', 'lost before', 'lost before']

  test.each<[what: string, fate: Fate, second: Refund, expected: string]>([
    // The reading before the second refund shows the first one.
    ['arrived', 'lost after', b5, 'succeeded'],
    ['arrived, with the same amount', 'lost after', b10, 'succeeded'],
    ['did not arrive', 'lost before', b5, 'unknown'],
    // The invoice has grown by 10.00, which was the second one.
    ['did not arrive, with the same amount', 'lost before', b10, 'unknown'],
  ])('it %s', async (_, fate, second, expected) => {
    const workspace = newFolder()
    const model = modelWith([fate], lostReads)
    await runRefunds(workspace, [a10, second], model)
    expect(events(workspace)).toEqual(['unknown', 'succeeded'])
    const { report } = await runRefunds(workspace, [a10, second], model)
    expect(lastEvents(workspace).get('a')?.event).toBe(expected)
    expect(report?.ledger?.billed.toFixed()).toBe(
      new Big(second.total).plus(expected === 'succeeded' ? '10' : '0').toFixed(),
    )
    expect(model.sent).toEqual(
      new Map([
        ['a', 1],
        ['b', 1],
      ]),
    )
  })

  test('it is found later if the second one was rejected', async () => {
    const workspace = newFolder()
    const model = modelWith(['late', 'rejected'], lostReads)
    await runRefunds(workspace, [a10, b10], model)
    expect(events(workspace)).toEqual(['unknown', 'failed'])
    model.landOne()
    await runRefunds(workspace, [a10, b10], model)
    expect(lastEvents(workspace).get('a')?.event).toBe('succeeded')
  })
})

test('a refund that is lost while an earlier one may still arrive is not claimed', async () => {
  const workspace = newFolder()
  // The first one arrives after the second one was read and lost.
  const model = modelWith(['late', 'lost before'])
  const respond = model.respond
  let posts = 0
  await runTestBatch({
    workspace,
    name: 'updateInvoice',
    records: [a10, b10].map(recordOf),
    respond(request) {
      if (request.method === 'GET' && posts === 2) model.landOne()
      if (request.method === 'POST') posts++
      return respond(request)
    },
  })
  expect(events(workspace)).toEqual(['unknown', 'unknown'])
  expect(model.landed).toEqual(new Map([['a', 1]]))
})

test.each<[what: string, fates: Fate[]]>([
  ['only throttled', ['throttled', 'throttled', 'throttled', 'done']],
  ['refused', ['refused connection', 'done']],
])('a refund that was %s is sent, and not unknown', async (_, fates) => {
  const workspace = newFolder()
  const model = modelWith(fates)
  await runRefunds(workspace, [a10], model)
  expect(events(workspace)).toEqual(['succeeded'])
  expect(model.landed).toEqual(new Map([['a', 1]]))
})

test('a refund for which the action itself fails before it is sent has failed, and is sent by the next run', async () => {
  const workspace = newFolder()
  const model = modelWith([])
  let isBroken = true
  const run = () =>
    runTestBatch({
      workspace,
      name: 'updateInvoice',
      records: [recordOf(a10)],
      respond(request) {
        if (isBroken) throw new TypeError('a defect')
        return model.respond(request)
      },
    })
  await run()
  expect(events(workspace)).toEqual(['failed'])
  isBroken = false
  await run()
  expect(events(workspace)).toEqual(['succeeded'])
  expect(model.landed).toEqual(new Map([['a', 1]]))
})

test('a refund for which the action itself fails after it was sent is unknown, and is never sent again', async () => {
  const workspace = newFolder()
  const model = modelWith([])
  const run = (isBroken: boolean) =>
    runTestBatch({
      workspace,
      name: 'updateInvoice',
      records: [recordOf(a10)],
      respond(request) {
        const response = model.respond(request)
        if (isBroken && request.method === 'POST') throw new TypeError('a defect')
        return response
      },
    })
  await run(true)
  expect(events(workspace)).toEqual(['unknown'])
  await run(false)
  expect(events(workspace)).toEqual(['succeeded'])
  expect(model.sent).toEqual(new Map([['a', 1]]))
})

const fate = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fate>('done') },
  { weight: 6, arbitrary: fc.constantFrom<Fate>('lost after', 'lost before', 'late') },
  { weight: 3, arbitrary: fc.constantFrom<Fate>('throttled', 'rejected', 'refused connection') },
)
const reading = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Fate>('done') },
  { weight: 1, arbitrary: fc.constantFrom<Fate>('lost before', 'throttled', 'refused connection') },
)
const course = fc.record({
  refunds: fc.array(fc.record({ invoice: fc.nat({ max: 1 }), total: fc.constantFrom('1.00', '2.00', '3.00') }), {
    minLength: 1,
    maxLength: 6,
  }),
  fates: fc.array(fate, { maxLength: 12 }),
  readings: fc.array(reading, { maxLength: 24 }),
  /** After how many requests a late one arrives. */
  lateAfter: fc.integer({ min: 1, max: 4 }),
  runs: fc.array(fc.record({ lostLines: fc.nat({ max: 2 }), tornChars: fc.nat({ max: 40 }) }), {
    minLength: 1,
    maxLength: 4,
  }),
})

test('no refund is sent twice, and no refund is claimed that did not arrive, for any course of runs', async () => {
  let claimedByLookUp = 0
  await fc.assert(
    fc.asyncProperty(course, async ({ refunds, fates, readings, lateAfter, runs }) => {
      const workspace = newFolder()
      const list = refunds.map(({ invoice, total }, index) => refundOf(`r${index}`, total, `inv_${invoice}`))
      const model = modelWith(fates, readings)
      let requests = 0
      const respond = (request: HttpRequest) => {
        if (++requests % lateAfter === 0) model.landOne()
        return model.respond(request)
      }
      const run = () => runTestBatch({ workspace, name: 'updateInvoice', records: list.map(recordOf), respond })
      for (const { lostLines, tornChars } of runs) {
        await run()
        killAfter(workspace, lostLines, tornChars)
      }
      const { report } = await run()
      const claimed = [...lastEvents(workspace)].filter(([, { event }]) => event === 'succeeded').map(([id]) => id)
      for (const [id, times] of model.sent) expect(times, `${id} was sent`).toBe(1)
      for (const id of claimed) expect(model.landed.get(id), `${id} arrived`).toBe(1)
      const total = list
        .filter(({ id }) => claimed.includes(id))
        .reduce((sum, { total }) => sum.plus(total), new Big(0))
      expect(report && amountOfBatch(report, operationNamed('updateInvoice'))).toBe(total.toFixed(2))
      claimedByLookUp += claimed.filter((id) => !/"status":"accepted","invoiceId"/.test(lineOf(workspace, id))).length
      // What the run says is what its journal says.
      const ledger = new Ledger()
      for (const line of journalLines(workspace).slice(1)) if (line.endsWith('}')) ledger.apply(JSON.parse(line))
      ledger.end()
      expect(report?.ledger?.billed.toFixed()).toBe(ledger.billed.toFixed())
      expect(report?.ledger).toMatchObject({ sent: ledger.sent, rejected: ledger.rejected, unknown: ledger.unknown })
    }),
    { numRuns: 25 },
  )
  // The courses are not only those in which nothing can be told.
  expect(claimedByLookUp).toBeGreaterThan(0)
})

/** The last line about a record. */
const lineOf = (workspace: string, id: string) =>
  readFileSync(join(workspace, 'journal.ndjson'), 'utf8')
    .split('\n')
    .findLast((line) => line.includes(`"id":"${id}"`)) ?? ''
