// The limiter, on a clock whose time passes only when nothing else is left to do.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AdaptiveLimiter } from '../../../src/batch/sending/limiter.ts'
import type { Slot } from '../../../src/batch/sending/slot.ts'
import { shouldRetry } from '../../../src/delivery/verdict.ts'
import type { HttpRequest, HttpResponse, Transport } from '../../../src/http/transport.ts'
import { TransportError } from '../../../src/http/transport-error.ts'
import { findOperation } from '../../../src/operations/catalogue.ts'
import type { MarketplaceRequest } from '../../../src/operations/request.ts'
import { runs } from '../../runs.ts'
import { TestClock } from '../test-clock.ts'

interface PlannedResponse {
  /** 0 breaks the connection. */
  readonly status: number
  /** Node's code: the connection does not open. */
  readonly unopened?: string
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
  maxWaitMs = 300_000,
  random = () => 1,
  clock = new TestClock(),
}: {
  /** The response to each request, by the installation and the number of the request, from 1. */
  responses?: (name: string, number: number) => PlannedResponse
  concurrency?: number
  maxWaitMs?: number
  random?: () => number
  clock?: TestClock
} = {}) {
  const abort = new AbortController()
  const lines: string[] = []
  const log = { info: (line: string) => void lines.push(line) }
  const limiter = new AdaptiveLimiter({
    concurrency,
    maxWaitMs,
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
      const { status, headers = {}, ms = 100, unopened } = responses(name, requests.length)
      await clock.sleep(ms)
      inFlight--
      if (unopened) throw new TransportError('connect', 'refused', { mayHaveArrived: false, code: unopened })
      if (status === 0) throw new Error('broken')
      return { status, headers, text: '' }
    },
    close() {},
  })
  async function runRecord(name: string, requestCount: number) {
    const slot: Slot = { installation: name, acquired: true, waitedMs: 0 }
    const transport = limiter.transport(transportOf(name), slot)
    const statuses: number[] = []
    const failures: TransportError[] = []
    for (let count = 0; count < requestCount; count++) {
      const response = await transport.send(request, { timeoutMs: 1000 }).catch((error: Error) => {
        if (error instanceof TransportError) failures.push(error)
        return { status: 0 }
      })
      statuses.push(response.status)
    }
    return { name, statuses, failures, waitedMs: slot.waitedMs }
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

/** Nine seconds after the start. */
const resetAfter9s = String(Date.UTC(2025, 2, 15) / 1000 + 9)
const hints: [what: string, headers: Record<string, string>, waitMs: number][] = [
  ['Retry-After', { 'retry-after': '7' }, 7000],
  ['X-RateLimit-Reset', { 'x-ratelimit-reset': resetAfter9s }, 8900],
  ['the later of both', { 'retry-after': '3', 'x-ratelimit-reset': resetAfter9s }, 8900],
]

describe('a 429 of one installation', () => {
  test.each([...hints, ['backoff without a header', {}, 500] as const])(
    'holds it back until the time that Vercel asks for, and no other: %s',
    async (_, headers, waitMs) => {
      const { clock, runRecords, requests } = start({
        responses: (name, number) => (name === 'r-0' && number === 1 ? throttled(headers) : ok),
      })
      const done = runRecords(names(12), [2])
      await clock.run(done)
      const ofFirst = requests.filter(({ name }) => name === 'r-0').map(({ at }) => at)
      expect(ofFirst).toEqual([0, 100 + waitMs, 200 + waitMs])
      expect(Math.max(...requests.filter(({ name }) => name !== 'r-0').map(({ at }) => at))).toBeLessThanOrEqual(300)
      // No record fails, and the wait is not the record's time.
      expect((await done).flatMap(({ statuses }) => statuses)).toEqual([200, ...names(12).map(() => 200)])
      expect((await done)[0]?.waitedMs).toBe(waitMs)
    },
  )

  test('extends the wait and never shortens it', async () => {
    const waits = ['10', '20', '1']
    const { clock, runRecords, requests } = start({
      responses: (name, number) =>
        name === 'a' && number <= 3 ? throttled({ 'retry-after': waits[number - 1] ?? '' }) : ok,
    })
    await clock.run(runRecords(['a']))
    expect(requests.map(({ at }) => at)).toEqual([0, 10_100, 30_200, 31_300])
  })

  test('ends its wait also if the clock moves between two readings and the timer fires early', async () => {
    const { clock, runRecords } = start({
      clock: new TestClock({ msPerReading: 0.7, timersFireEarlyMs: 1 }),
      responses: (_, number) => (number === 1 ? throttled({ 'retry-after': '1' }) : ok),
    })
    const done = runRecords(names(3))
    await clock.run(done)
    expect((await done).flatMap(({ statuses }) => statuses)).toEqual([200, 200, 200])
  })

  test('that lasts longer than allowed fails its requests, and no other', async () => {
    const { clock, limiter, runRecords, requests } = start({
      maxWaitMs: 60_000,
      responses: (name) => (name === 'r-2' ? throttled({ 'retry-after': '3600' }) : ok),
    })
    const done = runRecords(names(20), [1, 1, 3])
    await clock.run(done)
    const throttledRecord = (await done)[2]
    expect(throttledRecord?.statuses).toEqual([0, 0, 0])
    expect(throttledRecord?.failures[0]).toMatchObject({
      failure: 'throttled',
      mayHaveArrived: false,
      message: "Vercel's rate limit for this installation lasts longer than retry-timeout (1 min)",
      until: limiter.heldUntil,
    })
    expect(limiter.heldUntil?.toISOString()).toMatch(/^2025-03-15T01:00:00/)
    // What it asks for is not sent before that time.
    expect(requests.filter(({ name }) => name === 'r-2')).toHaveLength(1)
    expect((await done).filter(({ statuses }) => statuses.includes(0))).toHaveLength(1)
    expect(limiter.givenUp).toBeUndefined()
  })

  test('that lasts too long although each wait is short fails its request', async () => {
    const { clock, runRecords } = start({
      maxWaitMs: 60_000,
      responses: (name) => (name === 'r-0' ? throttled({ 'retry-after': '10' }) : ok),
    })
    const done = runRecords(names(3))
    await clock.run(done)
    expect((await done).map(({ statuses }) => statuses)).toEqual([[0], [200], [200]])
    expect(clock.monotonic()).toBeGreaterThan(40_000)
    expect(clock.monotonic()).toBeLessThanOrEqual(60_100)
  })

  test('that succeeds in between may be throttled for any time', async () => {
    const responses = (_: string, number: number) => (number % 2 ? throttled({ 'retry-after': '40' }) : ok)
    const { clock, runRecords } = start({ maxWaitMs: 60_000, responses })
    const done = runRecords(['a'], [10])
    await clock.run(done)
    expect((await done)[0]?.statuses).toEqual(Array(10).fill(200))
  })

  test('is logged, but not every time', async () => {
    const { clock, runRecords, lines } = start({
      responses: (name, number) => (name === 'r-0' && number < 20 ? throttled({ 'retry-after': '3' }) : ok),
    })
    await clock.run(runRecords(names(2)))
    expect(lines.length).toBeGreaterThan(1)
    expect(lines.length).toBeLessThanOrEqual(7)
    expect(lines[0]).toBe('Vercel throttles (429): installation "r-0" waits for 3 s')
  })
})

test('429s with short waits are logged by their number, not too often, and in the end', async () => {
  const { clock, limiter, runRecords, lines } = start({
    responses: (_, number) => (number % 5 === 1 ? throttled() : ok),
    random: () => 0.1,
    concurrency: 2,
  })
  await clock.run(runRecords(names(300)))
  limiter.waitLog.logThrottledTotal()
  const counts = /^Vercel throttles \(429\): \d+ of \d+ requests?; they are sent again, and the batch slows down$/
  const others = lines.slice(0, -1).filter((line) => !/waits? for/.test(line))
  expect(others.length).toBeGreaterThan(0)
  for (const line of others) expect(line).toMatch(counts)
  expect(lines.length).toBeLessThan(3 * (2 + clock.monotonic() / 10_000))
  expect(lines.at(-1)).toBe('Vercel throttles (429): 75 of 375 requests in this run')
})

test('a batch without a 429 says nothing about throttling', async () => {
  const { clock, limiter, runRecords, lines } = start()
  await clock.run(runRecords(names(3)))
  limiter.waitLog.logThrottledTotal()
  expect(lines).toEqual([])
})

describe('429s of several installations in a row', () => {
  test.each(hints)('pause all requests until the time that Vercel asks for: %s', async (_, headers, waitMs) => {
    const { clock, runRecords, requests, lines } = start({
      responses: (_, number) => (number <= 8 ? throttled(headers) : ok),
      concurrency: 8,
    })
    const done = runRecords(names(12))
    await clock.run(done)
    expect(Math.min(...requests.slice(8).map(({ at }) => at))).toBe(100 + waitMs)
    expect((await done).flatMap(({ statuses }) => statuses)).toEqual(names(12).map(() => 200))
    expect(lines).toContainEqual(expect.stringContaining('Vercel throttles (429): all requests wait for'))
  })

  test('and none is sent while the requests in flight have not told whose limit it is', async () => {
    const { clock, runRecords, requests } = start({
      responses: (_, number) => (number <= 4 ? { ...throttled({ 'retry-after': '1' }), ms: 100 * number } : ok),
    })
    await clock.run(runRecords(names(12)))
    expect(requests.filter(({ at }) => at > 0 && at < 1300)).toEqual([])
  })

  test('send the throttled requests before new records start', async () => {
    const responses = (_: string, number: number) => (number <= 3 ? throttled({ 'retry-after': '1' }) : ok)
    const { clock, runRecords, requests } = start({ responses, concurrency: 3 })
    await clock.run(runRecords(names(5)))
    expect(
      requests
        .slice(3, 6)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['r-0', 'r-1', 'r-2'])
  })

  test('end the batch if their waits are longer than allowed: nothing more is sent, and all waits end', async () => {
    const { clock, limiter, runRecords, requests } = start({
      maxWaitMs: 60_000,
      responses: (name) => throttled({ 'retry-after': name === 'r-7' ? '3600' : '600' }),
      concurrency: 8,
    })
    const done = runRecords(names(20))
    await clock.run(done)
    expect(limiter.givenUp).toEqual({ reason: 'throttled', until: new Date(Date.UTC(2025, 2, 15) + 100 + 3_600_000) })
    expect(requests).toHaveLength(8)
    const failures = (await done).map(({ failures }) => failures.map(({ failure }) => failure).join())
    expect(failures.slice(8)).toEqual(Array(12).fill('cancelled'))
    expect(clock.monotonic()).toBe(100)
    // A pending timer would keep the process alive.
    expect(clock.sleepers).toBe(0)
  })

  test('end the batch if they go on for too long, although each wait is short', async () => {
    const { clock, limiter, runRecords } = start({
      maxWaitMs: 60_000,
      responses: () => throttled({ 'retry-after': '2' }),
    })
    await clock.run(runRecords(names(8)))
    expect(limiter.givenUp?.reason).toBe('throttled')
    expect(clock.monotonic()).toBeGreaterThan(40_000)
    expect(clock.monotonic()).toBeLessThanOrEqual(63_000)
  })

  test('that are not in a row do not end the batch, however long their waits are', async () => {
    const { clock, limiter, runRecords } = start({
      maxWaitMs: 60_000,
      responses: (name) => (Number(name.slice(2)) % 2 ? throttled({ 'retry-after': '3600' }) : ok),
    })
    const done = runRecords(names(40))
    await clock.run(done)
    expect((await done).filter(({ statuses }) => statuses[0] === 200)).toHaveLength(20)
    expect(limiter.givenUp).toBeUndefined()
  })
})

test('a request that the batch did not send is not retried', () => {
  for (const failure of ['throttled', 'cancelled'] as const) {
    const error = new TransportError(failure, '', { mayHaveArrived: false })
    expect(shouldRetry({ operation: findOperation('getInvoice') } as MarketplaceRequest, { error })).toBe(false)
  }
})

test('a slot is released after a broken connection', async () => {
  const { clock, runRecords } = start({ concurrency: 1, responses: (_, number) => (number < 3 ? { status: 0 } : ok) })
  const done = runRecords(names(4))
  await clock.run(done)
  expect((await done).flatMap(({ statuses }) => statuses)).toEqual([0, 0, 200, 200])
})

describe('while no connection can be opened', () => {
  const refused: PlannedResponse = { status: 0, unopened: 'ECONNREFUSED', ms: 1 }

  test('the batch sends a probe now and then, and goes on when the host is back', async () => {
    const clock = new TestClock()
    const responses = () => (clock.monotonic() < 30_000 ? refused : ok)
    const { limiter, runRecords, requests, lines } = start({ clock, responses, concurrency: 8 })
    const done = runRecords(names(40))
    await clock.run(5000)
    expect(limiter.waiting).toEqual({ reason: 'unopened', until: new Date(Date.UTC(2025, 2, 15) + 300_001) })
    await clock.run(done)
    expect((await done).flatMap(({ statuses }) => statuses)).toEqual(names(40).map(() => 200))
    // All that were in flight, and a few probes.
    expect(requests.filter(({ at }) => at < 30_000).length).toBeLessThanOrEqual(8 + 20)
    expect(clock.monotonic()).toBeLessThan(33_000)
    expect(limiter.waiting).toBeUndefined()
    expect(lines).toEqual(['refused: the batch waits, and tries again until 2025-03-15 00:05:01 UTC'])
  })

  test('for longer than allowed, the batch ends, and nothing more is sent', async () => {
    const { clock, limiter, runRecords } = start({ responses: () => refused, maxWaitMs: 60_000 })
    const done = runRecords(names(20))
    await clock.run(done)
    expect(limiter.givenUp).toMatchObject({ reason: 'unopened', detail: 'refused' })
    expect(clock.monotonic()).toBeGreaterThanOrEqual(60_000)
    expect(clock.monotonic()).toBeLessThan(63_000)
    for (const { failures } of await done) {
      expect(failures).toEqual([expect.objectContaining({ failure: 'cancelled', mayHaveArrived: false })])
    }
    expect(clock.sleepers).toBe(0)
  })

  test.each([
    [3754, 3755],
    [3755, 5756],
  ])('for retry-timeout (%i ms), the batch ends at the next probe: after %i ms', async (maxWaitMs, ms) => {
    const { clock, limiter, runRecords } = start({ responses: () => refused, maxWaitMs })
    await clock.run(runRecords(['a']))
    expect(limiter.givenUp).toEqual({
      reason: 'unopened',
      until: new Date(Date.UTC(2025, 2, 15) + 1 + maxWaitMs),
      detail: 'refused',
    })
    expect(clock.monotonic()).toBe(ms)
  })

  test('for one record alone, it fails after that time, and the batch goes on', async () => {
    const { clock, limiter, runRecords, requests } = start({
      responses: (name) => (name === 'r-0' ? refused : { ...ok, ms: 1000 }),
      maxWaitMs: 10_000,
    })
    const done = runRecords(names(60))
    await clock.run(done)
    const outcomes = await done
    expect(outcomes[0]?.failures).toEqual([expect.objectContaining({ failure: 'connect' })])
    expect(requests.findLast(({ name }) => name === 'r-0')).toEqual({ name: 'r-0', at: 11_000 })
    expect(outcomes.slice(1).flatMap(({ statuses }) => statuses)).toEqual(Array(59).fill(200))
    expect(limiter.givenUp).toBeUndefined()
  })

  test.each(['EMFILE', 'ENFILE', 'ENOBUFS', 'EADDRNOTAVAIL'])(
    'because the runner has no more (%s), as many requests are in flight as it can have',
    async (unopened) => {
      let open = 0
      let refusals = 0
      const clock = new TestClock()
      const { limiter, lines } = start({ concurrency: 100, clock })
      const transport: Transport = {
        async send() {
          if (open >= 20) {
            refusals++
            throw new TransportError('connect', 'no more', { mayHaveArrived: false, code: unopened })
          }
          open++
          await clock.sleep(100)
          open--
          return { status: 200, headers: {}, text: '' }
        },
        close() {},
      }
      const responses: Promise<HttpResponse>[] = []
      async function sendAll(): Promise<void> {
        for (const installation of names(400)) {
          await limiter.acquire()
          const slot: Slot = { installation, acquired: true, waitedMs: 0 }
          responses.push(limiter.transport(transport, slot).send(request, { timeoutMs: 1000 }))
        }
      }
      await clock.run(sendAll())
      const done = Promise.all(responses)
      await clock.run(done)
      expect((await done).every(({ status }) => status === 200)).toBe(true)
      // The first requests, and no more: the limiter has learned how many there can be.
      expect(refusals).toBeLessThanOrEqual(80)
      expect(clock.monotonic()).toBeLessThanOrEqual(2500)
      expect(lines).toEqual([expect.stringMatching(/^no more\. The batch continues with \d+ connections$/)])
    },
  )
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
    // Those in flight, and one at a time, to find out whose limit it is.
    expect(requests).toHaveLength(4)
    expect((await done).flatMap(({ statuses }) => statuses)).toEqual([0, 0, 0, 0])
    expect(clock.sleepers).toBe(0)
  })

  test('reports that an unsent request cannot have arrived', async () => {
    const { abort, limiter, transportOf } = start()
    abort.abort()
    const slot = { installation: 'a', acquired: false, waitedMs: 0 }
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
        const pauses: { name: string; from: number; to: number }[] = []
        const { clock, runRecords, requests, maxInFlight } = start({
          concurrency,
          maxWaitMs: 1e9,
          random: () => random,
          responses: (name) => {
            const next = planned.shift() ?? ok
            const wait = Number(next.headers?.['retry-after'] ?? 0) * 1000
            const from = clock.monotonic() + (next.ms ?? 0)
            if (wait > 0) pauses.push({ name, from, to: from + wait })
            return next
          },
        })
        const done = runRecords(names(requestCounts.length), requestCounts)
        await clock.run(done)
        const statuses = (await done).map(({ statuses }) => statuses)
        expect(statuses.map(({ length }) => length)).toEqual(requestCounts)
        expect(statuses.flat()).not.toContain(429)
        expect(maxInFlight()).toBeLessThanOrEqual(concurrency)
        for (const { name, at } of requests) {
          expect(pauses.filter((pause) => pause.name === name && pause.from < at && at < pause.to)).toEqual([])
        }
      },
    ),
    runs(75),
  )
})

