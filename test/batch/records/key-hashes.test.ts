import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeyHashes } from '../../../src/batch/records/key-hashes.ts'
import { keyHashesOf } from '../records.ts'

const commonKey = fc.constantFrom('a', 'b', 'c', 'd', '')
const keyList = fc.array(fc.oneof(commonKey, fc.string()), { maxLength: 30 })

test('finds the keys that were added more than once, and no others', () => {
  fc.assert(
    fc.property(keyList, (keys) => {
      const isDuplicate = keyHashesOf(keys).duplicates() ?? (() => false)
      for (const key of [...keys, 'not added']) {
        expect([key, isDuplicate(key)]).toEqual([key, keys.filter((other) => other === key).length > 1])
      }
    }),
  )
})

test('returns undefined if there are no duplicates', () => {
  expect(new KeyHashes().duplicates()).toBeUndefined()
  expect(keyHashesOf(['a', 'b']).duplicates()).toBeUndefined()
})

test('a key can be added after duplicates were looked for', () => {
  const keys = keyHashesOf(['a', 'b'])
  keys.duplicates()
  keys.add('a')
  expect(keys.duplicates()?.('a')).toBe(true)
})
