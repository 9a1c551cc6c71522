// The outcome of a record that an earlier run sent, and that must not be sent again.

import { describe, expect, test } from 'vitest'
import { RefundHistory } from '../../../src/batch/journal/refund-history.ts'
import { recordKey } from '../../../src/batch/records/record.ts'
import { lookUpOutcome } from '../../../src/batch/sending/look-up.ts'
import { prepareRecord, RecordScrubber } from '../../../src/batch/sending/prepared-record.ts'
import type { InvoiceReading } from '../../../src/delivery/refund.ts'
import type { OperationName } from '../../../src/operations/catalogue.ts'
import { type Planned, planDelivery, respond } from '../../delivery/planned.ts'
import { sent } from '../journals.ts'
import { invoice, readOne, refund } from '../records.ts'

const at = '2025-03-15T12:00:00.000Z'
const identity = { id: 'r-1', digest: 'd-1' }
const paid: InvoiceReading = { state: 'paid', total: '30.00', refundTotal: '0' }
const refunded = { state: 'refunded', total: '30.00', refundTotal: '1.00', refundReason: 'r' }

interface Case {
  readonly name?: OperationName
  readonly value?: object
  /** What the journal says that the invoice showed. */
  readonly before?: InvoiceReading | undefined
  /** What it showed when other refunds were sent later. */
  readonly others?: readonly InvoiceReading[]
  readonly plan?: readonly Planned[]
  readonly newToken?: string
  readonly isSent?: boolean
}

async function lookUp(change: Case) {
  const { name = 'updateInvoice', value = refund, plan = [], others = [], newToken, isSent = true } = change
  const before = 'before' in change ? change.before : paid
  const { record, errors } = readOne(name, { id: 'r-1', token: 'vct_token-1', ...value })
  if (!record) throw new Error(errors.join())
  const prepared = prepareRecord(record, identity, 'none', new RecordScrubber([]))
  const refunds = new RefundHistory()
  const invoiceId = 'inv_1'
  refunds.apply(sent('r-1', { digest: 'd-1', invoiceId, amount: '1.00', ...(before && { before }) }))
  for (const [index, reading] of others.entries()) {
    refunds.apply(sent(`other-${index}`, { invoiceId, amount: '1.00', before: reading }))
  }
  const lastSent = { at: new Date(at), ...(before && { before }), hadNewToken: false }
  const delivery = planDelivery(prepared.request, plan)
  const all = new Map(isSent ? [[recordKey(identity), lastSent]] : [])
  const result = await lookUpOutcome(prepared, delivery.options, { sent: all, refunds }, newToken)
  return { result, methods: delivery.sent.map(({ request }) => request.method) }
}

const history = `It was sent at ${at} by an earlier run, and its outcome is unknown`
const hintOf = (todo: string) =>
  `It is not sent again. ${todo}. To send it again all the same, put it in a new batch file with its own \`journal-file\``
const unknown = (todo: string, ...evidence: string[]) => ({
  event: 'unknown',
  code: 'outcome_unknown',
  message: [history, ...evidence, hintOf(todo)].join('. '),
  hint: hintOf(todo),
})
const readAgain = 'Read the invoice inv_1 with getInvoice before you refund it again'

test('a record that the journal does not name as sent is an error of the action', async () => {
  await expect(lookUp({ isSent: false })).rejects.toThrow('the journal does not say when the record was sent')
})

test('an invoice without a key stays unknown, and nothing is read', async () => {
  const advice =
    "Look for the invoice in Vercel's integration console before you send it again, or the customer may be billed twice"
  expect(await lookUp({ name: 'submitInvoice', value: invoice })).toEqual({ result: unknown(advice), methods: [] })
})

test('a rotation with another stored token stays unknown', async () => {
  expect(await lookUp({ newToken: 'vct_new' })).toEqual({
    result: unknown(
      'Find out with getAccountInfo which token works',
      '`new-tokens-file` has another token of the installation, which may be newer than this rotation or older',
    ),
    methods: [],
  })
})

describe('a refund', () => {
  const accepted = { event: 'succeeded', status: 'accepted' }

  test('stays unknown if the journal does not say what the invoice showed', async () => {
    expect(await lookUp({ before: undefined })).toEqual({
      result: unknown(readAgain, 'The journal does not say what the invoice showed before'),
      methods: [],
    })
  })

  test('arrived if the invoice shows it now', async () => {
    expect(await lookUp({ plan: [respond(200, refunded)] })).toEqual({ result: accepted, methods: ['GET'] })
  })

  test('arrived if the next refund of the invoice showed it: nothing is read', async () => {
    const shown = 'the invoice was refunded, total 30.00, refunded 1.00'
    expect(await lookUp({ others: [refunded] })).toEqual({
      result: { ...accepted, message: `The next refund of the invoice showed that it arrived: ${shown}` },
      methods: [],
    })
  })

  test('stays unknown if the invoice does not show it', async () => {
    expect(await lookUp({ plan: [respond(200, paid)] })).toEqual({
      result: unknown(
        readAgain,
        'Looked up just now: the invoice is paid, total 30.00, refunded 0.00; before the refund it was paid, total 30.00, refunded 0.00',
      ),
      methods: ['GET'],
    })
  })

  test('stays unknown if it may be another one of the batch that the invoice shows', async () => {
    expect(await lookUp({ others: [paid], plan: [respond(200, refunded)] })).toEqual({
      result: unknown(
        readAgain,
        'Looked up just now: the invoice shows such a refund, but it may be another one of this batch',
      ),
      methods: ['GET'],
    })
  })
})
