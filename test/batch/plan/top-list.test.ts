// The list of the first entries by rank.

import { expect, test, vi } from 'vitest'
import { TopList } from '../../../src/batch/plan/top-list.ts'

const listOf = (max: number, ranks: readonly number[]) => {
  const list = new TopList<string>(max)
  for (const [index, rank] of ranks.entries()) list.add(rank, () => `${rank} (${index})`)
  return list
}

test.each([
  ['one that is better than the last', [10, 5, 3, 4], ['10 (0)', '5 (1)', '4 (3)']],
  ['the best at the end', [1, 2, 3, 4], ['4 (3)', '3 (2)', '2 (1)']],
  ['equal ranks in their order', [1, 2, 2, 2, 2], ['2 (1)', '2 (2)', '2 (3)']],
  ['fewer than it can hold', [0, 7], ['7 (1)', '0 (0)']],
])('a list of three keeps %s', (_, ranks, expected) => {
  expect(listOf(3, ranks).entries).toEqual(expected)
})

test('an entry is made only if it is kept', () => {
  const list = listOf(2, [5, 3])
  const make = vi.fn(() => 'made')
  for (const rank of [1, 3]) list.add(rank, make)
  expect(make).not.toHaveBeenCalled()
  list.add(4, make)
  expect(make).toHaveBeenCalledOnce()
})
