import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { schedule } from '../../../src/batch/sending/schedule.ts'
import { TestClock } from '../test-clock.ts'

interface Record {
  readonly number: number
  readonly installation: string
  readonly ms: number
}

interface Change {
  readonly concurrency?: number
  readonly maxWaitingRecords?: number
  /** Of records started, after which it is to stop. */
  readonly stopsAfter?: number
  /** The time, in milliseconds, from which on it is to stop. */
  readonly stopsAt?: number
  /** Of records read, after which reading throws. */
  readonly breaksAfter?: number
}

/** Runs a schedule to its end, and says what happened. */
async function run(all: readonly Record[], change: Change = {}) {
  const never = Number.POSITIVE_INFINITY
  const { concurrency = 4, maxWaitingRecords = 100, stopsAfter = never, stopsAt = never, breaksAfter = never } = change
  const clock = new TestClock()
  const started: Record[] = []
  const ended: Record[] = []
  const atOnce = new Set<string>()
  const clashes: Record[] = []
  let places = 0
  let most = 0
  let read = 0
  let mostAhead = 0
  let waiter: (() => void) | undefined
  const limiter = {
    async acquire() {
      while (places >= concurrency) await new Promise<void>((resolve) => (waiter = resolve))
      most = Math.max(most, ++places)
    },
    release() {
      places--
      waiter?.()
    },
  }
  function* records() {
    for (const record of all) {
      if (read === breaksAfter) throw new Error('unreadable')
      read++
      mostAhead = Math.max(mostAhead, read - started.length)
      yield record
    }
  }
  const done = schedule<Record>({
    records: records(),
    installationOf: ({ installation }) => installation,
    limiter,
    async run(record) {
      started.push(record)
      if (atOnce.has(record.installation)) clashes.push(record)
      atOnce.add(record.installation)
      if (record.ms > 0) await clock.sleep(record.ms)
      atOnce.delete(record.installation)
      ended.push(record)
      limiter.release()
    },
    isStopped: () => started.length >= stopsAfter || clock.monotonic() >= stopsAt,
    maxWaitingRecords,
  }).then(
    () => undefined,
    (error: Error) => error,
  )
  await clock.run(done)
  return { started, ended, clashes, most, mostAhead, places, error: await done, ms: clock.monotonic() }
}

const batch = (maxLength = 40) =>
  fc
    .array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.constantFrom(0, 1, 10, 30)), {
      maxLength,
      size: 'max',
    })
    .map((list) => list.map(([installation, ms], number): Record => ({ number, installation, ms })))
const numbers = (records: readonly Record[]) => records.map(({ number }) => number)

test('each record is delivered once, those of an installation in their order and one at a time', async () => {
  await fc.assert(
    fc.asyncProperty(
      batch(),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 8 }),
      async (all, concurrency, maxWaitingRecords) => {
        const { started, ended, clashes, most, mostAhead, places } = await run(all, { concurrency, maxWaitingRecords })
        expect(numbers(started).sort((a, b) => a - b)).toEqual(numbers(all))
        expect(ended).toHaveLength(all.length)
        for (const installation of 'abcde') {
          const own = (records: readonly Record[]) =>
            numbers(records.filter((record) => record.installation === installation))
          expect(own(started)).toEqual(own(all))
        }
        expect(clashes).toEqual([])
        expect(most).toBeLessThanOrEqual(concurrency)
        // One more than wait is in hand.
        expect(mostAhead).toBeLessThanOrEqual(maxWaitingRecords + 1)
        expect(places).toBe(0)
      },
    ),
    { numRuns: 200 },
  )
})

test('stopped at any moment, it starts no more, and ends when what is under way has', async () => {
  await fc.assert(
    fc.asyncProperty(
      batch(),
      fc.nat({ max: 40 }),
      fc.integer({ min: 1, max: 6 }),
      async (all, stopsAfter, concurrency) => {
        const { started, ended, places } = await run(all, { stopsAfter, concurrency })
        expect(started).toHaveLength(Math.min(stopsAfter, all.length))
        expect(ended).toHaveLength(started.length)
        expect(places).toBe(0)
      },
    ),
  )
})

const row = (...records: [string, number][]) =>
  records.map(([installation, ms], number): Record => ({ number, installation, ms }))

describe('installations go side by side', () => {
  test('and one that is slow holds up nobody else', async () => {
    const { started, ms } = await run(row(['a', 100], ['a', 100], ['b', 10], ['c', 10], ['b', 10]), { concurrency: 2 })
    expect(numbers(started)).toEqual([0, 2, 3, 4, 1])
    expect(ms).toBe(200)
  })

  test('unless what waits for it is all that may be read ahead', async () => {
    const slow = Array.from({ length: 4 }, (): [string, number] => ['a', 10])
    const { started } = await run(row(...slow, ['b', 10]), { maxWaitingRecords: 2 })
    expect(numbers(started)).toEqual([0, 1, 2, 4, 3])
  })
})

test('told to stop while a record waits for its place, it gives the place back, and reads no more', async () => {
  const { started, ended, places } = await run(row(['a', 10], ['b', 10], ['c', 10]), { concurrency: 1, stopsAt: 5 })
  expect(numbers(started)).toEqual([0])
  expect(ended).toHaveLength(1)
  expect(places).toBe(0)
  expect((await run(row(['a', 10], ['b', 10]), { stopsAfter: 1, breaksAfter: 1 })).error).toBeUndefined()
})

test('what cannot be read on is told only when what is under way has ended', async () => {
  const { error, started, ended, ms } = await run(row(['a', 10], ['b', 30], ['a', 10], ['c', 10]), { breaksAfter: 3 })
  expect(error?.message).toBe('unreadable')
  expect(numbers(started)).toEqual([0, 1])
  expect(numbers(ended)).toEqual([0, 1])
  expect(ms).toBe(30)
})

test('a long row of one installation lets other things have their turn', async () => {
  let turns = 0
  let isOver = false
  const count = () => {
    turns++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  let end = () => {}
  const first = new Promise<void>((resolve) => {
    end = resolve
  })
  function* records() {
    for (let number = 0; number < 5000; number++) yield number
    isOver = true
    end()
  }
  await schedule<number>({
    records: records(),
    installationOf: () => 'a',
    limiter: { acquire: async () => {}, release() {} },
    run: (number) => (number === 0 ? first : Promise.resolve()),
    isStopped: () => false,
    maxWaitingRecords: 5000,
  })
  expect(turns).toBeGreaterThan(10)
})
