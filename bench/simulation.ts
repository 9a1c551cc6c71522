// Simulates how long a batch takes: the action's own scheduler and limiter run on a virtual clock, against a simulated
// server with a rate limit. `npm run bench:simulation` prints the figures of docs/scaling.md.

import { setImmediate as turn } from 'node:timers/promises'
import { AdaptiveLimiter } from '../src/batch/sending/limiter.ts'
import { schedule } from '../src/batch/sending/schedule.ts'
import type { HttpResponse, Transport } from '../src/http/transport.ts'
import type { Clock } from '../src/runtime.ts'

interface Plan {
  readonly installations: number
  readonly shards: number
  readonly concurrency: number
  /** The rate limit: requests per minute from all shards together. Further ones get a 429 until the next minute. */
  readonly perMinute: number
}

const responseMs = 100

interface Timer {
  readonly at: number
  readonly fire: () => void
}

/** A clock on which a sleep takes no real time: it jumps from one timer to the next. */
class VirtualClock implements Clock {
  #now = 0
  /** A binary heap, ordered by time: the next timer is first. */
  #timers: Timer[] = []

  now = () => new Date(1.8e12 + this.#now)
  monotonic = () => this.#now
  sleep = (ms: number) => new Promise<void>((resolve) => this.#add(this.#now + Math.max(0, ms), resolve))

  #add(at: number, fire: () => void): void {
    const timers = this.#timers
    let index = timers.push({ at, fire }) - 1
    for (let parent = (index - 1) >> 1; index > 0 && at < (timers[parent]?.at ?? 0); parent = (index - 1) >> 1) {
      this.#swap(index, parent)
      index = parent
    }
  }

  #swap(one: number, other: number): void {
    const timers = this.#timers
    const timer = timers[one] as Timer
    timers[one] = timers[other] as Timer
    timers[other] = timer
  }

  /** Removes the next timer. */
  #next(): Timer | undefined {
    const timers = this.#timers
    const [first] = timers
    const last = timers.pop()
    if (timers.length === 0 || last === undefined) return first
    timers[0] = last
    for (let index = 0; ; ) {
      let least = index
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if ((timers[child]?.at ?? Number.POSITIVE_INFINITY) < (timers[least]?.at ?? 0)) least = child
      }
      if (least === index) return first
      this.#swap(index, least)
      index = least
    }
  }

  /** Fires timers until the simulation is done. */
  async run(isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      await turn()
      const first = this.#next()
      if (!first) continue
      this.#now = first.at
      first.fire()
      while (this.#timers[0]?.at === this.#now) this.#next()?.fire()
    }
  }
}

/** A server with a response time and a rate limit. */
function serverOf({ perMinute }: Plan, clock: Clock): Transport {
  let minute = -1
  let accepted = 0
  return {
    async send(): Promise<HttpResponse> {
      await clock.sleep(responseMs)
      const now = clock.now().getTime()
      if (Math.floor(now / 60_000) !== minute) {
        minute = Math.floor(now / 60_000)
        accepted = 0
      }
      const headers = { date: new Date(now).toUTCString(), 'x-ratelimit-reset': String((minute + 1) * 60) }
      if (accepted >= perMinute) return { status: 429, headers, text: '' }
      accepted++
      return { status: 201, headers, text: '' }
    },
    close() {},
  }
}

/**
 * Runs a plan on a virtual clock.
 *
 * @returns how long it takes, in minutes
 * @throws {Error} if a record was not delivered
 */
async function simulate(plan: Plan): Promise<number> {
  const { installations, shards, concurrency } = plan
  const clock = new VirtualClock()
  const server = serverOf(plan, clock)
  const { signal } = new AbortController()
  const request = { method: 'POST', url: new URL('https://api.vercel.com/'), headers: {} }
  let done = 0

  const jobs = Array.from({ length: shards }, async (_, shard) => {
    const limiter = new AdaptiveLimiter({
      concurrency,
      maxThrottledMs: 300_000,
      clock,
      random: Math.random,
      signal,
      log: { info() {} },
    })
    function* records() {
      for (let index = shard; index < installations; index += shards) yield String(index)
    }
    await schedule({
      records: records(),
      installationOf: (record) => record,
      limiter,
      async run() {
        const slot = { acquired: true, waitedMs: 0 }
        const { status } = await limiter.transport(server, slot).send(request, { timeoutMs: 30_000 })
        if (status === 201) done++
      },
      isStopped: () => limiter.hasGivenUp,
      maxWaitingRecords: 20_000,
    })
  })
  let isDone = false
  const all = Promise.all(jobs).then(() => {
    isDone = true
  })
  await clock.run(() => isDone)
  await all
  if (done !== installations) throw new Error(`Only ${done} of ${installations} records were delivered`)
  return clock.monotonic() / 60_000
}

const formatLimit = (value: number) => (Number.isFinite(value) ? value.toLocaleString('en') : 'no limit')
const maxInstallations = Number(process.argv[2] ?? 1_000_000)
console.log('| installations | requests per minute | shards | minutes, 16 at once | minutes, 64 at once |')
console.log('| ---: | ---: | ---: | ---: | ---: |')
for (const [installations, perMinute, shards] of [
  [10_000, Number.POSITIVE_INFINITY, 1],
  [10_000, 6000, 1],
  [100_000, Number.POSITIVE_INFINITY, 1],
  [100_000, Number.POSITIVE_INFINITY, 4],
  [100_000, 60_000, 4],
  [1_000_000, Number.POSITIVE_INFINITY, 4],
  [1_000_000, Number.POSITIVE_INFINITY, 16],
  [1_000_000, 60_000, 4],
] as const) {
  if (installations > maxInstallations) continue
  const plan = { installations, perMinute, shards }
  const minutes: string[] = []
  for (const concurrency of [16, 64]) minutes.push((await simulate({ ...plan, concurrency })).toFixed(1))
  console.log(`| ${formatLimit(installations)} | ${formatLimit(perMinute)} | ${shards} | ${minutes.join(' | ')} |`)
}
