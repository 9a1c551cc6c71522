// Simulated servers with a rate limit, and batches that run against them: the action's own scheduler and limiter, on a
// virtual clock. Nothing is random but what the seed decides, so that a result is the same each time.

import { AdaptiveLimiter } from '../src/batch/sending/limiter.ts'
import { schedule } from '../src/batch/sending/schedule.ts'
import type { Slot } from '../src/batch/sending/slot.ts'
import type { HttpResponse, Transport } from '../src/http/transport.ts'
import type { Clock } from '../src/runtime.ts'
import { randomFrom } from './random.ts'
import { VirtualClock } from './virtual-clock.ts'

/** What a limit tells of itself: with a 429, or with each response. */
export type Hints = 'nothing' | 'Retry-After' | 'X-RateLimit-Reset' | 'X-RateLimit-Remaining'

/** A rate limit. */
export interface ServerLimit {
  /** A fixed window by the server's clock, or a bucket that is refilled steadily. */
  readonly kind: 'window' | 'bucket'
  /** Requests per period. */
  readonly requests: number
  readonly periodMs: number
  /** The size of a bucket. */
  readonly burst?: number
  readonly perInstallation?: boolean
  readonly hints: Hints
}

export interface Simulation {
  readonly limit?: ServerLimit
  readonly records: number
  readonly installations: number
  readonly shards?: number
  readonly concurrency?: number
  readonly responseMs?: number
  /** By how much longer than half of `responseMs` a request may be on its way, in milliseconds. */
  readonly jitterMs?: number
  /** How far the server's window has advanced at the start, in milliseconds. */
  readonly phaseMs?: number
  readonly seed?: number
  /** Until then, the server throttles everything. */
  readonly closedUntilMs?: number
}

export interface SimulationResult {
  readonly ms: number
  readonly accepted: number
  readonly throttled: number
  /** The share of the limit that was used. Undefined without a limit. */
  readonly goodput: number | undefined
  /** The share of responses that were a 429. */
  readonly throttledShare: number
}

/** What is left of one limit. */
export class Allowance {
  readonly #limit: ServerLimit
  #left: number
  /** When `#left` was true: the number of a window, or a time. */
  #asOf = Number.NEGATIVE_INFINITY

  constructor(limit: ServerLimit) {
    this.#limit = limit
    this.#left = limit.burst ?? limit.requests
  }

