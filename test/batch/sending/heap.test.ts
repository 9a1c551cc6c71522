import { syncBuiltinESMExports } from 'node:module'
import v8 from 'node:v8'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { limitOldGeneration, limitYoungGeneration } from '../../../src/batch/sending/heap.ts'

const megabyte = 1024 * 1024
let flags: string[]

beforeEach(() => {
  flags = []
  vi.spyOn(v8, 'setFlagsFromString').mockImplementation((flag) => void flags.push(flag))
  syncBuiltinESMExports()
})

afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})

/** Lets the young generation of the heap be of a size; undefined if V8 does not tell. */
function setYoungGeneration(bytes: number | undefined) {
  const spaces = [
    { space_name: 'old_space', space_size: 1000 * megabyte },
    ...(bytes === undefined ? [] : [{ space_name: 'new_space', space_size: bytes }]),
  ]
  vi.spyOn(v8, 'getHeapSpaceStatistics').mockReturnValue(spaces as v8.HeapSpaceInfo[])
  syncBuiltinESMExports()
}

test('the old generation is collected once it has doubled', () => {
  limitOldGeneration()
  expect(flags).toEqual(['--heap-growing-percent=100'])
})

test.each([
  [23 * megabyte, false],
  [24 * megabyte - 1, false],
  [24 * megabyte, true],
  [32 * megabyte, true],
  [undefined, false],
])('the young generation of %s bytes stops growing: %s', (bytes, isStopped) => {
  setYoungGeneration(bytes)
  expect(limitYoungGeneration()).toBe(isStopped)
  expect(flags).toEqual(isStopped ? ['--semi-space-growth-factor=1'] : [])
})