describe('requests that the batch did not send', () => {
  const start2025 = Date.UTC(2025, 2, 15)

  test('say until when the rate limit lasts', async () => {
    const { clock, runRecords, limiter } = start({
      maxWaitMs: 60_000,
      responses: () => throttled({ 'retry-after': '600' }),
      concurrency: 8,
    })
    const done = runRecords(names(9))
    await clock.run(done)
    expect((await done)[8]?.failures.map(({ message }) => message)).toEqual([
      "Vercel's rate limit lasts until 2025-03-15 00:10:01 UTC",
    ])
    expect(limiter.givenUp).toEqual({ reason: 'throttled', until: new Date(start2025 + 600_100) })
  })

  test('say that the batch was cancelled', async () => {
    const { clock, abort, runRecords } = start()
    abort.abort()
    const done = runRecords(['a'])
    await clock.run(done)
    expect((await done)[0]?.failures.map(({ message }) => message)).toEqual(['the batch was cancelled'])
  })
})

test('while all wait for a rate limit, the batch says until when', async () => {
  const { clock, runRecords, limiter } = start({
    responses: (_, number) => (number <= 8 ? throttled({ 'retry-after': '7' }) : ok),
    concurrency: 8,
  })
  const done = runRecords(names(9))
  await clock.run(1000)
  expect(limiter.waiting).toEqual({ reason: 'throttled', until: new Date(Date.UTC(2025, 2, 15) + 7100) })
  await clock.run(done)
  expect(limiter.waiting).toBeUndefined()
})

