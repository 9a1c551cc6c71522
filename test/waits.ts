// Waits and time-outs of steps, which take no or little real time.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { onTestFinished, vi } from 'vitest'
import { type Clock, systemClock } from '../src/runtime.ts'

const real = { ...systemClock }

/** A clock that jumps to the end of each wait: for steps that wait while nothing else happens. */
export function jumpingClock(): Clock {
  let skippedMs = 0
  const monotonic = () => real.monotonic() + skippedMs
  return {
    monotonic,
    now: () => new Date(real.now().getTime() + skippedMs),
    async sleep(ms, signal) {
      const end = monotonic() + ms
      await nextTurn()
      // Several waits can end at the same time.
      if (!signal?.aborted) skippedMs += Math.max(0, end - monotonic())
    },
  }
}

/** A clock that runs faster: for batches, which wait and send at once. */
export function fastClock(factor: number): Clock {
  const [start, begin] = [real.now().getTime(), real.monotonic()]
  return {
    monotonic: () => real.monotonic() * factor,
    now: () => new Date(start + (real.monotonic() - begin) * factor),
    sleep: (ms, signal) => real.sleep(ms / factor, signal),
  }
}

/** Makes the clock of all steps in process jump to the end of each wait, until the test has finished. */
export function skipWaits(): void {
  if (vi.isMockFunction(systemClock.sleep)) return
  const { monotonic, now, sleep } = jumpingClock()
  const mocks = [
    vi.spyOn(systemClock, 'monotonic').mockImplementation(monotonic),
    vi.spyOn(systemClock, 'now').mockImplementation(now),
    vi.spyOn(systemClock, 'sleep').mockImplementation(sleep),
  ]
  onTestFinished(() => {
    for (const mock of mocks) mock.mockRestore()
  })
}

const fastTimersModule = `
  const { setTimeout } = globalThis
  globalThis.setTimeout = (run, ms, ...args) => setTimeout(run, ms / 20, ...args)`

/** The option of Node with which the timers of a process fire after a twentieth of their time. */
export const fastTimers = `--import=data:text/javascript,${encodeURIComponent(fastTimersModule)}`

/**
 * Stops the time-outs of requests until the test has finished.
 *
 * @returns lets those that are in flight time out, or only those of at most some milliseconds, in the next turn of the event loop
 */
export function holdTimeouts(): (maxMs?: number) => void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  return (maxMs) =>
    void setImmediate(() => (maxMs === undefined ? vi.runOnlyPendingTimers() : vi.advanceTimersByTime(maxMs)))
}
