// One delivery: what is sent, what is logged, and what its end says.

import { describe, expect, test } from 'vitest'
import { type DeliveryOptions, deliver } from '../../src/delivery/deliver.ts'
import { deliverAndReconcile } from '../../src/delivery/reconcile.ts'
import { failures } from '../../src/failure-register.ts'
import type { TransportFailure } from '../../src/http/transport-error.ts'
import { TransportError } from '../../src/http/transport-error.ts'
import type { OperationName } from '../../src/operations/catalogue.ts'
import { fail, type Planned, planDelivery, refuse, respond } from './planned.ts'
import { requestOf } from './requests.ts'

const ids = { integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1', resourceId: 'db-1' }

/** Delivers the request of an operation. */
async function send(
  name: OperationName,
  plan: readonly Planned[],
  change: Partial<DeliveryOptions> & { body?: object; onSend?: (count: number) => void } = {},
) {
  const { body = {}, ...options } = change
  const planned = planDelivery(await requestOf(name, ids, body), plan, options)
  return { ...(await deliver(planned.options)), ...planned }
}

/** A step that is cancelled when a request is under way. */
function cancelledDuring(request: number) {
  const controller = new AbortController()
  return { signal: controller.signal, onSend: (count: number) => count === request && controller.abort() }
}

const invoiceWithKey = { body: { externalId: 'our-7' } }
const tokens = { access_token: 'issued-token' }

test.each<[name: OperationName, answer: unknown, newConnection: boolean]>([
  ['getAccountInfo', {}, false],
  ['submitBillingData', {}, false],
  ['submitInvoice', { invoiceId: 'inv_1' }, false],
  ['updateInvoice', {}, true],
  ['rotateInstallationCredential', tokens, true],
  ['exchangeSsoToken', tokens, true],
])('%s opens a new connection only if a lost request cannot be repeated', async (name, answer, newConnection) => {
  const { sent, failure } = await send(name, [respond(200, answer)])
  expect(failure).toBeUndefined()
  expect(sent.map(({ options }) => options.newConnection)).toEqual([newConnection])
})

test('each attempt has its own time, and is cut only by `abort`', async () => {
  const { sent, options } = await send('getAccountInfo', [respond(503), respond(200, {})])
  expect(sent.map(({ options }) => [options.timeoutMs, options.signal])).toEqual([
    [1000, options.abort],
    [1000, options.abort],
  ])
})

test('the log has a line for each request and each answer', async () => {
  const plan: Planned[] = [
    Object.assign(fail('reset', 'the connection broke'), { ms: 70 }),
    { ...refuse(503, 'busy', 'Later', { 'x-vercel-id': 'fra1::a-1' }), ms: 1500 },
    { ...respond(200, {}), ms: 12 },
  ]
  const endpoint = (await planDelivery(await requestOf('getAccountInfo', ids), plan)).options.endpoint
  const { lines } = await send('getAccountInfo', plan)
  const line = '> GET https://api.example/v1/installations/icfg_1/account'
  expect(lines).toEqual([
    line,
    '< no response after 70 ms: the connection broke',
    'retrying in 500 ms (attempt 2 of 3): the connection broke',
    line,
    '< 503 in 1.5 s, request fra1::a-1',
    'retrying in 1 s (attempt 3 of 3): 503 busy: Later',
    line,
    '< 200 in 12 ms',
  ])
  const slash = planDelivery(await requestOf('getAccountInfo', ids), [respond(200, {})])
  await deliver({
    ...slash.options,
    endpoint: { ...endpoint, ...slash.options.endpoint, baseUrl: 'https://api.example/' },
  })
  expect(slash.lines[0]).toBe(line)
})

test('an error that is not of the transport is not taken for a lost response', async () => {
  await expect(send('getAccountInfo', [new Error('a bug') as TransportError])).rejects.toThrow('a bug')
})

describe('retry-timeout', () => {
  test('ends a wait that would be longer at once, and says when to run the step again', async () => {
    const { failure, attempts, waits } = await send('getAccountInfo', [
      { ...refuse(429, 'rate_limited', 'Slow down', { 'retry-after': '90' }), ms: 250 },
    ])
    expect({ attempts, waits }).toEqual({ attempts: 1, waits: [] })
    expect(failure?.hint).toMatch(
      /^Nothing was done\. The next attempt could start in 1 min 30 s, which is beyond retry-timeout \(1 min\): run the step again at 2026-01-01T00:01:30Z, or raise retry-timeout/,
    )
  })

  test('is not mentioned if the attempts are used up', async () => {
    const { failure } = await send('getAccountInfo', [respond(503), respond(503), respond(503)])
    expect(failure?.hint).not.toContain('retry-timeout')
  })
})

describe('a step that is cancelled', () => {
  test('during a request that gets its answer is not told that it was cancelled', async () => {
    const { failure } = await send('getAccountInfo', [respond(200, {})], cancelledDuring(1))
    expect(failure).toBeUndefined()
  })

  test('during a request that is refused says why it was refused', async () => {
    const { failure } = await send('getAccountInfo', [refuse(403, 'forbidden', 'No')], cancelledDuring(1))
    expect(failure).toMatchObject({ code: 'http_403', message: expect.stringContaining('forbidden: No') })
    expect(failure?.hint).not.toContain('cancelled')
  })

  test('during a request without an answer says that it was cancelled', async () => {
    const { failure, attempts } = await send('getAccountInfo', [respond(503)], cancelledDuring(1))
    expect(attempts).toBe(1)
    expect(failure).toMatchObject({ code: 'http_503', hint: expect.stringContaining('The step was cancelled') })
  })

  test('during a wait says that it was cancelled, and keeps that the outcome is unknown', async () => {
    const controller = new AbortController()
    const { options, sent } = planDelivery(await requestOf('submitInvoice', ids, invoiceWithKey.body), [fail('reset')])
    const sleep = async () => controller.abort()
    const result = await deliver({ ...options, clock: { ...options.clock, sleep }, signal: controller.signal })
    expect(sent).toHaveLength(1)
    expect(result).toMatchObject({ attempts: 1, outcomeUnknown: true })
    expect(result.failure).toMatchObject({
      code: 'cancelled',
      message: 'submitInvoice was not sent again: cancelled while waiting',
    })
    expect(result.failure?.hint).toMatch(/^The outcome is unknown: an earlier attempt may have arrived\..*The step was/)
  })

  test('during the wait after a 429 has done nothing', async () => {
    const controller = new AbortController()
    const { options } = planDelivery(await requestOf('submitInvoice', ids, invoiceWithKey.body), [respond(429)])
    const sleep = async () => controller.abort()
    const result = await deliver({ ...options, clock: { ...options.clock, sleep }, signal: controller.signal })
    expect(result.outcomeUnknown).toBe(false)
    expect(result.failure).toMatchObject({
      code: 'cancelled',
      message: 'submitInvoice was not sent: cancelled while waiting',
      hint: 'Nothing was done. The step was cancelled',
    })
  })
})

test('if a batch stops before the repetition, the failure is that of the attempt whose outcome is unknown', async () => {
  const stopped = new TransportError('cancelled', 'the batch was cancelled', { mayHaveArrived: false })
  const { failure, outcomeUnknown, attempts } = await send('submitInvoice', [fail('timeout', 'no answer'), stopped], {
    ...invoiceWithKey,
  })
  expect({ outcomeUnknown, attempts }).toEqual({ outcomeUnknown: true, attempts: 2 })
  expect(failure?.code).toBe('timeout')
  expect(failure?.message).toBe(
    'submitInvoice got no answer: no answer; it was not sent again: the batch was cancelled',
  )
  expect(failure?.hint).toContain('The outcome is unknown: it may have arrived')
})

describe('an attempt of an earlier run', () => {
  const conflict = refuse(409, 'conflict', 'An invoice with this externalId already exists')

  test('may have arrived, which a conflict proves', async () => {
    expect(await send('submitInvoice', [conflict], { ...invoiceWithKey, resumed: true })).toMatchObject({
      arrivedEarlier: true,
      attempts: 1,
    })
    expect((await send('submitInvoice', [conflict], invoiceWithKey)).arrivedEarlier).toBeUndefined()
  })

  test('leaves the outcome unknown if this one is refused for another reason', async () => {
    const { failure, outcomeUnknown } = await send('submitInvoice', [refuse(403, 'forbidden', 'No')], {
      ...invoiceWithKey,
      resumed: true,
    })
    expect(outcomeUnknown).toBe(true)
    expect(failure?.hint).toMatch(/^The outcome is unknown: an earlier attempt may have arrived/)
  })
})

describe('what the failure of an exchange says', () => {
  test.each<[failure: TransportFailure, code: string, message: string]>([
    ['connect', 'unopened', 'getAccountInfo got no answer: why'],
    ['timeout', 'timeout', 'getAccountInfo got no answer: why'],
    ['reset', 'broken', 'getAccountInfo got no answer: why'],
    ['protocol', 'garbage', 'getAccountInfo got no answer: why'],
    ['cancelled', 'cancelled', 'getAccountInfo got no answer: why'],
    ['throttled', 'throttled', 'getAccountInfo was not accepted: why'],
  ])('%s', async (kind, code, message) => {
    const error = fail(kind, 'why')
    const { failure } = await send('getAccountInfo', [error, error, error])
    expect(failure).toMatchObject({ code, message, cause: error })
  })

  test('a rate limit that lasts too long says until when', async () => {
    const until = new Date('2026-01-01T00:10:00.500Z')
    const error = new TransportError('throttled', 'too long', { mayHaveArrived: false, until })
    const { failure, attempts } = await send('submitInvoice', [error], invoiceWithKey)
    expect(attempts).toBe(1)
    expect(failure?.hint).toBe('Nothing was done. Run again after 2026-01-01 00:10:01 UTC, or raise retry-timeout')
  })
})

describe('what is known of the effect', () => {
  const lost = fail('reset')
  const lostThrice = [lost, lost, lost]

  test.each<[what: string, name: OperationName, plan: Planned[], code: string, hint: RegExp]>([
    ['a reading', 'getAccountInfo', lostThrice, 'broken', /^No usable answer came\. Reading changes nothing: run the/],
    [
      'an idempotent request',
      'submitBillingData',
      lostThrice,
      'broken',
      /^The outcome is unknown: it may have arrived\. Run the step again: repeating it does no harm$/,
    ],
    [
      'a request that is unsafe to repeat',
      'rotateInstallationCredential',
      [lost],
      'outcome_unknown',
      /^The outcome is unknown: it may have arrived\. /,
    ],
    [
      'a connection that did not open',
      'submitBillingData',
      [1, 2, 3].map(() => fail('connect')),
      'unopened',
      /^Nothing/,
    ],
    [
      'an unsafe request that Vercel answers with a code',
      'rotateInstallationCredential',
      [refuse(500, 'internal', 'boom')],
      'http_500',
      /^The outcome is unknown: it may have arrived\. /,
    ],
    [
      'an unsafe request that is answered without a code',
      'rotateInstallationCredential',
      [respond(500)],
      'outcome_unknown',
      /^The outcome is unknown: it may have arrived\. /,
    ],
    ['an unsafe request that is refused', 'rotateInstallationCredential', [respond(400)], 'http_400', /^(?!.*unknown)/],
  ])('%s', async (_, name, plan, code, hint) => {
    const { failure } = await send(name, plan)
    expect(failure?.code).toBe(code)
    expect(failure?.hint ?? '').toMatch(hint)
  })

  test.each<[name: OperationName, body: object]>([
    ['rotateInstallationCredential', {}],
    ['submitInvoice', {}],
    ['submitInvoice', { externalId: 'our-7' }],
  ])('what to do about an unknown outcome of %s is what the operation says', async (name, body) => {
    const { failure, options } = await send(name, [lost, lost, lost], { body })
    const { operation, params, body: sent = {} } = options.request
    const advice = operation.retry === 'idempotent' ? '' : operation.unknownOutcomeAdvice({ params, body: sent })
    expect(advice).not.toBe('')
    expect(failure?.hint).toContain(`may have arrived. ${advice}`)
  })

  test('a refusal after an attempt of an earlier run keeps its code', async () => {
    const { failure, outcomeUnknown } = await send('rotateInstallationCredential', [respond(400)], { resumed: true })
    expect({ code: failure?.code, outcomeUnknown }).toEqual({ code: 'http_400', outcomeUnknown: true })
  })

  test('an unsafe request whose connection did not open was not sent', async () => {
    const plan = [fail('connect'), fail('connect'), fail('connect')]
    const { failure, outcomeUnknown, attempts } = await send('rotateInstallationCredential', plan)
    expect({ code: failure?.code, outcomeUnknown, attempts }).toEqual({
      code: 'unopened',
      outcomeUnknown: false,
      attempts: 3,
    })
  })

  test('a revocation that says that it did not revoke has failed, and is no riddle', async () => {
    const { failure, outcomeUnknown } = await send('revokeInstallationCredential', [respond(200, { revoked: false })])
    expect(failure).toMatchObject({
      code: 'not_revoked',
      diagnostics: [],
      hint: expect.stringMatching(/^Run revoke.* again/),
    })
    expect(outcomeUnknown).toBe(false)
  })

  test('an attempt that was lost, after which no connection opens, may have arrived', async () => {
    const { failure, outcomeUnknown } = await send('submitBillingData', [lost, fail('connect'), fail('connect')])
    expect(outcomeUnknown).toBe(true)
    expect(failure).toMatchObject({ code: 'unopened', hint: expect.stringMatching(/an earlier attempt may have/) })
  })
})

describe('what an unsuccessful answer says', () => {
  const id = { 'x-vercel-id': 'fra1::a-1' }

  test.each<[what: string, answer: Planned, message: string, hint: string | undefined]>([
    [
      'a refusal',
      refuse(400, 'bad_request', 'No name', id),
      'Vercel refused createEvent with 400 bad_request: No name (request fra1::a-1)',
      undefined,
    ],
    ['a refusal without a body', respond(400), 'Vercel refused createEvent with 400', undefined],
    [
      'a page',
      respond(403, '<html>', id),
      'createEvent was answered with 403 and an HTML page instead of JSON, probably from a proxy between the runner and Vercel (request fra1::a-1)',
      'Check `api-url`, and the proxy or firewall',
    ],
    [
      'a redirect',
      respond(308, '', { location: 'https://www.example.com/v1/x?token=a' }),
      'Vercel redirected createEvent with 308',
      'Redirects are not followed, because the token would be sent along (it points to https://www.example.com): set `api-url` to the API itself',
    ],
    [
      'a redirect to a path',
      respond(302, '', { location: '/v2/x' }),
      'Vercel redirected createEvent with 302',
      'Redirects are not followed, because the token would be sent along (it points to another path): set `api-url` to the API itself',
    ],
    [
      'a redirect with an error',
      refuse(300, 'moved', 'Elsewhere'),
      'Vercel redirected createEvent with 300 moved: Elsewhere',
      'Redirects are not followed, because the token would be sent along: set `api-url` to the API itself',
    ],
    [
      'a redirect to nowhere',
      respond(300),
      'Vercel redirected createEvent with 300',
      'Redirects are not followed, because the token would be sent along: set `api-url` to the API itself',
    ],
    ['a status that HTTP does not have', respond(99), 'Vercel refused createEvent with 99', failures.http_5xx.remedy],
  ])('%s', async (_, answer, message, hint) => {
    const { failure } = await send('createEvent', [answer])
    expect(failure?.message).toBe(message)
    expect(failure?.hint).toBe(hint)
  })

  test.each<[what: string, answer: Planned, message: string]>([
    [
      'a page',
      respond(200, '<html>', id),
      'createEvent was answered with 200 and an HTML page instead of JSON, probably from a proxy between the runner and Vercel (request fra1::a-1)',
    ],
    [
      'a page without an id',
      respond(200, '<html>'),
      'createEvent was answered with 200 and an HTML page instead of JSON, probably from a proxy between the runner and Vercel',
    ],
    [
      'an error',
      respond(200, { error: { code: 'oops', message: 'No' } }, id),
      'createEvent was answered with 200 oops and an error in the body: No (request fra1::a-1)',
    ],
    [
      'an error without a code',
      respond(200, { error: 'Not now' }, id),
      'createEvent was answered with 200 and an error in the body: Not now (request fra1::a-1)',
    ],
  ])('%s with a 2xx', async (_, answer, message) => {
    const { failure } = await send('createEvent', [answer, answer, answer])
    expect(failure?.message).toBe(message)
    expect(failure?.hint).toMatch(/^The outcome is unknown: it may have arrived\. Run the step again/)
  })

  test('an operation without a token says what to check instead', async () => {
    for (const [status, hint] of [
      [401, 'Check clientId and clientSecret: they must be those of the integration'],
      [403, 'Check clientId and clientSecret: they must be those of the integration'],
      [400, undefined],
    ] as const) {
      const { failure } = await send('exchangeSsoToken', [respond(status)])
      expect(failure?.hint).toBe(hint)
    }
  })

  test.each([
    [407, 'refused createEvent with 407', 'Check the user and password in HTTP_PROXY'],
    [502, 'answered 502 to createEvent', 'Check HTTP_PROXY'],
    [503, 'answered 503 to createEvent', 'Check HTTP_PROXY'],
    [504, 'answered 504 to createEvent', 'Check HTTP_PROXY'],
  ])('%i may be of a proxy, which is named', async (status, said, hint) => {
    const proxy = { address: 'proxy.example:3128', variable: 'HTTP_PROXY' }
    const answer = { ...respond(status), proxy }
    const { failure } = await send('createEvent', [answer, answer, answer])
    expect(failure?.message).toBe(`The proxy proxy.example:3128, or Vercel behind it, ${said}`)
    expect(failure?.hint?.endsWith(hint)).toBe(true)
  })

  test('a 401 and a 403 say which token is wanted, a 404 what the register says', async () => {
    for (const status of [401, 403]) {
      expect((await send('getAccountInfo', [respond(status)])).failure?.hint).toContain('credentials.access_token')
    }
    const { failure } = await send('getAccountInfo', [respond(404)])
    expect(failure?.hint).toBeDefined()
    expect(failure?.hint).not.toContain('credentials.access_token')
  })

  test('Vercel’s own code is kept', async () => {
    expect((await send('getAccountInfo', [refuse(404, 'gone', 'x')])).failure?.errorCode).toBe('gone')
    expect((await send('getAccountInfo', [respond(404)])).failure?.errorCode).toBe('http_404')
  })
})

describe('an invoice that exists', () => {
  const conflict = refuse(409, 'conflict', 'An invoice with this externalId already exists')
  const reconcile = async (plan: readonly Planned[], change: Partial<DeliveryOptions> = {}, body: object = {}) => {
    const planned = planDelivery(
      await requestOf('submitInvoice', ids, { externalId: 'our-"7"', ...body }),
      plan,
      change,
    )
    return { ...planned, ...(await deliverAndReconcile(planned.options, 'fail')) }
  }

  test('is named by its key, as is what to set', async () => {
    const { failure, duplicate } = await reconcile([conflict])
    expect(duplicate).toBeUndefined()
    expect(failure?.hint).toBe(
      'An invoice with the externalId "our-\\"7\\"" was submitted before, and nothing was billed now. If that is expected, as in a re-run, set `on-duplicate: succeed`',
    )
    expect((await reconcile([conflict], {}, { externalId: undefined })).failure?.hint).toMatch(/^The invoice was sub/)
  })

  test('after a lost response is told in the log', async () => {
    const { duplicate, arrivedEarlier, lines } = await reconcile([fail('reset'), conflict])
    expect({ duplicate, arrivedEarlier }).toEqual({ duplicate: true, arrivedEarlier: true })
    expect(lines.at(-1)).toBe('the invoice exists: an earlier attempt, whose response was lost, had arrived')
  })

  test('is a word of invoices: a finalization that arrived earlier is not called one', async () => {
    const request = await requestOf('finalizeInstallation', ids)
    const { options, lines } = planDelivery(request, [fail('reset'), refuse(403, 'forbidden', 'Not authorized')])
    const result = await deliverAndReconcile(options, 'fail')
    expect(result).toMatchObject({ arrivedEarlier: true, attempts: 2 })
    expect('duplicate' in result).toBe(false)
    expect(lines.join()).not.toContain('invoice')
  })

  test('is not told of an invoice without an answer', async () => {
    const { failure, outcomeUnknown } = await reconcile([fail('reset'), fail('reset'), fail('reset')])
    expect({ code: failure?.code, outcomeUnknown }).toEqual({ code: 'broken', outcomeUnknown: true })
  })

  test('is not told of another refusal', async () => {
    const { failure } = await reconcile([refuse(403, 'forbidden', 'An invoice with this externalId already exists')])
    expect(failure?.hint).not.toContain('submitted before')
  })
})