test('the last of the limits that are too long is remembered', async () => {
  for (const waits of [
    ['600', '3600'],
    ['3600', '600'],
  ]) {
    const { clock, runRecords, limiter } = start({
      maxWaitMs: 60_000,
      responses: (name) => (name === 'ok' ? ok : throttled({ 'retry-after': waits[name === 'a' ? 0 : 1] ?? '' })),
      concurrency: 1,
    })
    await clock.run(runRecords(['a', 'ok', 'b', 'ok']))
    expect(limiter.heldUntil?.toISOString()).toMatch(/^2025-03-15T01:00:00/)
  }
})

describe('a request that has a slot', () => {
  /** A slot that keeps what its request is told, with the time. */
  function watchedSlot(clock: TestClock, beforeSend: () => void = () => {}) {
    const told: string[] = []
    const tell = (what: string) => void told.push(`${what} at ${clock.monotonic()}`)
    const slot: Slot = {
      installation: 'watched',
      acquired: true,
      waitedMs: 0,
      async beforeSend() {
        tell('before')
        beforeSend()
      },
      onNotProcessed: () => tell('not processed'),
      onMayHaveArrived: () => tell('may have arrived'),
    }
    return { slot, told }
  }
  const sendWith = async ({ limiter, transportOf }: ReturnType<typeof start>, slot: Slot) =>
    limiter
      .transport(transportOf('watched'), slot)
      .send(request, { timeoutMs: 1000 })
      .then(
        ({ status }) => status,
        ({ failure }) => failure,
      )

  test.each([
    ['all requests pause', throttled({ 'retry-after': '2' }), 4, 2100],
    ['no connection opens', { status: 0, unopened: 'ECONNREFUSED', ms: 100 }, 1, 350],
  ])('is written and sent after the wait, if %s meanwhile', async (_, response, others, sentAt) => {
    const started = start({ concurrency: 8, responses: (_, number) => (number <= others ? response : ok) })
    const { clock, limiter, runRecords } = started
    const { slot, told } = watchedSlot(clock)
    await limiter.acquire()
    const othersDone = runRecords(names(others))
    await clock.run(150)
    expect(clock.monotonic()).toBe(150)
    const done = sendWith(started, slot)
    await clock.run(Promise.all([done, othersDone]))
    expect(await done).toBe(200)
    const [before, ...after] = told
    expect(Number(before?.slice('before at '.length))).toBeGreaterThanOrEqual(sentAt)
    expect(after).toEqual([expect.stringMatching(/^may have arrived at /)])
  })

  test('is not sent if the batch is cancelled while its line is written', async () => {
    const started = start()
    const { slot, told } = watchedSlot(started.clock, () => started.abort.abort())
    await started.limiter.acquire()
    const done = sendWith(started, slot)
    await started.clock.run(done)
    expect({ result: await done, told, requests: started.requests }).toEqual({
      result: 'cancelled',
      told: ['before at 0', 'not processed at 0'],
      requests: [],
    })
  })

  test('is not sent again after another failure, even if it cannot have arrived', async () => {
    const started = start()
    const { slot, told } = watchedSlot(started.clock)
    let count = 0
    const inner: Transport = {
      async send() {
        if (++count > 1) return { status: 200, headers: {}, text: '' }
        throw new TransportError('timeout', 'too late', { mayHaveArrived: false })
      },
      close() {},
    }
    await started.limiter.acquire()
    const sending = started.limiter.transport(inner, slot).send(request, { timeoutMs: 1000 })
    await expect(sending).rejects.toMatchObject({ failure: 'timeout' })
    expect({ count, told }).toEqual({ count: 1, told: ['before at 0', 'not processed at 0'] })
  })

  test('gives it back while its installation waits', async () => {
    const { clock, runRecords, requests, maxInFlight } = start({
      concurrency: 1,
      responses: (_, number) => (number === 1 ? throttled({ 'retry-after': '10' }) : ok),
    })
    await clock.run(runRecords(['a', 'a', 'b']))
    expect(requests.slice(0, 2)).toEqual([
      { name: 'a', at: 0 },
      { name: 'b', at: 100 },
    ])
    expect([maxInFlight(), requests.length]).toEqual([1, 4])
  })
})

