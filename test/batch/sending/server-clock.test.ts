// How far the server's clock is ahead of ours, as its `Date` headers tell.

import { expect, test } from 'vitest'
import { ServerClock } from '../../../src/batch/sending/server-clock.ts'

const dateAt = (ms: number) => new Date(ms).toUTCString()
/** At least 4 s ahead, and at most 6 s. */
function fourAhead(): ServerClock {
  const clock = new ServerClock()
  clock.update(dateAt(10_000), 5000, 6000)
  return clock
}

test('without a date both clocks are the same', () => {
  const clock = new ServerClock()
  clock.update(undefined, 5000, 6000)
  clock.update('yesterday', 5000, 6000)
  expect(clock.reaches(20_000)).toBe(20_000)
})

test('a date tells by how much the server is certainly ahead, and others narrow that', () => {
  const clock = fourAhead()
  expect(clock.reaches(20_000)).toBe(16_000)
  clock.update(dateAt(12_000), 7200, 7500)
  expect(clock.reaches(20_000)).toBe(15_500)
  clock.update(dateAt(13_000), 8900, 9000)
  expect(clock.reaches(20_000)).toBe(15_500)
})

test('a date that cannot be read changes nothing', () => {
  const clock = fourAhead()
  clock.update('yesterday', 0, 0)
  clock.update(undefined, 0, 0)
  expect(clock.reaches(20_000)).toBe(16_000)
})

test('a date that contradicts the others replaces them: a clock was set', () => {
  const clock = fourAhead()
  // 1 s behind.
  clock.update(dateAt(10_000), 10_900, 11_000)
  expect(clock.reaches(20_000)).toBe(21_000)
  // 10 s ahead.
  clock.update(dateAt(30_000), 19_900, 20_000)
  expect(clock.reaches(40_000)).toBe(30_000)
})

test('a date that just fits the others is no contradiction', () => {
  const clock = fourAhead()
  // At least 3 s ahead, and at most 4 s.
  clock.update(dateAt(10_000), 7000, 7000)
  expect(clock.reaches(20_000)).toBe(16_000)
})
