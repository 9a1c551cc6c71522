// What the sending of one record writes to the journal, and what it returns.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { OpenJournal } from '../../../src/batch/journal/open-journal.ts'
import { RefundHistory } from '../../../src/batch/journal/refund-history.ts'
import { recordKey } from '../../../src/batch/records/record.ts'
import type { PreviousOutcome } from '../../../src/batch/records/record-states.ts'
import { AdaptiveLimiter } from '../../../src/batch/sending/limiter.ts'
import { RecordSender, type RotationStore } from '../../../src/batch/sending/send-record.ts'
import type { OperationName } from '../../../src/operations/catalogue.ts'
import { fail, type Planned, plannedTransport, refuse, respond, WaitlessClock } from '../../delivery/planned.ts'
import { invoice, readOne, refund } from '../records.ts'

const identity = { id: 'r-1', digest: 'd-1' }
const oldToken = 'vct_token-1'

interface Case {
  readonly name?: OperationName
  readonly value?: object
  readonly plan?: readonly Planned[]
  readonly previous?: PreviousOutcome
  readonly externalId?: string
  /** Cancels the batch when this number of requests are sent. */
  readonly cancelAt?: number
  /** Cancels the batch while a record waits for its second attempt. */
  readonly cancelsWait?: boolean
  /** What the first flush of the journal throws. */
  readonly flushError?: Error
  /** Whether the writer has kept that error. */
  readonly isWriterFailure?: boolean
  readonly rotation?: RotationStore
  readonly wasSent?: boolean
}

async function send({
  name = 'submitInvoice',
  value = invoice,
  plan = [],
  previous = 'none',
  externalId = 'auto',
  cancelAt,
  cancelsWait = false,
  flushError,
  isWriterFailure = true,
  rotation,
  wasSent = true,
}: Case) {
  const { record, errors } = readOne(name, { id: 'r-1', token: oldToken, ...value }, { externalId })
  if (!record) throw new Error(errors.join())
  const clock = new WaitlessClock()
  clock.advance(1000)
  const abort = new AbortController()
  if (cancelsWait) Object.assign(clock, { sleep: async () => abort.abort() })
  const onSend = (count: number) => void (count === cancelAt && abort.abort())
  const { transport, sent } = plannedTransport(clock, plan, onSend)
  const common = { clock, random: () => 1, signal: abort.signal }
  const limiter = new AdaptiveLimiter({ ...common, concurrency: 1, maxWaitMs: 60_000, log: { info() {} } })
  const steps: unknown[] = []
  const flush = (step: string) => async () => {
    steps.push(step)
    if (flushError) throw flushError
  }
  const refunds = new RefundHistory()
  const journal = {
    writer: {
      failure: isWriterFailure ? flushError : undefined,
      append: (event: object) => void steps.push(event),
      flush: flush('flush'),
      flushAtEndOfTurn: flush('flush at end of turn'),
    },
    refunds,
    sent: new Map(wasSent ? [[recordKey(identity), { at: new Date(0), hadNewToken: false }]] : []),
  } as unknown as OpenJournal
  const sender = new RecordSender({
    ...common,
    limits: { maxAttempts: 2, attemptTimeoutMs: 1000, retryTimeoutMs: 60_000 },
    onDuplicate: 'succeed',
    onGone: 'fail',
    failsOnWarning: false,
    externalId,
    rotation,
    journal,
    extraSecrets: [],
    endpoint: { baseUrl: 'https://api.example', transport },
    limiter,
    abort: new AbortController().signal,
    debug: undefined,
  })
  await limiter.acquire()
  if (cancelAt === 0) abort.abort()
  const result = await sender.send(record, identity, previous)
  const isSlotFree = await Promise.race([limiter.acquire().then(() => true), nextTurn(false)])
  expect(isSlotFree).toBe(true)
  const methods = sent.map(({ request }) => request.method)
  const events = steps.map((step) => (typeof step === 'string' ? step : (step as { event: string }).event))
  return { result, outcome: result?.outcome, steps, events, methods, sent, refunds }
}

const named = { ...identity, line: 1, installation: 'icfg_1' }
const accepted: Planned = { ...respond(200, { invoiceId: 'inv_9' }, { 'content-type': 'application/json' }), ms: 100 }
const sentSteps = ['sent', 'flush']
const endAt = (event: string) => [event, 'flush at end of turn']

