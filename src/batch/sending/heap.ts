// V8's heap, held small. What a record leaves behind is short-lived, but some of it is under way long enough to be taken
// for old, and V8 lets both its young and its old generation grow far beyond what is alive.

import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Of the young generation: a larger one takes more memory and is no faster, a smaller one takes more time. */
const maxYoungGenerationBytes = 24 * 1024 * 1024

/** Has the old generation collected once it is twice what was alive; V8 would wait for four times. */
export function limitOldGeneration(): void {
  setFlagsFromString('--heap-growing-percent=100')
}

/** Lets the young generation grow to its size, and then no more. Asked now and then, it says whether that was reached. */
export function limitYoungGeneration(): boolean {
  const size = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0
  if (size < maxYoungGenerationBytes) return false
  setFlagsFromString('--semi-space-growth-factor=1')
  return true
}
