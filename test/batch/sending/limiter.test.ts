// The limiter, on a clock whose time passes only when nothing else is left to do.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AdaptiveLimiter } from '../../../src/batch/sending/limiter.ts'
import { shouldRetry } from '../../../src/delivery/verdict.ts'
import type { HttpRequest, HttpResponse, Transport } from '../../../src/http/transport.ts'
import { TransportError } from '../../../src/http/transport-error.ts'
import { findOperation } from '../../../src/operations/catalogue.ts'
import type { MarketplaceRequest } from '../../../src/operations/request.ts'
import { TestClock } from '../test-clock.ts'

interface PlannedResponse {
  /** 0 breaks the connection. */
  readonly status: number
  readonly headers?: Record<string, string>
  /** How long the request takes. */
  readonly ms?: number
}

const request: HttpRequest = { method: 'POST', url: new URL('https://api.vercel.com/'), headers: {} }
const ok: PlannedResponse = { status: 200, ms: 100 }
const throttled = (headers: Record<string, string> = {}): PlannedResponse => ({ status: 429, headers, ms: 100 })

/** A server that sends planned responses, and a limiter in front of it. */
function start({
  responses = () => ok,
  concurrency = 4,
  maxThrottledMs = 300_000,
  random = () => 1,
  clock = new TestClock(),
}: {
  /** The response to each request, by the record's name and the number of the request, from 1. */
  responses?: (name: string, number: number) => PlannedResponse
  concurrency?: number
  maxThrottledMs?: number
  random?: () => number
  clock?: TestClock
} = {}) {
  const abort = new AbortController()
  const lines: string[] = []
  const log = { info: (line: string) => void lines.push(line) }
  const limiter = new AdaptiveLimiter({
    concurrency,
    maxThrottledMs,
    clock,
    random,
    signal: abort.signal,
    log,
  })
  const requests: { name: string; at: number }[] = []
  let inFlight = 0
  let maxInFlight = 0
  const transportOf = (name: string): Transport => ({
    async send(): Promise<HttpResponse> {
      requests.push({ name, at: clock.monotonic() })
      maxInFlight = Math.max(maxInFlight, ++inFlight)
      const { status, headers = {}, ms = 100 } = responses(name, requests.length)
      await clock.sleep(ms)
      inFlight--
      if (status === 0) throw new Error('broken')
      return { status, headers, text: '' }
    },
    close() {},
  })
  async function runRecord(name: string, requestCount: number) {
    const slot = { acquired: true, waitedMs: 0 }
    const transport = limiter.transport(transportOf(name), slot)
    const statuses: number[] = []
    for (let count = 0; count < requestCount; count++) {
      const response = await transport.send(request, { timeoutMs: 1000 }).catch(() => ({ status: 0 }))
      statuses.push(response.status)
    }
    return { statuses, waitedMs: slot.waitedMs }
  }
  /** Runs records. As in a schedule, each waits for its slot after the previous one has acquired its own. */
  async function runRecords(names: readonly string[], requestCounts: readonly number[] = []) {
    const running: ReturnType<typeof runRecord>[] = []
    for (const [index, name] of names.entries()) {
      await limiter.acquire()
      running.push(runRecord(name, requestCounts[index] ?? 1))
    }
    return Promise.all(running)
  }
  return { clock, abort, limiter, lines, requests, runRecords, transportOf, maxInFlight: () => maxInFlight }
}

const names = (count: number) => Array.from({ length: count }, (_, number) => `r-${number}`)

test('as many requests are in flight as allowed, and never more', async () => {
  const { clock, runRecords, maxInFlight, requests } = start({ concurrency: 3 })
  await clock.run(runRecords(names(10)))
  expect(maxInFlight()).toBe(3)
  expect(requests.map(({ at }) => at)).toEqual([0, 0, 0, 100, 100, 100, 200, 200, 200, 300])
})

