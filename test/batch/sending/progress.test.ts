import { expect, test } from 'vitest'
import { Progress } from '../../../src/batch/sending/progress.ts'
import type { BatchWait } from '../../../src/batch/sending/slot.ts'
import { TestClock } from '../test-clock.ts'

function start(total: number) {
  const clock = new TestClock()
  const lines: string[] = []
  let waiting: BatchWait | undefined
  const progress = new Progress(total, { clock, log: (line) => void lines.push(line), waiting: () => waiting })
  /** Records that take equally long. */
  async function finish(count: number, msEach: number, failed = 0): Promise<void> {
    const from = clock.monotonic()
    for (let record = 1; record <= count; record++) {
      await clock.run(from + record * msEach)
      progress.recordDone(failed)
    }
  }
  const wait = (next: BatchWait | undefined) => {
    waiting = next
  }
  return { clock, lines, finish, wait }
}

test('a line every ten seconds has count, rate and remaining time', async () => {
  const { lines, finish } = start(1000)
  await finish(99, 100)
  expect(lines).toEqual([])
  await finish(1, 100)
  expect(lines).toEqual(['100 of 1,000 (10 %), 10/s, about 1 min 30 s left'])
  await finish(100, 100, 1234)
  expect(lines).toEqual([lines[0], '200 of 1,000 (20 %), 10/s, about 1 min 20 s left; 1,234 failed'])
})

test('the remaining time follows the rate of the last minute', async () => {
  const { lines, finish } = start(1000)
  await finish(12, 10_000)
  expect(lines.at(-1)).toBe('12 of 1,000 (1 %), 6/min, about 2 h 44 min left')
  await finish(600, 100)
  expect(lines.at(-1)).toBe('612 of 1,000 (61 %), 10/s, about 38.8 s left')
})

test('the rate is that of the last six lines, or since the start', async () => {
  const { lines, finish } = start(10_000)
  await finish(200, 50)
  for (let line = 2; line <= 7; line++) await finish(100, 100)
  const rates = lines.map((line) => line.split(', ').find((part) => part.endsWith('/s')))
  expect(rates).toEqual(['20/s', '15/s', '13/s', '13/s', '12/s', '12/s', '10/s'])
})

test('while all requests wait, a line says for what and until when, and estimates nothing', async () => {
  const { lines, finish, wait } = start(1000)
  const until = new Date('2025-03-15T00:05:00.100Z')
  await finish(50, 100)
  wait({ reason: 'throttled', until })
  await finish(1, 5000)
  expect(lines).toEqual(["51 of 1,000 (5 %), waiting for Vercel's rate limit until 2025-03-15 00:05:01 UTC"])
  wait({ reason: 'unopened', until })
  await finish(1, 10_000, 2)
  expect(lines[1]).toBe('52 of 1,000 (5 %), waiting for the host, until 2025-03-15 00:05:01 UTC at most; 2 failed')
})

test('a remaining time of more than two days is left out', async () => {
  const { lines, finish } = start(1_000_000)
  await finish(1, 20_000)
  expect(lines).toEqual(['1 of 1,000,000 (0 %), 3/min'])
})

test.each([
  [17_281, '1 of 17,281 (0 %), 6/min, about 48 h left'],
  [17_282, '1 of 17,282 (0 %), 6/min'],
])('a remaining time of exactly two days is named: %i records', async (total, line) => {
  const { lines, finish } = start(total)
  await finish(1, 10_000)
  expect(lines).toEqual([line])
})

test('a batch that is done logs nothing more', async () => {
  const { lines, finish } = start(3)
  await finish(3, 10_000)
  expect(lines).toEqual(['1 of 3 (33 %), 6/min, about 20 s left', '2 of 3 (66 %), 6/min, about 10 s left'])
})

test.each([
  [5, 2500, '4 of 1,000 (0 %), 24/min, about 41 min 30 s left'],
  [5, 3334, '3 of 1,000 (0 %), 18/min, about 55 min 24 s left'],
  [20, 1000, '10 of 1,000 (1 %), 1/s, about 16 min 30 s left'],
  [30, 400, '25 of 1,000 (2 %), 2.5/s, about 6 min 30 s left'],
])('the rate has as many digits as it needs: %i records of %i ms', async (count, ms, line) => {
  const { lines, finish } = start(1000)
  await finish(count, ms)
  expect(lines[0]).toBe(line)
})
