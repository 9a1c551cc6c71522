import { expect, test } from 'vitest'
import { findMissingShards } from '../../../src/batch/journal/missing-shards.ts'

test.each<[shards: string[], missing: object[]]>([
  [[], []],
  [['1/1'], []],
  [['1/2', '2/2', '2/2'], []],
  [['2/3'], [{ count: 3, missing: 2, names: '1/3, 3/3' }]],
  [
    ['1/2', '3/4', 'x', '5/4'],
    [
      { count: 2, missing: 1, names: '2/2' },
      { count: 4, missing: 3, names: '1/4, 2/4, 4/4' },
    ],
  ],
  [['1/11'], [{ count: 11, missing: 10, names: '2/11, 3/11, 4/11, 5/11, 6/11, 7/11, 8/11, 9/11, 10/11, 11/11' }]],
  [
    ['12/12'],
    [{ count: 12, missing: 11, names: '1/12, 2/12, 3/12, 4/12, 5/12, 6/12, 7/12, 8/12, 9/12, 10/12 and others' }],
  ],
])('of the shards %j are missing %j', (shards, missing) => {
  expect(findMissingShards(shards)).toEqual(missing)
})