describe('a 429', () => {
  /** Nine seconds after the start. */
  const resetAfter9s = String(Date.UTC(2025, 2, 15) / 1000 + 9)
  test.each<[string, Record<string, string>, number]>([
    ['Retry-After', { 'retry-after': '7' }, 7000],
    ['X-RateLimit-Reset', { 'x-ratelimit-reset': resetAfter9s }, 8900],
    ['the later of both', { 'retry-after': '3', 'x-ratelimit-reset': resetAfter9s }, 8900],
    ['backoff without a header', {}, 500],
  ])('pauses all requests until the time that Vercel asks for: %s', async (_, headers, wait) => {
    const { clock, runRecords, requests } = start({
      responses: (_, number) => (number === 1 ? throttled(headers) : ok),
    })
    const done = runRecords(names(12))
    await clock.run(done)
    expect(requests.filter(({ at }) => at > 0 && at < 100 + wait)).toEqual([])
    expect(Math.min(...requests.filter(({ at }) => at > 0).map(({ at }) => at))).toBe(100 + wait)
    // No record fails.
    expect((await done).flatMap(({ statuses }) => statuses)).toEqual(names(12).map(() => 200))
  })

  test('during a pause extends the pause and never shortens it', async () => {
    const responses = (_: string, number: number) =>
      [throttled({ 'retry-after': '10' }), { ...throttled({ 'retry-after': '20' }), ms: 200 }][number - 1] ??
      (number === 3 ? { ...throttled({ 'retry-after': '1' }), ms: 300 } : ok)
    const { clock, runRecords, requests } = start({ responses })
    await clock.run(runRecords(names(8)))
    expect(Math.min(...requests.slice(4).map(({ at }) => at))).toBe(20_200)
  })

  test('ends its pause also if the clock moves between two readings and the timer fires early', async () => {
    const { clock, runRecords } = start({
      clock: new TestClock({ msPerReading: 0.7, timersFireEarlyMs: 1 }),
      responses: (_, number) => (number === 1 ? throttled({ 'retry-after': '1' }) : ok),
    })
    const done = runRecords(names(3))
    await clock.run(done)
    expect((await done).flatMap(({ statuses }) => statuses)).toEqual([200, 200, 200])
  })

  test('adds its pause to the waiting time of the slot', async () => {
    const { clock, runRecords } = start({
      responses: (_, number) => (number === 1 ? throttled({ 'retry-after': '7' }) : ok),
    })
    const done = runRecords(['a'])
    await clock.run(done)
    expect(await done).toEqual([{ statuses: [200], waitedMs: 7000 }])
  })

  test('halves the limit, once for all 429s of one moment, and the limit recovers', async () => {
    let isThrottled = true
    const { clock, runRecords, limiter } = start({
      concurrency: 8,
      responses: () => (isThrottled ? throttled({ 'retry-after': '1' }) : ok),
    })
    const done = runRecords(names(200))
    await clock.run(150)
    expect(limiter.limit).toBe(4)
    await clock.run(1250)
    expect(limiter.limit).toBe(2)
    await clock.run(10_000)
    expect(limiter.limit).toBe(1)
    isThrottled = false
    await clock.run(done)
    expect(limiter.limit).toBe(8)
  })

  test('is logged, but not every time', async () => {
    const { clock, runRecords, lines } = start({
      responses: (_, number) => (number < 20 ? throttled({ 'retry-after': '3' }) : ok),
      concurrency: 1,
    })
    await clock.run(runRecords(names(2)))
    expect(lines.length).toBeGreaterThan(1)
    expect(lines.length).toBeLessThanOrEqual(7)
    expect(lines[0]).toBe('Vercel throttles (429): all requests wait for 3 s')
  })

  test.each([5, 6, 7, 8])(
    'among four responses of one moment pauses the requests that are about to be sent: number %i',
    async (which) => {
      const responses = (_: string, number: number) => (number === which ? throttled({ 'retry-after': '7' }) : ok)
      const { clock, requests, runRecords } = start({ responses })
      await clock.run(runRecords(names(6), [4, 4, 4, 4, 4, 4]))
      expect(requests.filter(({ at }) => at > 100 && at < 7200)).toEqual([])
    },
  )
})

test('a throttled request is retried before new records start', async () => {
  const responses = (_: string, number: number) => (number <= 2 ? throttled({ 'retry-after': '1' }) : ok)
  const { clock, runRecords, requests } = start({ responses, concurrency: 2 })
  await clock.run(runRecords(names(4)))
  expect(requests.map(({ name }) => name)).toEqual(['r-0', 'r-1', 'r-0', 'r-1', 'r-2', 'r-3'])
})

test('a slot is released after a broken connection', async () => {
  const { clock, runRecords } = start({ concurrency: 1, responses: (_, number) => (number < 3 ? { status: 0 } : ok) })
  const done = runRecords(names(4))
  await clock.run(done)
  expect((await done).flatMap(({ statuses }) => statuses)).toEqual([0, 0, 200, 200])
})

