import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { EventLoopMonitor } from '../../../src/batch/journal/event-loop-monitor.ts'

const ask = (load: EventLoopMonitor, times: number) => Array.from({ length: times }, () => load.isSaturated())

test('is high where nearly all time went into work, and low again', () => {
  const shares = [0.91, 0.9]
  const load = new EventLoopMonitor(() => shares.shift() as number)
  expect(new Set(ask(load, 63))).toEqual(new Set([false]))
  expect(new Set(ask(load, 64))).toEqual(new Set([true]))
  expect(load.isSaturated()).toBe(false)
})

test('of the event loop itself: one that never waits is busy', async () => {
  const load = new EventLoopMonitor()
  const until = performance.now() + 20
  while (performance.now() < until) await turn()
  expect(ask(load, 64).at(-1)).toBe(true)
})
