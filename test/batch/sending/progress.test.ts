import { expect, test } from 'vitest'
import { Progress } from '../../../src/batch/sending/progress.ts'

function start(total: number) {
  let ms = 5000
  const said: string[] = []
  const clock = { monotonic: () => ms, now: () => new Date(), sleep: async () => {} }
  const progress = new Progress(total, { clock, say: (line) => void said.push(line) })
  const steps = (count: number, each: number, failed = 0) => {
    for (let step = 0; step < count; step++) {
      ms += each
      progress.step(failed)
    }
  }
  return { said, steps }
}

test('a line every ten seconds at most says how many, how fast, and how long', () => {
  const { said, steps } = start(10_000)
  steps(999, 10)
  expect(said).toEqual([])
  steps(1, 10)
  expect(said).toEqual(['1,000 of 10,000 (10 %), 100/s, about 1 min 30 s left'])
  steps(999, 10, 3)
  expect(said).toHaveLength(1)
  steps(1, 10, 1234)
  expect(said[1]).toBe('2,000 of 10,000 (20 %), 100/s, about 1 min 20 s left; 1,234 failed')
})

test('a slow batch counts by the minute', () => {
  const { said, steps } = start(10)
  steps(1, 12_500)
  expect(said).toEqual(['1 of 10 (10 %), 5/min, about 1 min 53 s left'])
})

test('a very slow one never says that nothing happens', () => {
  const { said, steps } = start(10)
  steps(1, 90_000)
  expect(said).toEqual(['1 of 10 (10 %), 1/min, about 13 min 30 s left'])
})

test('a quick one needs no digit after the point', () => {
  const { said, steps } = start(1000)
  steps(123, 81.4)
  expect(said[0]).toMatch(/, 12\/s, /)
})

test('a short one says nothing, nor does the last record', () => {
  const { said, steps } = start(3)
  steps(2, 4000)
  steps(1, 60_000)
  expect(said).toEqual([])
})
