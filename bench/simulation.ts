// How long a batch takes, by the scheduler and the limiter of the action itself on a clock that does not have to wait:
// `npm run bench:simulation`. docs/scaling.md has its figures.

import { setImmediate as turn } from 'node:timers/promises'
import { AdaptiveLimiter } from '../src/batch/sending/limiter.ts'
import { schedule } from '../src/batch/sending/schedule.ts'
import type { HttpResponse, Transport } from '../src/http/transport.ts'
import type { Clock } from '../src/runtime.ts'

interface Plan {
  readonly installations: number
  readonly shards: number
  readonly concurrency: number
  /** Requests that Vercel takes in a minute, from all shards together; the others get a 429 until the next minute. */
  readonly perMinute: number
}

const answerMs = 100

interface Timer {
  readonly at: number
  readonly fire: () => void
}

/** A clock that jumps from one event to the next. */
class VirtualTime implements Clock {
  #now = 0
  #timers: Timer[] = []

  now = () => new Date(1.8e12 + this.#now)
  monotonic = () => this.#now
  sleep = (ms: number) => new Promise<void>((resolve) => this.#add(this.#now + Math.max(0, ms), resolve))

  /** A heap: the next event is at the root. */
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
    const kept = timers[one] as Timer
    timers[one] = timers[other] as Timer
    timers[other] = kept
  }

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

/** A server that takes its time, and so many requests a minute. */
function serverOf({ perMinute }: Plan, clock: Clock): Transport {
  let minute = -1
  let taken = 0
  return {
    async send(): Promise<HttpResponse> {
      await clock.sleep(answerMs)
      const now = clock.now().getTime()
      if (Math.floor(now / 60_000) !== minute) {
        minute = Math.floor(now / 60_000)
        taken = 0
      }
      const headers = { date: new Date(now).toUTCString(), 'x-ratelimit-reset': String((minute + 1) * 60) }
      if (taken >= perMinute) return { status: 429, headers, text: '' }
      taken++
      return { status: 201, headers, text: '' }
    },
    close() {},
  }
}

/** @returns minutes */
async function simulate(plan: Plan): Promise<number> {
  const { installations, shards, concurrency } = plan
  const clock = new VirtualTime()
  const server = serverOf(plan, clock)
  const { signal } = new AbortController()
  const wire = { method: 'POST', url: new URL('https://api.vercel.com/'), headers: {} }
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
        const held = { acquired: true, waitedMs: 0 }
        const { status } = await limiter.transport(server, held).send(wire, { timeoutMs: 30_000 })
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
  if (done !== installations) throw new Error(`${done} of ${installations} were delivered`)
  return clock.monotonic() / 60_000
}

const count = (value: number) => (Number.isFinite(value) ? value.toLocaleString('en') : 'no limit')
const most = Number(process.argv[2] ?? 1_000_000)
console.log('| installations | requests a minute | shards | minutes, 16 at once | minutes, 64 at once |')
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
  if (installations > most) continue
  const plan = { installations, perMinute, shards }
  const minutes: string[] = []
  for (const concurrency of [16, 64]) minutes.push((await simulate({ ...plan, concurrency })).toFixed(1))
  console.log(`| ${count(installations)} | ${count(perMinute)} | ${shards} | ${minutes.join(' | ')} |`)
}
