// What an attempt means for the next one, case by case.

import { describe, expect, test } from 'vitest'
import { backoff, requestedWait } from '../../src/delivery/backoff.ts'
import { provesArrival } from '../../src/delivery/error-response.ts'
import { foreignBody, shouldRetry, verdictOf } from '../../src/delivery/verdict.ts'
import { fail, refuse, respond } from './planned.ts'
import { requestOf } from './requests.ts'

test.each([
  // Node lets a status below 100 pass.
  [99, 'rejected'],
  [200, 'succeeded'],
  [204, 'succeeded'],
  [299, 'succeeded'],
  [300, 'rejected'],
  [400, 'rejected'],
  [407, 'rejected'],
  [408, 'unknown'],
  [409, 'rejected'],
  [428, 'rejected'],
  [429, 'not-processed'],
  [499, 'rejected'],
  [500, 'unknown'],
  [501, 'unknown'],
  [505, 'unknown'],
])('%i is %s', (status, verdict) => {
  expect(verdictOf({ response: respond(status) })).toBe(verdict)
})

test('without an answer it matters whether the request can have arrived', () => {
  expect(verdictOf({ error: fail('connect') })).toBe('not-processed')
  expect(verdictOf({ error: fail('reset') })).toBe('unknown')
})

describe('a 2xx is not an answer of the API if it is', () => {
  test.each([
    ['a page', '<html>', 'an HTML page instead of JSON, probably from a proxy between the runner and Vercel'],
    ['an object with an error', ' {"error":{"code":"x"}}', 'an error in the body'],
    ['an object with an error that is text', '\n{"a":1,"error":"x"}', 'an error in the body'],
    ['an object with an error that is false', '{"error":false}', 'an error in the body'],
  ])('%s', (_, text, reason) => {
    expect(foreignBody(respond(200, text))).toBe(reason)
    expect(verdictOf({ response: respond(200, text) })).toBe('unknown')
  })

  test.each(['{"error":null}', '{"a":{"error":1}}', '[{"error":1}]', '"error"', '{"error":', '{}', '', 'an "error"'])(
    'and not if it is %j',
    (text) => {
      expect(foreignBody(respond(200, text))).toBeUndefined()
      expect(verdictOf({ response: respond(200, text) })).toBe('succeeded')
    },
  )
})

describe('a request is sent again', () => {
  test('after an ambiguous failure that passes by itself, if that is safe', async () => {
    const [safe, unsafe] = [await requestOf('submitBillingData'), await requestOf('updateInvoice')]
    for (const status of [500, 502, 503, 504]) {
      expect(shouldRetry(safe, { response: respond(status) }), `${status}`).toBe(true)
      expect(shouldRetry(unsafe, { response: respond(status) }), `${status}`).toBe(false)
    }
    for (const status of [200, 300, 400, 408, 409, 501, 505]) {
      expect(shouldRetry(safe, { response: respond(status) }), `${status}`).toBe(false)
    }
    expect(shouldRetry(safe, { response: respond(200, '<html>') })).toBe(true)
    expect(shouldRetry(unsafe, { response: respond(200, '<html>') })).toBe(false)
  })

  test('if it was not processed, whatever it is', async () => {
    const unsafe = await requestOf('updateInvoice')
    expect(shouldRetry(unsafe, { response: respond(429) })).toBe(true)
    expect(shouldRetry(unsafe, { error: fail('connect') })).toBe(true)
    expect(shouldRetry(unsafe, { error: fail('reset') })).toBe(false)
  })

  test('but not once the action stops, or a rate limit lasts too long', async () => {
    const safe = await requestOf('submitBillingData')
    for (const failure of ['cancelled', 'throttled'] as const) {
      expect(shouldRetry(safe, { error: fail(failure) })).toBe(false)
    }
    for (const failure of ['timeout', 'reset', 'protocol'] as const) {
      expect(shouldRetry(safe, { error: fail(failure) })).toBe(true)
    }
  })

  test('with a key only if Vercel can recognize it', async () => {
    const withKey = await requestOf('submitInvoice', {}, { externalId: 'our-7' })
    const without = await requestOf('submitInvoice', {}, { externalId: undefined })
    expect(shouldRetry(withKey, { error: fail('reset') })).toBe(true)
    expect(shouldRetry(without, { error: fail('reset') })).toBe(false)
  })
})

test('the code and the message of a conflict are read as words', async () => {
  const invoice = await requestOf('submitInvoice')
  const isProof = (code: string, message: string) => provesArrival(invoice, refuse(409, code, message))
  expect(isProof('invoice_exists', 'already')).toBe(true)
  expect(isProof('duplicate', '')).toBe(true)
  expect(isProof('already_in_use', '')).toBe(true)
  expect(isProof('', 'It exists already')).toBe(true)
  expect(isProof('conflict', 'Try again')).toBe(false)
  expect(provesArrival(await requestOf('getInvoice'), refuse(409, 'duplicate', ''))).toBe(false)
})

describe('the delay that a server asks for', () => {
  const now = new Date('2026-01-01T00:00:00Z')
  const day = 24 * 60 * 60
  const wait = (headers: Record<string, string>, status = 429) => requestedWait(respond(status, '', headers), now)

  test.each<[headers: Record<string, string>, ms: number | undefined]>([
    [{}, undefined],
    [{ 'retry-after': '1.25' }, 1250],
    [{ 'retry-after': '0' }, undefined],
    [{ 'retry-after': '12 s' }, undefined],
    [{ 'retry-after': 'in 12' }, undefined],
    [{ 'retry-after': String(366 * day) }, 366 * day * 1000],
    [{ 'retry-after': String(366 * day + 1) }, undefined],
    [{ 'x-ratelimit-reset': '1767225630.25' }, 30_250],
    [{ 'x-ratelimit-reset': '1767225630 s' }, undefined],
    [{ 'x-ratelimit-reset': 'at 1767225630' }, undefined],
    [{ 'retry-after': '0.0001' }, 1],
    [{ 'x-ratelimit-reset': '1767225630', date: 'nonsense' }, 30_000],
    [{ 'x-ratelimit-reset': '1767225630', date: 'Thu, 01 Jan 2026 00:00:10 GMT' }, 20_000],
  ])('%j', (headers, ms) => {
    expect(wait(headers)).toBe(ms)
  })

  test('is that of Retry-After with any status', () => {
    expect(wait({ 'retry-after': '5', 'x-ratelimit-reset': '1767225630' }, 503)).toBe(5000)
  })

  test('is drawn by lot if it asks for none', () => {
    expect([0, 0.5, 1].map((random) => backoff(2, random))).toEqual([0, 500, 1000])
  })
})
