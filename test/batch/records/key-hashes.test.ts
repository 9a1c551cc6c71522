import { hash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashKey, KeyHashes, lowerBound, quickHash } from '../../../src/batch/records/key-hashes.ts'
import { unicodeText } from '../../unicode-text.ts'
import { keyHashesOf } from '../records.ts'

const commonKey = fc.constantFrom('a', 'b', 'c', 'd', '')
const keyList = fc.array(fc.oneof(commonKey, fc.string()), { maxLength: 30 })

test('the hashes are kept in order, and those that occur more than once are found', () => {
  fc.assert(
    fc.property(keyList, (keys) => {
      const hashes = keyHashesOf(keys)
      const hashOf = (key: string) => keyHashesOf([key]).inOrder()[0] as number
      expect([...hashes.inOrder()]).toEqual(keys.map(hashOf))
      const repeated = keys.filter((key) => keys.filter((other) => other === key).length > 1)
      expect([...hashes.repeated()]).toEqual(repeated.map(hashOf).sort((a, b) => a - b))
    }),
  )
})

test('an entry without a key keeps its place, and is not sorted', () => {
  const hashes = new KeyHashes((key) => key.length)
  hashes.add('aa')
  hashes.addNothing()
  hashes.add('b')
  hashes.addNothing()
  expect([...hashes.inOrder()]).toEqual([2, Number.NaN, 1, Number.NaN])
  expect([...hashes.sorted()]).toEqual([1, 2])
  expect([...hashes.repeated()]).toEqual([])
})

test('the hash of a key is the start of its SHA-256, or of the digest that the key has twice', () => {
  const start = (digest: string) => Number.parseInt(digest.slice(0, 13), 16)
  const [one, two] = ['one', 'two'].map((text) => hash('sha256', text).slice(0, 32)) as [string, string]
  expect(hashKey(`${one}\n${one}`)).toBe(start(one))
  for (const key of ['', 'one', one, `${one}\n${two}`, `${one}\n${one}\n`, `x${one}\n${one}`, `${one}${one}`]) {
    expect(hashKey(key)).toBe(start(hash('sha256', key)))
  }
})

test('the quick hash of a key is known', () => {
  expect(['', 'a', 'icfg_1\ninvoice-1', '\u{1f600}'].map(quickHash)).toEqual([
    7484695281538042, 7114963333013653, 8823119998656422, 7356097367766971,
  ])
})

test('the quick hash is a whole number of 53 bits, and every character counts', () => {
  fc.assert(
    fc.property(unicodeText({ minLength: 1 }), fc.nat(), (key, at) => {
      const hashed = quickHash(key)
      expect(Number.isSafeInteger(hashed) && hashed >= 0).toBe(true)
      const place = at % key.length
      const changed = `${key.slice(0, place)}${String.fromCharCode(key.charCodeAt(place) ^ 1)}${key.slice(place + 1)}`
      expect(quickHash(changed)).not.toBe(hashed)
    }),
  )
})

test('the lower bound of a value is the first element that is not below it', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), fc.integer({ min: -1, max: 21 }), (values, wanted) => {
      const ascending = Float64Array.from(values).sort()
      const index = ascending.findIndex((value) => value >= wanted)
      expect(lowerBound(ascending, wanted)).toBe(index < 0 ? values.length : index)
    }),
  )
})
