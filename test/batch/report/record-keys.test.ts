// The lines and keys of a shard's records.

import { expect, test } from 'vitest'
import { hashKey } from '../../../src/batch/records/key-hashes.ts'
import { RecordKeys } from '../../../src/batch/report/record-keys.ts'

test.each([0, 1, 1024, 1025, 2050])('%i records come in their order', (count) => {
  const keys = new RecordKeys()
  for (let index = 0; index < count; index++) keys.add(index * 2 + 1, `key-${index}`)
  expect(keys.count).toBe(count)
  expect([...keys]).toEqual(
    Array.from({ length: count }, (_, index) => ({ line: index * 2 + 1, hash: hashKey(`key-${index}`) })),
  )
})
