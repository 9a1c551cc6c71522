// Time as delivery knows it, so that a test can bring its own.

export interface Clock {
  readonly now: () => Date
  /** Milliseconds from any start; never goes back. */
  readonly monotonic: () => number
  /** Resolves after so many milliseconds, or at once when the signal is aborted: whoever waits looks at it then. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const end = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      // A timer holds 24.8 days; nothing here waits that long, but a server may ask for it.
      const timer = setTimeout(end, Math.min(ms, 2 ** 31 - 1))
      signal?.addEventListener('abort', end, { once: true })
    }),
}