test('a record that gives its slot back takes no turn of a shared rate', async () => {
  const sendTimes = async (...records: readonly string[]) => {
    const { clock, abort, runRecords, requests } = start({
      concurrency: 8,
      responses: (name, number) => {
        if (number <= 8) return throttled({ 'retry-after': '1' })
        return name === 'a' ? throttled({ 'retry-after': '100' }) : ok
      },
    })
    const done = runRecords([...names(8), ...records])
    await clock.run(20_000)
    abort.abort()
    await clock.run(done)
    return requests.filter(({ name }) => name !== 'a')
  }
  const expected = await sendTimes('a', 'b', 'c', 'd')
  expect(expected).toHaveLength(8 + 8 + 3)
  expect(await sendTimes('a', 'b', 'a', 'c', 'a', 'a', 'd')).toEqual(expected)
})

test('an installation with a rate of its own sends its requests at that rate, and others do not', async () => {
  const { clock, runRecords, requests } = start({
    responses: (name, number) => (name === 'a' && number === 9 ? throttled({ 'retry-after': '1' }) : ok),
  })
  await clock.run(runRecords(['a', 'b'], [9, 9]))
  const timesOf = (wanted: string) => requests.filter(({ name }) => name === wanted).map(({ at }) => at)
  // The fifth request is throttled at 500 ms. Four requests in a second are allowed, with a margin of 20 ms.
  expect(timesOf('a')).toEqual([0, 100, 200, 300, 400, 1500, 1755, 2010, 2265, 2520])
  expect(timesOf('b')).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800])
})