describe('the limiter gives up', () => {
  test('when Vercel asks for a longer wait than allowed: nothing more is sent, and all waits end', async () => {
    const { clock, limiter, runRecords, requests } = start({
      maxThrottledMs: 60_000,
      responses: (name) => (name === 'r-0' ? throttled({ 'retry-after': '61' }) : throttled({ 'retry-after': '30' })),
      concurrency: 2,
    })
    const done = runRecords(['r-1', 'r-0', 'r-2'], [2, 2])
    await clock.run(done)
    expect(limiter.hasGivenUp).toBe(true)
    expect(limiter.throttledUntil).toEqual(new Date(Date.UTC(2025, 2, 15) + 100 + 61_000))
    // The 429 is returned; waiting requests fail without being sent.
    expect((await done).map(({ statuses }) => statuses)).toEqual([[0, 0], [429, 0], [0]])
    expect(clock.monotonic()).toBe(100)
    expect(requests).toHaveLength(2)
    // A pending timer would keep the process alive.
    expect(clock.sleepers).toBe(0)
  })

  test('and a request that was not sent is not retried', () => {
    const error = new TransportError('throttled', '', { mayHaveArrived: false })
    expect(shouldRetry({ operation: findOperation('getInvoice') } as MarketplaceRequest, { error })).toBe(false)
  })

  test('when it has been throttled for too long, although each wait is short', async () => {
    const { clock, limiter, runRecords } = start({
      maxThrottledMs: 60_000,
      responses: () => throttled({ 'retry-after': '10' }),
    })
    await clock.run(runRecords(['a']))
    expect(limiter.hasGivenUp).toBe(true)
    expect(clock.monotonic()).toBeGreaterThan(40_000)
    expect(clock.monotonic()).toBeLessThanOrEqual(60_100)
  })

  test('unless requests succeed in between', async () => {
    const responses = (_: string, number: number) => (number % 2 ? throttled({ 'retry-after': '40' }) : ok)
    const { clock, limiter, runRecords } = start({ maxThrottledMs: 60_000, responses, concurrency: 1 })
    await clock.run(runRecords(names(10)))
    expect(limiter.hasGivenUp).toBe(false)
    expect(limiter.throttledUntil).toBeUndefined()
  })
})

describe('a cancelled batch', () => {
  test('ends all waits, and sends nothing more', async () => {
    const { clock, abort, runRecords, requests } = start({
      responses: () => throttled({ 'retry-after': '100' }),
      concurrency: 2,
    })
    const done = runRecords(names(4))
    await clock.run(1000)
    abort.abort()
    await clock.run(done)
    expect(clock.monotonic()).toBe(1000)
    expect(requests).toHaveLength(2)
    expect((await done).flatMap(({ statuses }) => statuses)).toEqual([0, 0, 0, 0])
    expect(clock.sleepers).toBe(0)
  })

  test('reports that an unsent request cannot have arrived', async () => {
    const { abort, limiter, transportOf } = start()
    abort.abort()
    const slot = { acquired: false, waitedMs: 0 }
    const sending = limiter.transport(transportOf('a'), slot).send(request, { timeoutMs: 1000 })
    await expect(sending).rejects.toMatchObject({ failure: 'cancelled', mayHaveArrived: false })
  })
})

test('every request is delivered within all limits, for any sequence of responses', async () => {
  const anyResponse: fc.Arbitrary<PlannedResponse> = fc.oneof(
    { weight: 4, arbitrary: fc.nat({ max: 500 }).map((ms) => ({ status: 200, ms })) },
    { weight: 1, arbitrary: fc.nat({ max: 500 }).map((ms) => ({ status: 503, ms })) },
    { weight: 1, arbitrary: fc.nat({ max: 500 }).map((ms) => ({ status: 0, ms })) },
    {
      weight: 3,
      arbitrary: fc.tuple(fc.nat({ max: 500 }), fc.option(fc.integer({ min: 1, max: 9 }))).map(([ms, after]) => ({
        status: 429,
        ms,
        ...(after && { headers: { 'retry-after': `${after}` } }),
      })),
    },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyResponse, { maxLength: 40, size: 'max' }),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 15, size: 'max' }),
      fc.integer({ min: 1, max: 5 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (planned, requestCounts, concurrency, random) => {
        const pauses: { from: number; to: number }[] = []
        const { clock, runRecords, requests, maxInFlight } = start({
          concurrency,
          maxThrottledMs: 1e9,
          random: () => random,
          responses: () => {
            const next = planned.shift() ?? ok
            const wait = Number(next.headers?.['retry-after'] ?? 0) * 1000
            const from = clock.monotonic() + (next.ms ?? 0)
            if (wait > 0) pauses.push({ from, to: from + wait })
            return next
          },
        })
        const done = runRecords(names(requestCounts.length), requestCounts)
        await clock.run(done)
        const statuses = (await done).map(({ statuses }) => statuses)
        expect(statuses.map(({ length }) => length)).toEqual(requestCounts)
        expect(statuses.flat()).not.toContain(429)
        expect(maxInFlight()).toBeLessThanOrEqual(concurrency)
        for (const { at } of requests) expect(pauses.filter(({ from, to }) => from < at && at < to)).toEqual([])
      },
    ),
    { numRuns: 150 },
  )
})