describe('an invoice', () => {
  test('is written before it is sent, and its outcome after', async () => {
    const { result, outcome, steps, events } = await send({ plan: [accepted] })
    expect(events).toEqual([...sentSteps, ...endAt('succeeded')])
    expect(outcome).toEqual({
      event: 'succeeded',
      ...named,
      status: 'accepted',
      invoiceId: 'inv_9',
      attempts: 1,
      httpStatus: 200,
      amount: '3.00',
      at: '2026-01-01T00:00:01.100Z',
      ms: 100,
    })
    expect(steps).toEqual([result?.sent, 'flush', outcome, 'flush at end of turn'])
  })

  test('that is throttled is not sent until it is sent again; the wait is not its time', async () => {
    const throttled: Planned = { ...respond(429, {}, { 'retry-after': '7' }), ms: 30 }
    const { outcome, events } = await send({ plan: [throttled, accepted] })
    expect(events).toEqual([...sentSteps, ...endAt('not_sent'), ...sentSteps, ...endAt('succeeded')])
    expect(outcome).toMatchObject({ attempts: 1, at: '2026-01-01T00:00:08.130Z', ms: 130 })
  })

  test('that is refused has no amount', async () => {
    const { outcome } = await send({ plan: [refuse(400, 'bad_request', 'No')] })
    expect(outcome).toMatchObject({ event: 'failed', code: 'bad_request', httpStatus: 400, ms: 0 })
    expect(outcome).not.toHaveProperty('amount')
  })

  test('whose response is lost is unknown', async () => {
    const { outcome } = await send({ externalId: 'none', plan: [fail('reset')] })
    expect(outcome).toMatchObject({ event: 'unknown', attempts: 1, ms: 0 })
  })

  test('of an earlier run is sent again if it has a key', async () => {
    const { result, outcome, events } = await send({ previous: 'unknown', plan: [accepted] })
    expect(events).toEqual([...sentSteps, ...endAt('succeeded')])
    expect(result?.sent).toMatchObject({ resumed: true })
    expect(outcome).toMatchObject({ event: 'succeeded', ms: 100 })
  })

  test('of an earlier run without a key is only looked up', async () => {
    const { result, outcome, events, methods } = await send({ previous: 'unknown', externalId: 'none' })
    expect({ events, methods, sent: result?.sent }).toEqual({ events: endAt('unknown'), methods: [], sent: undefined })
    expect(outcome).toMatchObject({ event: 'unknown', code: 'outcome_unknown' })
    expect(outcome).not.toHaveProperty('ms')
  })
})

describe('an error of the action', () => {
  test('while a request is sent leaves the record unknown', async () => {
    const { outcome, events } = await send({})
    expect(events).toEqual([...sentSteps, ...endAt('unknown')])
    expect(outcome?.message).toContain('request 1 was not expected')
    expect(outcome).not.toHaveProperty('ms')
  })

  test('before a request is sent fails the record, which gets its line', async () => {
    const { outcome, events } = await send({ name: 'updateInvoice', value: refund })
    expect(events).toEqual(['sent', ...endAt('failed')])
    expect(outcome?.message).toContain('request 1 was not expected')
  })

  test('while a record is looked up leaves it unknown, and it gets no line that it was sent', async () => {
    const { result, events } = await send({ previous: 'unknown', externalId: 'none', wasSent: false })
    expect(events).toEqual(endAt('unknown'))
    expect(result?.sent).toBeUndefined()
    expect(result?.outcome.message).toContain('the journal does not say when the record was sent')
  })

  test('that is not the failure of the journal fails the record', async () => {
    const { outcome, methods } = await send({ flushError: new Error('broken'), isWriterFailure: false })
    expect({ event: outcome?.event, methods }).toEqual({ event: 'failed', methods: [] })
  })
})

test('a record whose line cannot be written is not sent, and has no outcome', async () => {
  const { result, events, methods } = await send({ flushError: new Error('disk full') })
  expect({ result, events, methods }).toEqual({ result: undefined, events: sentSteps, methods: [] })
})

describe('a cancelled batch', () => {
  const unavailable: Planned = respond(503)

  test.each<[string, Case]>([
    ['an invoice', {}],
    ['an invoice of an earlier run', { previous: 'unknown' }],
    ['a refund', { name: 'updateInvoice', value: refund }],
  ])('sends nothing and writes nothing for %s', async (_, change) => {
    const { result, events, methods } = await send({ ...change, cancelAt: 0 })
    expect({ result, events, methods }).toEqual({ result: undefined, events: [], methods: [] })
  })

  test.each<PreviousOutcome>(['none', 'unknown'])(
    'writes that a request which may have arrived is unknown (before: %s)',
    async (previous) => {
      const { events, methods } = await send({ previous, plan: [unavailable], cancelAt: 1 })
      expect({ events, methods }).toEqual({ events: [...sentSteps, ...endAt('unknown')], methods: ['POST'] })
    },
  )

  test.each<PreviousOutcome>(['none', 'unknown'])(
    'writes that a request which may have arrived and waits for its next attempt is unknown (before: %s)',
    async (previous) => {
      const { outcome, events, methods } = await send({ previous, plan: [unavailable], cancelsWait: true })
      expect({ events, methods }).toEqual({ events: [...sentSteps, ...endAt('unknown')], methods: ['POST'] })
      expect(outcome?.code).toBe('cancelled')
    },
  )
})