test('a thousand records wait for their installations, and no more', async () => {
  // A success now and then shows that not all are throttled.
  const isThrottled = (name: string) => Number(name.slice(2)) % 7 > 0
  const { clock, abort, runRecords, requests } = start({
    concurrency: 1,
    responses: (name) => ({ ...(isThrottled(name) ? throttled({ 'retry-after': '100' }) : ok), ms: 1 }),
  })
  const done = runRecords(names(1300))
  await clock.run(50_000)
  expect(requests.filter(({ name }) => isThrottled(name))).toHaveLength(1001)
  abort.abort()
  await clock.run(done)
})

test('the next record starts when those that wait give up', async () => {
  const answers = [
    { ...throttled({ 'retry-after': '100' }), ms: 100 },
    { ...throttled({ 'retry-after': '500' }), ms: 60_000 },
    ok,
  ]
  const { clock, runRecords, requests } = start({ concurrency: 3, responses: (_, number) => answers[number - 1] ?? ok })
  const done = runRecords(['a', 'a', 'b', ...Array(1000).fill('a'), 'c'])
  await clock.run(done)
  expect(requests.slice(3)).toEqual([{ name: 'c', at: 100_100 }])
  expect((await done).filter(({ statuses }) => statuses[0] === 200).map(({ name }) => name)).toEqual(['b', 'c'])
})

