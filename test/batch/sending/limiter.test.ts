// How fast a batch goes, on a clock that stands still until nothing is left to do.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AdaptiveLimiter } from '../../../src/batch/sending/limiter.ts'
import { shouldRetry } from '../../../src/delivery/verdict.ts'
import type { HttpRequest, HttpResponse, Transport } from '../../../src/http/transport.ts'
import { TransportError } from '../../../src/http/transport-error.ts'
import { findOperation } from '../../../src/operations/catalogue.ts'
import type { MarketplaceRequest } from '../../../src/operations/request.ts'
import { TestClock } from '../test-clock.ts'

interface Answering {
  readonly status: number
  readonly headers?: Record<string, string>
  /** How long it takes. */
  readonly ms?: number
}

const request: HttpRequest = { method: 'POST', url: new URL('https://api.vercel.com/'), headers: {} }
const ok: Answering = { status: 200, ms: 100 }
const throttled = (headers: Record<string, string> = {}): Answering => ({ status: 429, headers, ms: 100 })

/** A server that answers as it is told, and the batch that keeps to a pace with it. */
function start({
  answers = () => ok,
  concurrency = 4,
  maxThrottledMs = 300_000,
  random = () => 1,
  clock = new TestClock(),
}: {
  answers?: (name: string, number: number) => Answering
  concurrency?: number
  maxThrottledMs?: number
  random?: () => number
  clock?: TestClock
} = {}) {
  const abort = new AbortController()
  const said: string[] = []
  const log = { info: (line: string) => void said.push(line) }
  const pace = new AdaptiveLimiter({
    concurrency,
    maxThrottledMs,
    clock,
    random,
    signal: abort.signal,
    log,
  })
  const seen: { name: string; at: number }[] = []
  let inFlight = 0
  let most = 0
  const server = (name: string): Transport => ({
    async send(): Promise<HttpResponse> {
      seen.push({ name, at: clock.monotonic() })
      most = Math.max(most, ++inFlight)
      const { status, headers = {}, ms = 100 } = answers(name, seen.length)
      await clock.sleep(ms)
      inFlight--
      if (status === 0) throw new Error('broken')
      return { status, headers, text: '' }
    },
    close() {},
  })
  async function deliver(name: string, requests: number) {
    const held = { acquired: true, waitedMs: 0 }
    const transport = pace.transport(server(name), held)
    const answers: number[] = []
    for (let count = 0; count < requests; count++) {
      const answer = await transport.send(request, { timeoutMs: 1000 }).catch(() => ({ status: 0 }))
      answers.push(answer.status)
    }
    return { answers, waitedMs: held.waitedMs }
  }
  /** Records, of which each waits for its place after the one before has its own, as a schedule has it. */
  async function records(names: readonly string[], requests: readonly number[] = []) {
    const running: ReturnType<typeof deliver>[] = []
    for (const [index, name] of names.entries()) {
      await pace.acquire()
      running.push(deliver(name, requests[index] ?? 1))
    }
    return Promise.all(running)
  }
  return { clock, abort, pace, said, seen, records, server, most: () => most, inFlight: () => inFlight }
}

const names = (count: number) => Array.from({ length: count }, (_, number) => `r-${number}`)

test('as many requests are in flight as there may be, and never more', async () => {
  const { clock, records, most, seen } = start({ concurrency: 3 })
  await clock.run(records(names(10)))
  expect(most()).toBe(3)
  expect(seen.map(({ at }) => at)).toEqual([0, 0, 0, 100, 100, 100, 200, 200, 200, 300])
})

