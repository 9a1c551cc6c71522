// Iterates over millions of items without holding up signals and timers.

import { setImmediate as nextTurn } from 'node:timers/promises'

const itemsPerTurn = 2000

/** Yields the items, and gives the event loop a turn now and then. It ends when the signal is aborted. */
export async function* inTurns<T>(items: Iterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  let count = 0
  for (const item of items) {
    if (signal.aborted) return
    yield item
    if (++count % itemsPerTurn === 0) await nextTurn()
  }
}