describe('a wait of exactly retry-timeout', () => {
  const responses = (_: string, number: number) => (number <= 8 ? throttled({ 'retry-after': '60' }) : ok)

  test.each([
    ['of one installation', ['a'], () => (_: string, number: number) => (number === 1 ? responses('', 1) : ok)],
    ['of all', names(8), () => responses],
  ])('is waited for: %s', async (_, records, plan) => {
    const { clock, runRecords, limiter } = start({ maxWaitMs: 60_000, concurrency: 8, responses: plan() })
    const done = runRecords(records)
    await clock.run(done)
    expect((await done).flatMap(({ statuses }) => statuses)).toEqual(records.map(() => 200))
    expect([limiter.givenUp, limiter.heldUntil]).toEqual([undefined, undefined])
  })
})

test.each([
  ['600', '3600'],
  ['3600', '600'],
])('the batch names the last end of the limits that are too long: %s s and %s s', async (first, second) => {
  const { clock, runRecords, limiter } = start({
    maxWaitMs: 60_000,
    concurrency: 16,
    responses: (_, number) => throttled({ 'retry-after': number <= 8 ? first : second }),
  })
  await clock.run(runRecords(names(16)))
  expect(limiter.givenUp).toEqual({ reason: 'throttled', until: new Date(Date.UTC(2025, 2, 15) + 100 + 3_600_000) })
})

