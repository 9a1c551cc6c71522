import { expect, test } from 'vitest'
import { Progress } from '../../../src/batch/sending/progress.ts'

function start(total: number) {
  let ms = 5000
  const lines: string[] = []
  const clock = { monotonic: () => ms, now: () => new Date(), sleep: async () => {} }
  const progress = new Progress(total, { clock, log: (line) => void lines.push(line) })
  const finish = (count: number, msEach: number, failed = 0) => {
    for (let record = 0; record < count; record++) {
      ms += msEach
      progress.recordDone(failed)
    }
  }
  return { lines, finish }
}

test('a line every ten seconds at most has count, rate and remaining time', () => {
  const { lines, finish } = start(10_000)
  finish(999, 10)
  expect(lines).toEqual([])
  finish(1, 10)
  expect(lines).toEqual(['1,000 of 10,000 (10 %), 100/s, about 1 min 30 s left'])
  finish(999, 10, 3)
  expect(lines).toHaveLength(1)
  finish(1, 10, 1234)
  expect(lines[1]).toBe('2,000 of 10,000 (20 %), 100/s, about 1 min 20 s left; 1,234 failed')
})

test('a slow batch has a rate per minute', () => {
  const { lines, finish } = start(10)
  finish(1, 12_500)
  expect(lines).toEqual(['1 of 10 (10 %), 5/min, about 1 min 53 s left'])
})

test('the rate of a very slow batch is never zero', () => {
  const { lines, finish } = start(10)
  finish(1, 90_000)
  expect(lines).toEqual(['1 of 10 (10 %), 1/min, about 13 min 30 s left'])
})

test('a high rate has no decimals', () => {
  const { lines, finish } = start(1000)
  finish(123, 81.4)
  expect(lines[0]).toMatch(/, 12\/s, /)
})

test('a short batch and the last record log nothing', () => {
  const { lines, finish } = start(3)
  finish(2, 4000)
  finish(1, 60_000)
  expect(lines).toEqual([])
})
