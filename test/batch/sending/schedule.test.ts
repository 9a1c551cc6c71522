import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { schedule } from '../../../src/batch/sending/schedule.ts'
import { runs } from '../../runs.ts'
import { TestClock } from '../test-clock.ts'

interface TestRecord {
  readonly number: number
  readonly installation: string
  readonly ms: number
}

interface ScheduleChange {
  readonly concurrency?: number
  readonly maxWaitingRecords?: number
  /** Stops after this many records were started. */
  readonly stopsAfter?: number
  /** Stops at this time, in milliseconds. */
  readonly stopsAt?: number
  /** Throws after this many records were read. */
  readonly breaksAfter?: number
}

/** Runs a schedule to its end. */
async function run(all: readonly TestRecord[], change: ScheduleChange = {}) {
  const never = Number.POSITIVE_INFINITY
  const { concurrency = 4, maxWaitingRecords = 100, stopsAfter = never, stopsAt = never, breaksAfter = never } = change
  const clock = new TestClock()
  const started: TestRecord[] = []
  const ended: TestRecord[] = []
  const runningInstallations = new Set<string>()
  const overlapping: TestRecord[] = []
  let slots = 0
  let maxSlots = 0
  let read = 0
  let maxReadAhead = 0
  let waiter: (() => void) | undefined
  const limiter = {
    async acquire() {
      while (slots >= concurrency) await new Promise<void>((resolve) => (waiter = resolve))
      maxSlots = Math.max(maxSlots, ++slots)
    },
    release() {
      slots--
      waiter?.()
    },
  }
  function* records() {
    for (const record of all) {
      if (read === breaksAfter) throw new Error('unreadable')
      read++
      maxReadAhead = Math.max(maxReadAhead, read - started.length)
      yield record
    }
  }
  const done = schedule<TestRecord>({
    records: records(),
    installationOf: ({ installation }) => installation,
    limiter,
    async run(record) {
      started.push(record)
      if (runningInstallations.has(record.installation)) overlapping.push(record)
      runningInstallations.add(record.installation)
      if (record.ms > 0) await clock.sleep(record.ms)
      runningInstallations.delete(record.installation)
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
  return { started, ended, overlapping, maxSlots, maxReadAhead, slots, error: await done, ms: clock.monotonic() }
}

const batch = (maxLength = 40) =>
  fc
    .array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.constantFrom(0, 1, 10, 30)), {
      maxLength,
      size: 'max',
    })
    .map((list) => list.map(([installation, ms], number): TestRecord => ({ number, installation, ms })))
const numbers = (records: readonly TestRecord[]) => records.map(({ number }) => number)

test('each record runs once; those of one installation run in order, one at a time', async () => {
  await fc.assert(
    fc.asyncProperty(
      batch(),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 8 }),
      async (all, concurrency, maxWaitingRecords) => {
        const result = await run(all, { concurrency, maxWaitingRecords })
        const { started, ended, overlapping, maxSlots, maxReadAhead, slots } = result
        expect(numbers(started).sort((a, b) => a - b)).toEqual(numbers(all))
        expect(ended).toHaveLength(all.length)
        for (const installation of 'abcde') {
          const ofInstallation = (records: readonly TestRecord[]) =>
            numbers(records.filter((record) => record.installation === installation))
          expect(ofInstallation(started)).toEqual(ofInstallation(all))
        }
        expect(overlapping).toEqual([])
        expect(maxSlots).toBeLessThanOrEqual(concurrency)
        // One more record is read and about to start.
        expect(maxReadAhead).toBeLessThanOrEqual(maxWaitingRecords + 1)
        expect(slots).toBe(0)
      },
    ),
    runs(80),
  )
})

test('a stopped schedule starts no further records and waits for those that run', async () => {
  await fc.assert(
    fc.asyncProperty(
      batch(),
      fc.nat({ max: 40 }),
      fc.integer({ min: 1, max: 6 }),
      async (all, stopsAfter, concurrency) => {
        const { started, ended, slots } = await run(all, { stopsAfter, concurrency })
        expect(started).toHaveLength(Math.min(stopsAfter, all.length))
        expect(ended).toHaveLength(started.length)
        expect(slots).toBe(0)
      },
    ),
  )
})

const listOf = (...records: [string, number][]) =>
  records.map(([installation, ms], number): TestRecord => ({ number, installation, ms }))

describe('installations run side by side', () => {
  test('and a slow one does not delay the others', async () => {
    const { started, ms } = await run(listOf(['a', 100], ['a', 100], ['b', 10], ['c', 10], ['b', 10]), {
      concurrency: 2,
    })
    expect(numbers(started)).toEqual([0, 2, 3, 4, 1])
    expect(ms).toBe(200)
  })

  test('and a record that had to wait for its installation comes before those that are not read yet', async () => {
    const { started } = await run(listOf(['a', 10], ['a', 10], ['b', 10], ['c', 10]), { concurrency: 1 })
    expect(numbers(started)).toEqual([0, 2, 1, 3])
  })

  test('unless its waiting records reach the limit of the read-ahead', async () => {
    const slow = Array.from({ length: 4 }, (): [string, number] => ['a', 10])
    const { started } = await run(listOf(...slow, ['b', 10]), { maxWaitingRecords: 2 })
    expect(numbers(started)).toEqual([0, 1, 2, 4, 3])
  })
})

test('a schedule that is stopped while a record waits for its slot releases the slot and reads no further', async () => {
  const { started, ended, slots } = await run(listOf(['a', 10], ['b', 10], ['c', 10]), { concurrency: 1, stopsAt: 5 })
  expect(numbers(started)).toEqual([0])
  expect(ended).toHaveLength(1)
  expect(slots).toBe(0)
  expect((await run(listOf(['a', 10], ['b', 10]), { stopsAfter: 1, breaksAfter: 1 })).error).toBeUndefined()
})

test('a read error is thrown after the running records have ended', async () => {
  const { error, started, ended, ms } = await run(listOf(['a', 10], ['b', 30], ['a', 10], ['c', 10]), {
    breaksAfter: 3,
  })
  expect(error?.message).toBe('unreadable')
  expect(numbers(started)).toEqual([0, 1])
  expect(numbers(ended)).toEqual([0, 1])
  expect(ms).toBe(30)
})

test('reading many records of one installation does not block the event loop', async () => {
  let turns = 0
  let isAtEnd = false
  const countTurns = () => {
    turns++
    if (!isAtEnd) setImmediate(countTurns)
  }
  setImmediate(countTurns)
  let endFirst = () => {}
  const first = new Promise<void>((resolve) => {
    endFirst = resolve
  })
  function* records() {
    for (let number = 0; number < 5000; number++) yield number
    isAtEnd = true
    endFirst()
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