test.each([
  ['with it', 601, { reason: 'unopened', detail: 'refused' }],
  ['later', 602, { reason: 'throttled' }],
])('a batch that gives up for an outage names a rate limit only if it ends later: %s', async (_, ms, reason) => {
  const refused = { status: 0, unopened: 'ECONNREFUSED', ms: 1 }
  const first = [throttled(), throttled(), throttled(), refused, { ...refused, ms: 601 }]
  const { clock, limiter, runRecords, transportOf } = start({
    maxWaitMs: 1000,
    concurrency: 8,
    // The backoff after each 429 is 0 ms.
    random: () => 0,
    responses: (_, number) => first[number - 1] ?? { ...throttled(), ms },
  })
  const late = names(4).map((installation): Slot => ({ installation, acquired: true, waitedMs: 0 }))
  for (const _ of late) await limiter.acquire()
  // All three are throttled at 100 ms, and the next request is refused at 101 ms.
  const done = runRecords(['a', 'b', 'c'])
  await clock.run(500)
  // The first one is refused at 1101 ms, and the others are throttled.
  const sent = late.map((slot) =>
    limiter.transport(transportOf(slot.installation), slot).send(request, { timeoutMs: 1 }),
  )
  await clock.run(Promise.allSettled([done, ...sent]))
  expect(limiter.givenUp).toEqual({ ...reason, until: new Date(Date.UTC(2025, 2, 15) + 500 + ms) })
})

