// Watches what limits V8's heap.

import { syncBuiltinESMExports } from 'node:module'
import v8 from 'node:v8'
import { onTestFinished, vi } from 'vitest'

/**
 * Records the flags of V8 instead of setting them, until the test ends.
 *
 * @param sizes  of the young generation, in MiB, each time it is asked for; the last one stays. Without one, V8 does not tell.
 */
export function heapFlags(sizes: readonly number[]): string[] {
  const flags: string[] = []
  const setFlags = vi.spyOn(v8, 'setFlagsFromString').mockImplementation((flag) => void flags.push(flag))
  let asked = 0
  const spaces = vi.spyOn(v8, 'getHeapSpaceStatistics').mockImplementation(() => {
    const size = sizes[Math.min(asked++, sizes.length - 1)]
    const bytesOf = { old_space: 1000, ...(size !== undefined && { new_space: size }) }
    return Object.entries(bytesOf).map(
      ([name, megabytes]) => ({ space_name: name, space_size: megabytes * 1024 * 1024 }) as v8.HeapSpaceInfo,
    )
  })
  syncBuiltinESMExports()
  onTestFinished(() => {
    setFlags.mockRestore()
    spaces.mockRestore()
    syncBuiltinESMExports()
  })
  return flags
}
