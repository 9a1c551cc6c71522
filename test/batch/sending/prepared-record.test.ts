import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  failureFields,
  identifyingFields,
  moneyFields,
  prepareRecord,
  RecordScrubber,
  recordResult,
  sentEvent,
} from '../../../src/batch/sending/prepared-record.ts'
import type { Reconciled } from '../../../src/delivery/deliver.ts'
import type { InvoiceReading } from '../../../src/delivery/refund.ts'
import { Failure } from '../../../src/failure.ts'
import type { OperationName } from '../../../src/operations/catalogue.ts'
import { Secrets } from '../../../src/secrets.ts'
import { respond } from '../../delivery/planned.ts'
import { invoice, readOne, refund } from '../records.ts'

const token = 'vct_token-of-installation-1'
const proxyPassword = 'pass-of-proxy'

function sentEventOf(fields: object) {
  const { record, errors } = readOne('submitInvoice', { id: 'r-1', token, ...invoice, ...fields })
  if (!record) throw new Error(errors.join())
  const prepared = prepareRecord(record, { id: 'r-1', digest: 'd' }, 'auto', new RecordScrubber([proxyPassword]))
  return sentEvent(prepared, new Date(0), { isResumed: false, hadNewToken: false })
}

test('a sent line keeps the key and the request of a record as they are', () => {
  const event = sentEventOf({ externalId: 'invoice-1', memo: 'é "x"' })
  expect(event.externalId).toBe('invoice-1')
  expect(event.request).toEqual({ ...invoice, externalId: 'invoice-1', memo: 'é "x"' })
})

test.each([
  ['token', token],
  ["proxy's password", proxyPassword],
])('a sent line shows no %s that is part of the key or of the request', (_, secret) => {
  const event = sentEventOf({ externalId: `key-${secret}`, memo: `see "${secret}"` })
  expect(event.externalId).toBe('key-***')
  expect(event.request).toContain('"memo":"see \\"***\\""')
  expect(JSON.stringify(event)).not.toContain(secret)
})

test('a secret at the place where a long request is cut off is not shown', () => {
  for (let length = 1500; length < 1900; length += 7) {
    const event = sentEventOf({ memo: `${'x'.repeat(length)}${token}${'y'.repeat(500)}` })
    expect(String(event.request).length).toBeLessThan(2100)
    expect(event.request).not.toContain(token.slice(0, 8))
  }
})

describe('the secrets of records that share a token', () => {
  const scrubber = new RecordScrubber([proxyPassword])
  const plain = { token, secrets: [] }
  const own = { token, secrets: ['hunter2-of-record'] }
  const text = `hunter2-of-record, issued-token-1, ${token}, ${proxyPassword}`

  test('are removed from the texts of their record only', () => {
    for (let turn = 0; turn < 2; turn++) {
      expect(scrubber.scrub(text, plain)).toBe('hunter2-of-record, issued-token-1, ***, ***')
      expect(scrubber.scrub(text, own)).toBe('***, issued-token-1, ***, ***')
      expect(scrubber.scrub(text, plain, 'issued-token-1')).toBe('hunter2-of-record, ***, ***, ***')
    }
  })

  test('are removed for any number of tokens, and kept for 5,000', () => {
    const compiled = vi.spyOn(Secrets.prototype, 'add')
    onTestFinished(() => compiled.mockRestore())
    const many = new RecordScrubber([])
    const scrub = (number: number) => many.scrub(`token-${number}-of-installation`, { token: `token-${number}` })
    const shown = Array.from({ length: 5000 }, (_, number) => scrub(number))
    expect(shown).toEqual(Array(5000).fill('***-of-installation'))
    // Those that are kept are not compiled again; the next one starts over.
    const counts = [0, 4999, 5000, 4999, 5000].map((number) => {
      scrub(number)
      return compiled.mock.calls.length
    })
    expect(counts).toEqual([5000, 5000, 5001, 5002, 5002])
  })
})

describe('the fields of a failure', () => {
  const scrub = (text: string) => text.replaceAll('secret', '***')

  test('are its message, its other problems and its hint, without secrets', () => {
    const message = 'The secret is wrong'
    const diagnostics = [{ message }, { message: 'one' }, { message: 'two' }]
    expect(failureFields(new Failure('http_400', message, { diagnostics, hint: 'Store the secret' }), scrub)).toEqual({
      code: 'http_400',
      message: 'The *** is wrong: one; two. Store the ***',
      hint: 'Store the ***',
    })
    expect(failureFields(new Failure('http_400', message, { diagnostics: [{ message }] }), scrub)).toEqual({
      code: 'http_400',
      message: 'The *** is wrong',
    })
  })
})

describe('a sent line of a refund', () => {
  const { record } = readOne('updateInvoice', { id: 'r-1', token, ...refund })
  const prepared = record && prepareRecord(record, { id: 'r-1', digest: 'd' }, 'auto', new RecordScrubber([]))
  const eventOf = (before: InvoiceReading) =>
    prepared && sentEvent(prepared, new Date(0), { isResumed: true, before, hadNewToken: true })

  test('names the invoice, and keeps what it showed', () => {
    expect(eventOf({ state: 'paid' })).toEqual({
      event: 'sent',
      id: 'r-1',
      digest: 'd',
      line: 1,
      installation: 'icfg_1',
      at: '1970-01-01T00:00:00.000Z',
      invoiceId: 'inv_1',
      amount: '1.00',
      hadNewToken: true,
      resumed: true,
      before: { state: 'paid' },
      request: refund,
    })
  })

  test('shows no secret that is part of a reason', () => {
    expect(eventOf({ state: 'paid', refundReason: `for ${token}` })?.before).toEqual({
      state: 'paid',
      refundReason: 'for ***',
    })
  })
})

