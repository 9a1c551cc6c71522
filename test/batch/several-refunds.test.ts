// Several refunds of one invoice in a batch: those that the batch made itself are not taken for refunds of others.

import { rmSync } from 'node:fs'
import Big from 'big.js'
import { describe, expect, test } from 'vitest'
import type { BatchInputs, BatchResult } from '../../src/batch/run.ts'
import type { OnDuplicate } from '../../src/delivery/refund.ts'
import type { HttpRequest, HttpResponse } from '../../src/http/transport.ts'
import { TransportError } from '../../src/http/transport-error.ts'
import { answer, journalOf, runTestBatch } from './batch-runner.ts'
import { newFolder } from './files.ts'

/** Vercel's invoice of 100.00, of which the sum of its refunds and the last reason show. */
class TestInvoice {
  refunded = new Big(0)
  /** The totals of the refunds that were made. */
  readonly made: string[] = []
  #reason: string | undefined

  readonly respond = ({ method, body }: HttpRequest): HttpResponse => {
    if (method === 'GET') {
      const isRefunded = this.refunded.gt(0)
      const refund = { refundTotal: this.refunded.toFixed(2), refundReason: this.#reason }
      return answer(200, { state: isRefunded ? 'refunded' : 'paid', total: '100.00', ...(isRefunded && refund) })
    }
    const { reason, total } = JSON.parse(body ?? '{}') as { reason: string; total: string }
    this.refunded = this.refunded.plus(total)
    this.made.push(total)
    this.#reason = reason
    return answer(204)
  }
}

const refund = (id: string, total: string, reason: string) => ({
  id,
  integrationConfigurationId: 'icfg_1',
  invoiceId: 'inv_1',
  action: 'refund',
  total,
  reason,
})

const twins = [refund('c', '7.25', 'outage'), refund('d', '7.25', 'outage')]
const different = [refund('a', '10.00', 'outage'), refund('b', '5.50', 'goodwill')]

const runRefunds = (
  workspace: string,
  records: readonly object[],
  invoice: TestInvoice,
  inputs: Partial<BatchInputs> = {},
): Promise<BatchResult> => runTestBatch({ workspace, name: 'updateInvoice', records, respond: invoice.respond, inputs })

const messagesOf = ({ warnings }: BatchResult) => warnings.map(({ message }) => message)

describe.each<OnDuplicate>(['fail', 'succeed', 'send'])('on-duplicate: %s', (onDuplicate) => {
  test.each<[what: string, records: readonly object[]]>([
    ['the same reason and total', twins],
    ['different reasons', different],
  ])('a batch makes two refunds of one invoice with %s, and does not warn', async (_, records) => {
    const invoice = new TestInvoice()
    const result = await runRefunds(newFolder(), records, invoice, { onDuplicate, failsOnWarning: true })
    expect(result.failure).toBeUndefined()
    expect(invoice.made).toHaveLength(2)
    expect(messagesOf(result)).toEqual([])
  })

  test('the second one is made by a later run too', async () => {
    const [workspace, invoice] = [newFolder(), new TestInvoice()]
    await runRefunds(workspace, twins.slice(0, 1), invoice, { onDuplicate })
    const result = await runRefunds(workspace, twins, invoice, { onDuplicate })
    expect(result.failure).toBeUndefined()
    expect(invoice.made).toHaveLength(2)
  })
})

test('a refund that an invoice shows once counts for one of two equal records', async () => {
  const invoice = new TestInvoice()
  await runRefunds(newFolder(), twins.slice(0, 1), invoice)
  const { report } = await runRefunds(newFolder(), twins, invoice, { onDuplicate: 'succeed' })
  expect(invoice.made).toEqual(['7.25'])
  expect(report?.ledger).toMatchObject({ alreadyThere: 1, rejected: 1 })
  expect(report?.ledger?.failures()[0]?.message).toContain(
    '7.25 refunded in all), which is less than 14.50 with the refunds of this batch that it showed already: this refund was not made',
  )
})

test('two equal refunds that an invoice shows are both found', async () => {
  const invoice = new TestInvoice()
  await runRefunds(newFolder(), twins, invoice)
  const { report, failure } = await runRefunds(newFolder(), twins, invoice, { onDuplicate: 'succeed' })
  expect(failure).toBeUndefined()
  expect(invoice.made).toHaveLength(2)
  expect(report?.ledger).toMatchObject({ alreadyThere: 2, sent: 0 })
})

describe('a batch of refunds that runs again without its journal', () => {
  const runAgain = async (inputs: Partial<BatchInputs>) => {
    const [workspace, invoice] = [newFolder(), new TestInvoice()]
    await runRefunds(workspace, different, invoice)
    rmSync(journalOf(workspace))
    return { invoice, result: await runRefunds(workspace, different, invoice, inputs) }
  }

  test('warns of each refund that may have been made before', async () => {
    const { result } = await runAgain({})
    expect(messagesOf(result)).toEqual([
      'line 1: 15.50 of the invoice inv_1 was refunded before, and Vercel shows only the latest reason. Check that this refund was not made before',
    ])
  })

  test('makes none with fail-on-warning', async () => {
    const { invoice, result } = await runAgain({ failsOnWarning: true })
    expect(invoice.made).toEqual(['10.00', '5.50'])
    expect(result.report?.tally).toMatchObject({ succeeded: 0, failed: 2 })
  })
})

test.each<OnDuplicate>(['fail', 'succeed'])(
  'a refund that may be shown already by another one, whose outcome is unknown, waits for the next run (on-duplicate: %s)',
  async (onDuplicate) => {
    const [workspace, invoice] = [newFolder(), new TestInvoice()]
    const lost = () => new TransportError('timeout', 'no response', { mayHaveArrived: true })
    let readings = 0
    const { report } = await runTestBatch({
      workspace,
      name: 'updateInvoice',
      records: twins,
      respond(request) {
        // The first refund is made, its response is lost, and the invoice cannot be read then.
        if (request.method === 'GET' && [2, 3].includes(++readings)) throw lost()
        invoice.respond(request)
        if (request.method === 'POST') throw lost()
        return invoice.respond(request)
      },
      inputs: { onDuplicate },
    })
    expect(invoice.made).toEqual(['7.25'])
    expect(report?.ledger).toMatchObject({ unknown: 1, rejected: 1, alreadyThere: 0 })
    expect(report?.ledger?.failures().map(({ code }) => code)).toContain('refund_present')
    const second = await runRefunds(workspace, twins, invoice, { onDuplicate })
    expect(second.failure).toBeUndefined()
    expect(invoice.made).toEqual(['7.25', '7.25'])
    expect(second.report?.ledger?.billed.toFixed(2)).toBe('14.50')
  },
)

test('a refund of somebody else between two refunds of the batch counts', async () => {
  const invoice = new TestInvoice()
  let refunds = 0
  const result = await runTestBatch({
    workspace: newFolder(),
    name: 'updateInvoice',
    records: twins,
    respond(request) {
      const response = invoice.respond(request)
      if (request.method === 'POST' && ++refunds === 1) invoice.refunded = invoice.refunded.plus('7.25')
      return response
    },
  })
  expect(invoice.made).toHaveLength(1)
  expect(result.report?.ledger?.failures()[0]?.code).toBe('refund_present')
})
