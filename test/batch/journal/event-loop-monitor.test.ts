import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { EventLoopMonitor } from '../../../src/batch/journal/event-loop-monitor.ts'

const check = (monitor: EventLoopMonitor, times: number) => Array.from({ length: times }, () => monitor.isSaturated())

test('the event loop is saturated above a share of 0.9, measured every 64 checks', () => {
  const shares = [0.91, 0.9]
  const monitor = new EventLoopMonitor(() => shares.shift() as number)
  expect(new Set(check(monitor, 63))).toEqual(new Set([false]))
  expect(new Set(check(monitor, 64))).toEqual(new Set([true]))
  expect(monitor.isSaturated()).toBe(false)
})

test('an event loop that never waits is saturated', async () => {
  const monitor = new EventLoopMonitor()
  const until = performance.now() + 20
  while (performance.now() < until) await nextTurn()
  expect(check(monitor, 64).at(-1)).toBe(true)
})
