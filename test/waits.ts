// Waits and time-outs of steps that run in process, which take no or little real time.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { onTestFinished, vi } from 'vitest'
import { type Clock, systemClock } from '../src/runtime.ts'

const real = { ...systemClock }

/** Replaces the clock of `runStepInProcess`, until the test has finished. */
function replaceClock({ monotonic, sleep }: Pick<Clock, 'monotonic' | 'sleep'>): void {
  const [start, begin] = [real.now().getTime(), monotonic()]
  const mocks = [
    vi.spyOn(systemClock, 'monotonic').mockImplementation(monotonic),
    vi.spyOn(systemClock, 'now').mockImplementation(() => new Date(start + monotonic() - begin)),
    vi.spyOn(systemClock, 'sleep').mockImplementation(sleep),
  ]
  onTestFinished(() => {
    for (const mock of mocks) mock.mockRestore()
  })
}

/**
 * Makes the clock of `runStepInProcess` jump to the end of each wait, until the test has finished: for steps that wait while
 * nothing else happens.
 */
export function skipWaits(): void {
  if (vi.isMockFunction(systemClock.sleep)) return
  let skippedMs = 0
  replaceClock({
    monotonic: () => real.monotonic() + skippedMs,
    async sleep(ms, signal) {
      const end = real.monotonic() + skippedMs + ms
      await nextTurn()
      // Several waits can end at the same time.
      if (!signal?.aborted) skippedMs = Math.max(skippedMs, end - real.monotonic())
    },
  })
}

/** Makes the clock of `runStepInProcess` run faster, until the test has finished: for batches, which wait and send at once. */
export function speedUp(factor: number): void {
  replaceClock({
    monotonic: () => real.monotonic() * factor,
    sleep: (ms, signal) => real.sleep(ms / factor, signal),
  })
}

/**
 * Stops the time-outs of requests until the test has finished.
 *
 * @returns lets those that are in flight time out, in the next turn of the event loop
 */
export function holdTimeouts(): () => void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  return () => void setImmediate(() => vi.runOnlyPendingTimers())
}