  /** Takes one request. @returns the response's status and headers */
  take(now: number): Pick<HttpResponse, 'status' | 'headers'> {
    const { kind, requests, periodMs, burst = requests, hints } = this.#limit
    const perMs = requests / periodMs
    if (kind === 'bucket') {
      const earned = Number.isFinite(this.#asOf) ? (now - this.#asOf) * perMs : 0
      this.#left = Math.min(burst, this.#left + earned)
      this.#asOf = now
    } else if (Math.floor(now / periodMs) !== this.#asOf) {
      this.#left = requests
      this.#asOf = Math.floor(now / periodMs)
    }
    const isAccepted = this.#left >= 1
    if (isAccepted) this.#left--
    const resetAt = kind === 'window' ? (Math.floor(now / periodMs) + 1) * periodMs : now + (1 - this.#left) / perMs
    const headers: Record<string, string> = { date: new Date(now).toUTCString() }
    if (hints === 'X-RateLimit-Remaining' || (hints === 'X-RateLimit-Reset' && !isAccepted)) {
      headers['x-ratelimit-limit'] = String(requests)
      headers['x-ratelimit-reset'] = String(Math.ceil(resetAt / 1000))
    }
    if (hints === 'X-RateLimit-Remaining') headers['x-ratelimit-remaining'] = String(Math.floor(this.#left))
    if (hints === 'Retry-After' && !isAccepted) headers['retry-after'] = String(Math.ceil((resetAt - now) / 1000))
    return { status: isAccepted ? 201 : 429, headers }
  }
}

/** A server; a request's path is its installation. */
class SimulatedServer implements Transport {
  readonly #limit: ServerLimit | undefined
  readonly #clock: Clock
  readonly #responseMs: number
  readonly #jitterMs: number
  readonly #random: () => number
  readonly #closedUntilMs: number
  readonly #allowances = new Map<string, Allowance>()
  accepted = 0
  throttled = 0

  constructor({ limit, responseMs = 100, jitterMs = 0, seed = 1, closedUntilMs = 0 }: Simulation, clock: Clock) {
    this.#jitterMs = jitterMs
    this.#random = randomFrom(seed)
    this.#closedUntilMs = closedUntilMs
    this.#limit = limit
    this.#clock = clock
    this.#responseMs = responseMs
  }

  async send({ url }: { readonly url: URL }): Promise<HttpResponse> {
    await this.#clock.sleep(this.#responseMs / 2 + this.#jitterMs * this.#random())
    const answer = this.#answer(url.pathname)
    if (answer.status === 429) this.throttled++
    else this.accepted++
    await this.#clock.sleep(this.#responseMs / 2)
    return { ...answer, text: '' }
  }

  #answer(installation: string): Pick<HttpResponse, 'status' | 'headers'> {
    if (this.#clock.monotonic() < this.#closedUntilMs) return { status: 429, headers: { 'retry-after': '1' } }
    if (!this.#limit) return { status: 201, headers: {} }
    const key = this.#limit.perInstallation ? installation : ''
    const allowance = this.#allowances.get(key) ?? new Allowance(this.#limit)
    this.#allowances.set(key, allowance)
    return allowance.take(this.#clock.now().getTime())
  }

  close(): void {}
}

/**
 * Runs a batch on a virtual clock. A shard has every n-th installation.
 *
 * @throws {Error} if a record was not delivered
 */
export async function simulate(plan: Simulation): Promise<SimulationResult> {
  const { limit, records, installations, shards = 1 } = plan
  const clock = new VirtualClock(plan.phaseMs)
  const server = new SimulatedServer(plan, clock)
  let isDone = false
  const all = Promise.all(Array.from({ length: shards }, (_, shard) => runShard(plan, shard, server, clock))).then(
    () => {
      isDone = true
    },
  )
  await clock.run(() => isDone)
  await all
  const { accepted, throttled } = server
  if (accepted !== records) throw new Error(`Only ${accepted} of ${records} records were delivered`)
  const ms = clock.monotonic()
  const limits = limit?.perInstallation ? installations : 1
  return {
    ms,
    accepted,
    throttled,
    goodput: limit && accepted / ((limits * limit.requests * ms) / limit.periodMs),
    throttledShare: throttled / (accepted + throttled),
  }
}

async function runShard(plan: Simulation, shard: number, server: Transport, clock: Clock): Promise<void> {
  const { records, installations, shards = 1, concurrency = 64, seed = 1 } = plan
  const limiter = new AdaptiveLimiter({
    concurrency,
    maxWaitMs: 300_000,
    clock,
    random: randomFrom(seed * 1000 + shard),
    signal: new AbortController().signal,
    log: { info() {} },
  })
  function* installationsInTurn() {
    for (let index = 0; index < records; index++) {
      if ((index % installations) % shards === shard) yield String(index % installations)
    }
  }
  await schedule({
    records: installationsInTurn(),
    installationOf: (installation) => installation,
    limiter,
    async run(installation) {
      const slot: Slot = { installation, acquired: true, waitedMs: 0 }
      const url = new URL(installation, 'https://api.vercel.com/')
      await limiter.transport(server, slot).send({ method: 'POST', url, headers: {} }, { timeoutMs: 30_000 })
    },
    isStopped: () => limiter.givenUp !== undefined,
    maxWaitingRecords: 20_000,
  })
  limiter.close()
}

/** A limit, a batch that meets it, and how well the batch must use it. */
export interface RateLimitRow {
  readonly name: string
  readonly plan: Simulation & { readonly limit: ServerLimit }
  readonly minGoodput: number
  readonly maxThrottledShare: number
}

const perSecond = { kind: 'window', requests: 100, periodMs: 1000 } as const
const bucket = { kind: 'bucket', requests: 100, periodMs: 1000, burst: 20 } as const
const perInstallation = { kind: 'window', requests: 5, periodMs: 1000, perInstallation: true } as const

const row = (
  name: string,
  limit: ServerLimit,
  plan: Omit<Simulation, 'limit'>,
  [minGoodput, maxThrottledShare]: readonly [number, number],
): RateLimitRow => ({ name, plan: { ...plan, jitterMs: 10, limit }, minGoodput, maxThrottledShare })

const many = { records: 10_000, installations: 2000 }
const few = { records: 20_000, installations: 40 }
const shards = { ...many, shards: 4 }

export const rateLimitRows: readonly RateLimitRow[] = [
  row('100 per second', { ...perSecond, hints: 'Retry-After' }, many, [0.95, 0.1]),
  row('100 per second', { ...perSecond, hints: 'X-RateLimit-Reset' }, many, [0.95, 0.1]),
  row('100 per second', { ...perSecond, hints: 'X-RateLimit-Remaining' }, many, [0.95, 0.02]),
  row('100 per second', { ...perSecond, hints: 'nothing' }, many, [0.8, 0.1]),
  row('bucket of 20, 100 per second', { ...bucket, hints: 'Retry-After' }, many, [0.92, 0.15]),
  row('bucket of 20, 100 per second', { ...bucket, hints: 'X-RateLimit-Remaining' }, many, [0.92, 0.05]),
  row('5 per second for each of 40 installations', { ...perInstallation, hints: 'Retry-After' }, few, [0.95, 0.1]),
  row(
    '5 per second for each of 40 installations',
    { ...perInstallation, hints: 'X-RateLimit-Remaining' },
    few,
    [0.99, 0.01],
  ),
  row(
    '600 per 10 seconds',
    { kind: 'window', requests: 600, periodMs: 10_000, hints: 'X-RateLimit-Remaining' },
    { ...many, records: 6000 },
    [1, 0.01],
  ),
  row(
    '6,000 per minute',
    { kind: 'window', requests: 6000, periodMs: 60_000, hints: 'X-RateLimit-Remaining' },
    { ...many, records: 36_000 },
    [1, 0.01],
  ),
  row('100 per second, 4 shards', { ...perSecond, hints: 'nothing' }, shards, [0.85, 0.1]),
  row('bucket of 20, 100 per second, 4 shards', { ...bucket, hints: 'nothing' }, shards, [0.85, 0.1]),
]
