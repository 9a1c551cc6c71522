import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatShard, isInShard, readShard } from '../../../src/batch/records/shard.ts'
import { unicodeText } from '../../unicode-text.ts'

const shardsOf = (count: number) => Array.from({ length: count }, (_, index) => ({ index: index + 1, count }))

test.each([
  ['1/1', 1, 1],
  ['1/4', 1, 4],
  ['4/4', 4, 4],
  ['10/256', 10, 256],
  ['999999/999999', 999_999, 999_999],
])('%s is a shard', (text, index, count) => {
  expect(readShard(text)).toEqual({ index, count })
  expect(formatShard({ index, count })).toBe(text)
})

test.each([
  ['0/4'],
  ['5/4'],
  ['1/0'],
  ['0/0'],
  ['x'],
  ['1'],
  ['1/'],
  ['/4'],
  [''],
  ['01/4'],
  ['1/04'],
  [' 1/4'],
  ['1/4 '],
  ['1/4\n'],
  ['1 / 4'],
  ['-1/4'],
  ['+1/4'],
  ['1.0/4'],
  ['1e0/4'],
  ['1/4/4'],
  ['1/1000000'],
  ['١/٤'],
])('%j is not a shard', (text) => {
  expect(readShard(text)).toBeUndefined()
})

test('each installation is in exactly one shard, for any number of shards', () => {
  fc.assert(
    fc.property(unicodeText(), fc.integer({ min: 1, max: 300 }), (installation, count) => {
      expect(shardsOf(count).filter((shard) => isInShard(shard, installation))).toHaveLength(1)
    }),
  )
})

test('shards have about the same size', () => {
  for (const count of [2, 3, 16]) {
    const sizes = shardsOf(count).map(
      (shard) =>
        Array.from({ length: 4000 }, (_, number) => `icfg_${number}`).filter((id) => isInShard(shard, id)).length,
    )
    const expected = 4000 / count
    for (const size of sizes) expect(Math.abs(size - expected)).toBeLessThan(4 * Math.sqrt(expected))
  }
})

// If the assignment changed, a run that a later version resumes would skip installations.
test('an installation is in the same shard in every version', () => {
  const shardIndices = (installation: string) =>
    [4, 7, 1000].map((count) => shardsOf(count).find((shard) => isInShard(shard, installation))?.index)
  expect(['icfg_3bwCLgxL8qt5kjRLcv2Dit7F', 'icfg_1', 'é', ''].map(shardIndices)).toEqual([
    [3, 2, 703],
    [2, 6, 78],
    [4, 5, 44],
    [1, 2, 125],
  ])
})