test('a refund is sent after its invoice is read, and the journal keeps what the invoice showed', async () => {
  const paid = respond(200, { state: 'paid', total: '30.00', refundTotal: '0' })
  const { result, outcome, events, methods, refunds } = await send({
    name: 'updateInvoice',
    value: refund,
    plan: [paid, { ...respond(204), ms: 40 }],
  })
  expect({ events, methods }).toEqual({ events: [...sentSteps, ...endAt('succeeded')], methods: ['GET', 'POST'] })
  expect(result?.sent).toMatchObject({ invoiceId: 'inv_1', before: { state: 'paid', total: '30.00' } })
  expect(outcome).toMatchObject({ event: 'succeeded', status: 'accepted', amount: '1.00', ms: 40 })
  const params = { integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1' }
  expect(refunds.madeBefore(params)).toBeDefined()
  expect(refunds.hasUnknown(params)).toBe(false)
})

describe('a rotation', () => {
  const issued = 'vct_issued-token-1'
  const rotated = respond(200, { access_token: issued, token_type: 'Bearer' })
  const account = respond(200, { name: 'Acme' })
  const rotate = async (change: Case, { stored, storeError }: { stored?: string; storeError?: Error } = {}) => {
    const added: string[] = []
    const newTokens = {
      get: () => stored,
      add: async (installation: string, token: string) => {
        if (storeError) throw storeError
        added.push(`${installation}: ${token}`)
      },
    } as unknown as RotationStore['newTokens']
    const result = await send({
      name: 'rotateInstallationCredential',
      value: { integrationConfigurationId: 'icfg_1', clientId: 'oac_1', clientSecret: 'client-secret-1' },
      externalId: 'none',
      rotation: { newTokens, revokesPrevious: false },
      ...change,
    })
    return { ...result, added }
  }

  test('stores the new token after it is verified', async () => {
    const { outcome, added, sent } = await rotate({ plan: [rotated, account] })
    expect(outcome).toMatchObject({ event: 'succeeded', status: 'accepted' })
    expect(added).toEqual([`icfg_1: ${issued}`])
    expect(sent.map(({ request }) => request.headers.authorization)).toEqual([`Bearer ${oldToken}`, `Bearer ${issued}`])
  })

  test('fails if the new token is refused; nothing is stored or shown', async () => {
    const { outcome, added } = await rotate({ plan: [rotated, refuse(403, 'forbidden', `No ${issued}`)] })
    expect(outcome).toMatchObject({ event: 'failed', status: 'failed', code: 'forbidden' })
    expect(outcome?.message).toContain('The new token was issued, but could not be verified: ')
    expect(outcome?.message).toContain('No ***')
    expect(JSON.stringify(outcome)).not.toContain(issued)
    expect(added).toEqual([])
  })

  test('fails if the new token cannot be stored, and says what to do', async () => {
    const { outcome } = await rotate({ plan: [rotated, account] }, { storeError: new Error('disk full') })
    const hint =
      'Both tokens work, and nothing was revoked. The new token is kept in memory, and the next write of the file stores it. If the run ends without one, it is lost: let it expire. Once the file can be written, run the batch again, which rotates again'
    const what = 'The new token was verified, but could not be stored as a new token in new-tokens-file: disk full'
    expect(outcome).toMatchObject({
      event: 'failed',
      status: 'failed',
      code: 'store_failed',
      message: `${what}. ${hint}`,
      hint,
    })
  })

  test('is unknown after an error of the action', async () => {
    const { outcome } = await rotate({ plan: [rotated] })
    expect(outcome?.event).toBe('unknown')
    expect(outcome?.message).toContain('request 2 was not expected')
  })

  test('of an earlier run is completed if its token is stored', async () => {
    const { outcome, added, methods } = await rotate({ previous: 'unknown', plan: [account] }, { stored: issued })
    expect(outcome).toEqual({
      event: 'succeeded',
      ...named,
      status: 'accepted',
      message: 'An earlier run stored the new token in `new-tokens-file`, and this run verified it',
      at: '2026-01-01T00:00:01.000Z',
    })
    expect({ added, methods }).toEqual({ added: [`icfg_1: ${issued}`], methods: ['GET'] })
  })

  test('of an earlier run stays unknown if its stored token cannot be verified', async () => {
    const plan = [refuse(403, 'forbidden', 'No')]
    const { outcome } = await rotate({ previous: 'unknown', plan }, { stored: issued })
    expect(outcome).toMatchObject({ event: 'unknown', code: 'forbidden' })
    expect(outcome).not.toHaveProperty('status')
  })

  test('of an earlier run stays unknown if only the previous token is stored', async () => {
    const { outcome, methods } = await rotate({ previous: 'unknown' }, { stored: oldToken })
    expect({ code: outcome?.code, methods }).toEqual({ code: 'outcome_unknown', methods: [] })
  })
})
