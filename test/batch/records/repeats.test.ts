import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quickHash } from '../../../src/batch/records/key-hashes.ts'
import { Repeats } from '../../../src/batch/records/repeats.ts'
import { unicodeText } from '../../unicode-text.ts'

/** The first line of each key, by the two readings. */
function firstLines(keys: readonly string[], hash?: (key: string) => number): (number | undefined)[] {
  const repeats = new Repeats(hash)
  for (const key of keys) repeats.add(key)
  const suspects = repeats.suspects()
  return keys.map((key, index) => suspects?.firstWith(key, { line: index + 1, hasId: false })?.line)
}

const keyLists = fc.array(fc.oneof(fc.constantFrom('a', 'b', 'c', ''), unicodeText()), {
  maxLength: 30,
})

test.each<[what: string, hash: (key: string) => number]>([
  ['the hash of the check', quickHash],
  ['a hash that is the same for all keys', () => 7],
  ['a hash that is the same for some keys', (key) => key.length],
])('each key is found at its first line, with %s', (_, hash) => {
  fc.assert(
    fc.property(keyLists, (keys) => {
      const expected = keys.map((key, index) => {
        const first = keys.indexOf(key)
        return first < index ? first + 1 : undefined
      })
      expect(firstLines(keys, hash)).toEqual(expected)
    }),
  )
})

test('nothing is suspected if all keys differ', () => {
  const repeats = new Repeats()
  for (let number = 0; number < 200_000; number++) repeats.add(`icfg_${number % 2000}\ninvoice-${number}`)
  expect(repeats.suspects()).toBeUndefined()
})

test('a line knows whether the first one has an id', () => {
  const repeats = new Repeats()
  for (const key of ['a', 'a', 'b', 'b']) repeats.add(key)
  const suspects = repeats.suspects()
  suspects?.firstWith('a', { line: 1, hasId: true })
  suspects?.firstWith('b', { line: 2, hasId: false })
  expect(suspects?.firstWith('a', { line: 3, hasId: false })).toEqual({ line: 1, hasId: true })
  expect(suspects?.firstWith('b', { line: 4, hasId: true })).toEqual({ line: 2, hasId: false })
})

test('a key that the first reading did not have is not found', () => {
  const repeats = new Repeats(() => 7)
  for (const key of ['a', 'b']) repeats.add(key)
  const suspects = repeats.suspects()
  for (const [index, key] of ['a', 'b', 'c', 'c'].entries()) {
    expect(suspects?.firstWith(key, { line: index + 1, hasId: false })).toBeUndefined()
  }
})