describe('a 429', () => {
  /** Nine seconds after the beginning. */
  const nine = String(Date.UTC(2025, 2, 15) / 1000 + 9)
  test.each<[string, Record<string, string>, number]>([
    ['Retry-After', { 'retry-after': '7' }, 7000],
    ['X-RateLimit-Reset', { 'x-ratelimit-reset': nine }, 8900],
    ['both, of which the later counts', { 'retry-after': '3', 'x-ratelimit-reset': nine }, 8900],
    ['neither: backoff', {}, 500],
  ])('stops everything until the moment that Vercel names: %s', async (_, headers, wait) => {
    const { clock, records, seen } = start({ answers: (_, number) => (number === 1 ? throttled(headers) : ok) })
    const done = records(names(12))
    await clock.run(done)
    expect(seen.filter(({ at }) => at > 0 && at < 100 + wait)).toEqual([])
    expect(Math.min(...seen.filter(({ at }) => at > 0).map(({ at }) => at))).toBe(100 + wait)
    // It is nobody's failure.
    expect((await done).flatMap(({ answers }) => answers)).toEqual(names(12).map(() => 200))
  })

  test('that comes while all wait makes the wait longer, not shorter', async () => {
    const answers = (_: string, number: number) =>
      [throttled({ 'retry-after': '10' }), { ...throttled({ 'retry-after': '20' }), ms: 200 }][number - 1] ??
      (number === 3 ? { ...throttled({ 'retry-after': '1' }), ms: 300 } : ok)
    const { clock, records, seen } = start({ answers })
    await clock.run(records(names(8)))
    expect(Math.min(...seen.slice(4).map(({ at }) => at))).toBe(20_200)
  })

  test('may end between two looks at the clock, after a timer that was early', async () => {
    const { clock, records } = start({
      clock: new TestClock({ lapse: 0.7, early: 1 }),
      answers: (_, number) => (number === 1 ? throttled({ 'retry-after': '1' }) : ok),
    })
    const done = records(names(3))
    await clock.run(done)
    expect((await done).flatMap(({ answers }) => answers)).toEqual([200, 200, 200])
  })

  test('does not count as waiting time of the request', async () => {
    const { clock, records } = start({
      answers: (_, number) => (number === 1 ? throttled({ 'retry-after': '7' }) : ok),
    })
    const done = records(['a'])
    await clock.run(done)
    expect(await done).toEqual([{ answers: [200], waitedMs: 7000 }])
  })

  test('halves what may be in flight, once for all that come together, and it recovers', async () => {
    let isBusy = true
    const { clock, records, pace } = start({
      concurrency: 8,
      answers: () => (isBusy ? throttled({ 'retry-after': '1' }) : ok),
    })
    const done = records(names(200))
    await clock.run(150)
    expect(pace.limit).toBe(4)
    await clock.run(1250)
    expect(pace.limit).toBe(2)
    await clock.run(10_000)
    expect(pace.limit).toBe(1)
    isBusy = false
    await clock.run(done)
    expect(pace.limit).toBe(8)
  })

  test('is told in a line, but not each time', async () => {
    const { clock, records, said } = start({
      answers: (_, number) => (number < 20 ? throttled({ 'retry-after': '3' }) : ok),
      concurrency: 1,
    })
    await clock.run(records(names(2)))
    expect(said.length).toBeGreaterThan(1)
    expect(said.length).toBeLessThanOrEqual(7)
    expect(said[0]).toBe('Vercel throttles (429): all requests wait for 3 s')
  })

  test.each([5, 6, 7, 8])(
    'among four answers of one moment stops whoever was to go out then: number %i',
    async (which) => {
      const answers = (_: string, number: number) => (number === which ? throttled({ 'retry-after': '7' }) : ok)
      const { clock, seen, records } = start({ answers })
      await clock.run(records(names(6), [4, 4, 4, 4, 4, 4]))
      expect(seen.filter(({ at }) => at > 100 && at < 7200)).toEqual([])
    },
  )
})

test('a request that was throttled goes before new records', async () => {
  const answers = (_: string, number: number) => (number <= 2 ? throttled({ 'retry-after': '1' }) : ok)
  const { clock, records, seen } = start({ answers, concurrency: 2 })
  await clock.run(records(names(4)))
  expect(seen.map(({ name }) => name)).toEqual(['r-0', 'r-1', 'r-0', 'r-1', 'r-2', 'r-3'])
})

test('a place is given back whatever becomes of the request', async () => {
  const { clock, records } = start({ concurrency: 1, answers: (_, number) => (number < 3 ? { status: 0 } : ok) })
  const done = records(names(4))
  await clock.run(done)
  expect((await done).flatMap(({ answers }) => answers)).toEqual([0, 0, 200, 200])
})

