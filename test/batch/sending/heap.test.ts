import { expect, test } from 'vitest'
import { limitOldGeneration, limitYoungGeneration } from '../../../src/batch/sending/heap.ts'
import { heapFlags } from './heap-flags.ts'

test('the old generation is collected once it has doubled', () => {
  const flags = heapFlags([])
  limitOldGeneration()
  expect(flags).toEqual(['--heap-growing-percent=100'])
})

test.each([
  [23, false],
  [24 - 1 / (1024 * 1024), false],
  [24, true],
  [32, true],
  [undefined, false],
])('the young generation of %s MiB stops growing: %s', (size, isStopped) => {
  const flags = heapFlags(size === undefined ? [] : [size])
  expect(limitYoungGeneration()).toBe(isStopped)
  expect(flags).toEqual(isStopped ? ['--semi-space-growth-factor=1'] : [])
})