describe('an outage counts from its start', () => {
  const refused: PlannedResponse = { status: 0, unopened: 'ECONNREFUSED', ms: 1 }

  test('for the batch', async () => {
    const clock = new TestClock()
    const responses = () => (clock.monotonic() >= 40_000 && clock.monotonic() < 50_000 ? refused : { ...ok, ms: 1000 })
    const { runRecords, limiter } = start({ clock, responses, concurrency: 1, maxWaitMs: 60_000 })
    const done = runRecords(names(45))
    await clock.run(done)
    expect((await done).flatMap(({ statuses }) => statuses)).toEqual(names(45).map(() => 200))
    expect(limiter.givenUp).toBeUndefined()
  })

  test('for a record', async () => {
    const clock = new TestClock()
    const responses = (name: string) => (name === 'r-24' && clock.monotonic() < 9000 ? refused : { ...ok, ms: 1000 })
    const { runRecords } = start({ clock, responses, concurrency: 3, maxWaitMs: 10_000 })
    const done = runRecords(names(40))
    await clock.run(done)
    expect((await done).flatMap(({ statuses }) => statuses)).toEqual(names(40).map(() => 200))
  })

  test('and ends with a connection that opens, even if it breaks then', async () => {
    const responses = (_: string, number: number) => (number === 1 ? refused : { status: 0, ms: 1 })
    const { clock, runRecords, limiter } = start({ responses })
    await clock.run(runRecords(['a']))
    expect(limiter.waiting).toBeUndefined()
  })
})