describe('a batch gives up', () => {
  test('when it is to wait for longer than it has patience: nothing more is sent, and all come back', async () => {
    const { clock, pace, records, seen } = start({
      maxThrottledMs: 60_000,
      answers: (name) => (name === 'r-0' ? throttled({ 'retry-after': '61' }) : throttled({ 'retry-after': '30' })),
      concurrency: 2,
    })
    const done = records(['r-1', 'r-0', 'r-2'], [2, 2])
    await clock.run(done)
    expect(pace.hasGivenUp).toBe(true)
    // The last word of Vercel is handed on; what waited comes back unsent.
    expect((await done).map(({ answers }) => answers)).toEqual([[0, 0], [429, 0], [0]])
    expect(clock.monotonic()).toBe(100)
    expect(seen).toHaveLength(2)
    // A timer would keep the step from ending.
    expect(clock.sleepers).toBe(0)
  })

  test('and what it did not send is not tried again', () => {
    const error = new TransportError('throttled', '', { mayHaveArrived: false })
    expect(shouldRetry({ operation: findOperation('getInvoice') } as MarketplaceRequest, { error })).toBe(false)
  })

  test('when it has been throttled for so long, although each wait is short', async () => {
    const { clock, pace, records } = start({
      maxThrottledMs: 60_000,
      answers: () => throttled({ 'retry-after': '10' }),
    })
    await clock.run(records(['a']))
    expect(pace.hasGivenUp).toBe(true)
    expect(clock.monotonic()).toBeGreaterThan(40_000)
    expect(clock.monotonic()).toBeLessThanOrEqual(60_100)
  })

  test('not while requests come through in between', async () => {
    const answers = (_: string, number: number) => (number % 2 ? throttled({ 'retry-after': '40' }) : ok)
    const { clock, pace, records } = start({ maxThrottledMs: 60_000, answers, concurrency: 1 })
    await clock.run(records(names(10)))
    expect(pace.hasGivenUp).toBe(false)
  })
})

describe('a batch that is cancelled', () => {
  test('wakes whoever waits, and sends nothing more', async () => {
    const { clock, abort, records, seen } = start({
      answers: () => throttled({ 'retry-after': '100' }),
      concurrency: 2,
    })
    const done = records(names(4))
    await clock.run(1000)
    abort.abort()
    await clock.run(done)
    expect(clock.monotonic()).toBe(1000)
    expect(seen).toHaveLength(2)
    expect((await done).flatMap(({ answers }) => answers)).toEqual([0, 0, 0, 0])
    expect(clock.sleepers).toBe(0)
  })

  test('says of what it did not send that it cannot have arrived', async () => {
    const { abort, pace, server } = start()
    abort.abort()
    const held = { acquired: false, waitedMs: 0 }
    const sending = pace.transport(server('a'), held).send(request, { timeoutMs: 1000 })
    await expect(sending).rejects.toMatchObject({ failure: 'cancelled', mayHaveArrived: false })
  })
})

test('whatever comes back, everything is delivered, never faster than it may be', async () => {
  const answer: fc.Arbitrary<Answering> = fc.oneof(
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
      fc.array(answer, { maxLength: 40, size: 'max' }),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 15, size: 'max' }),
      fc.integer({ min: 1, max: 5 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (planned, sizes, concurrency, dice) => {
        const pauses: { from: number; to: number }[] = []
        const { clock, records, seen, most } = start({
          concurrency,
          maxThrottledMs: 1e9,
          random: () => dice,
          answers: () => {
            const next = planned.shift() ?? ok
            const wait = Number(next.headers?.['retry-after'] ?? 0) * 1000
            const from = clock.monotonic() + (next.ms ?? 0)
            if (wait > 0) pauses.push({ from, to: from + wait })
            return next
          },
        })
        const all = records(
          sizes.map((_, index) => `r-${index}`),
          sizes,
        )
        await clock.run(all)
        const statuses = (await all).map(({ answers }) => answers)
        expect(statuses.map(({ length }) => length)).toEqual(sizes)
        expect(statuses.flat()).not.toContain(429)
        expect(most()).toBeLessThanOrEqual(concurrency)
        for (const { at } of seen) expect(pauses.filter(({ from, to }) => from < at && at < to)).toEqual([])
      },
    ),
    { numRuns: 150 },
  )
})