test('a text of 2,000 characters is kept whole, and a longer one ends where it is cut', () => {
  const scrubber = new RecordScrubber([])
  const record = { token, secrets: [] }
  expect(scrubber.scrub('x'.repeat(2000), record)).toBe('x'.repeat(2000))
  expect(scrubber.scrub('x'.repeat(2001), record)).toBe(`${'x'.repeat(2000)}…`)
})

/** A prepared record without an id of its own. */
function prepare(name: OperationName, value: object) {
  const { record, errors } = readOne(name, { token, ...value })
  if (!record) throw new Error(errors.join())
  return prepareRecord(record, { id: 'd-1' }, 'auto', new RecordScrubber([]))
}
const rotation = { integrationConfigurationId: 'icfg_1', clientId: 'oac_1', clientSecret: 'client-secret-1' }

describe('a prepared record', () => {
  test.each<[what: string, OperationName, object, boolean]>([
    ['an invoice with a derived key', 'submitInvoice', invoice, false],
    ['an invoice with its own key', 'submitInvoice', { ...invoice, externalId: 'chosen-1' }, true],
    ['a refund', 'updateInvoice', refund, false],
  ])('knows whether its key was chosen: %s', (_, name, value, hasChosenKey) => {
    expect(prepare(name, value).hasChosenKey).toBe(hasChosenKey)
  })

  test('has no key if its operation takes none', () => {
    const prepared = prepare('updateInvoice', refund)
    expect(prepared.request).toBe(prepared.original.request)
  })

  test('without an id of its own is named by its digest, and its request is not kept', () => {
    const prepared = prepare('getInvoice', { integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1' })
    const names = { id: 'd-1', line: 1, installation: 'icfg_1' }
    expect(identifyingFields(prepared)).toStrictEqual(names)
    expect(sentEvent(prepared, new Date(0), { isResumed: false, hadNewToken: false })).toStrictEqual({
      event: 'sent',
      ...names,
      at: '1970-01-01T00:00:00.000Z',
    })
  })

  test('has an amount if it is about money', () => {
    expect(moneyFields(prepare('updateInvoice', refund).request)).toStrictEqual({ amount: '1.00' })
    expect(moneyFields(prepare('rotateInstallationCredential', rotation).request)).toStrictEqual({})
  })
})

describe('the result', () => {
  const response = respond(200, { invoiceId: 'inv_9' }, { 'x-vercel-id': 'iad1::1' })
  const delivered = { attempts: 2, httpStatus: 200 }
  const resultOf = (reconciled: Partial<Reconciled>, onGone: 'fail' | 'skip' = 'skip', value: object = invoice) =>
    recordResult(prepare('submitInvoice', value), { attempts: 2, ...reconciled }, onGone)
  const failed = (code: 'http_410' | 'http_404') => new Failure(code, 'No such installation')

  test('of an accepted invoice has its id, and the id of the request', () => {
    expect(resultOf({ response })).toStrictEqual({
      event: 'succeeded',
      status: 'accepted',
      invoiceId: 'inv_9',
      ...delivered,
      requestId: 'iad1::1',
    })
  })

  test('names no id of the request if the response has none', () => {
    const { headers: _, ...rest } = response
    expect(resultOf({ response: { ...rest, headers: {} } })).toStrictEqual({
      event: 'succeeded',
      status: 'accepted',
      invoiceId: 'inv_9',
      ...delivered,
    })
  })

  test('shows no secret of the record', () => {
    expect(resultOf({ response: respond(200, { invoiceId: token }, { 'x-vercel-id': token }) })).toMatchObject({
      invoiceId: '***',
      requestId: '***',
    })
  })

  test('has all warnings', () => {
    const reconciled = { response: respond(200, 'x'), warning: 'Look here', unreadable: 'no JSON' }
    expect(resultOf(reconciled).message).toBe(
      'Look here. Vercel accepted the request, but @vercel/sdk cannot read the response: no JSON. Vercel accepted the invoice, but its id could not be read. Do not send the request again: look for the invoice at Vercel',
    )
  })

  test.each<[Partial<Reconciled>, object]>([
    [{ duplicate: true }, { status: 'duplicate' }],
    [
      { duplicate: true, arrivedEarlier: true },
      { status: 'duplicate', arrivedEarlier: true },
    ],
    [
      { arrivedEarlier: true, response },
      { status: 'accepted', invoiceId: 'inv_9', ...delivered, requestId: 'iad1::1' },
    ],
  ])('of %j', (reconciled, expected) => {
    expect(resultOf(reconciled)).toStrictEqual({ event: 'succeeded', attempts: 2, ...expected })
  })

  test('of a duplicate warns if its key was chosen', () => {
    const conflict = { duplicate: true as const, response: respond(409) }
    expect(resultOf(conflict)).not.toHaveProperty('message')
    expect(resultOf(conflict, 'skip', { ...invoice, externalId: 'chosen-1' }).message).toMatch(
      /^An invoice with this externalId exists, /,
    )
  })

  test.each([
    ['http_410', 'skip', { event: 'gone', status: 'gone' }],
    ['http_410', 'fail', { event: 'failed' }],
    ['http_404', 'skip', { event: 'failed' }],
  ] as const)('of %s with on-gone: %s', (code, onGone, expected) => {
    expect(resultOf({ failure: failed(code) }, onGone)).toStrictEqual({
      ...expected,
      code,
      message: 'No such installation',
      attempts: 2,
    })
  })

  test('of a failure is unknown if the request may have been processed', () => {
    expect(resultOf({ failure: failed('http_410'), outcomeUnknown: true }).event).toBe('unknown')
  })
})
