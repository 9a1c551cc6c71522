// Limits V8's heap. Most objects of a record are short-lived, but some live long enough to be promoted to the old
// generation, and V8 lets both generations grow far beyond what is in use.

import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** A larger young generation takes more memory and is not faster; a smaller one is slower. */
const maxYoungGenerationBytes = 24 * 1024 * 1024

/** Lets V8 collect the old generation once it is twice the size of what was in use; its default is up to four times. */
export function limitOldGeneration(): void {
  setFlagsFromString('--heap-growing-percent=100')
}

/**
 * Stops the growth of V8's young generation once it has reached `maxYoungGenerationBytes`. Call it periodically until it
 * returns true.
 *
 * @returns whether the growth was stopped
 */
export function limitYoungGeneration(): boolean {
  const size = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0
  if (size < maxYoungGenerationBytes) return false
  setFlagsFromString('--semi-space-growth-factor=1')
  return true
}
