// The records of a batch by their hashes, held against a map that keeps all of it.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeyHashes, type PreviousOutcome } from '../../../src/batch/records/key-hashes.ts'

const rollOf = (keys: readonly string[]) => {
  const roll = new KeyHashes()
  for (const key of keys) roll.add(key)
  return roll
}

const few = fc.constantFrom('a', 'b', 'c', 'd', '')
const keyList = fc.array(fc.oneof(few, fc.string()), { maxLength: 30 })

test('what comes twice is found, and nothing else', () => {
  fc.assert(
    fc.property(keyList, (keys) => {
      const roll = rollOf(keys)
      const isRepeated = roll.duplicates() ?? (() => false)
      for (const key of [...keys, 'elsewhere']) {
        expect([key, isRepeated(key)]).toEqual([key, keys.filter((other) => other === key).length > 1])
      }
    }),
  )
})

test('without any that comes twice there is nothing to ask', () => {
  expect(new KeyHashes().duplicates()).toBeUndefined()
  expect(rollOf(['a', 'b']).duplicates()).toBeUndefined()
})

test('a hundred thousand keys are kept, each in its place', () => {
  const keys = Array.from({ length: 100_000 }, (_, number) => `key-${number}`)
  const roll = rollOf(keys)
  expect(roll.duplicates()).toBeUndefined()
  const recordStates = roll.toRecordStates()
  for (const key of keys) if (!recordStates.transition(key, 'none', 'succeeded')) throw new Error(key)
  expect(keys.filter((key) => recordStates.claim(key) !== 'succeeded')).toEqual([])
})

test('what is found out after keys were looked through can still be added', () => {
  const roll = rollOf(['a', 'b'])
  roll.duplicates()
  roll.add('a')
  expect(roll.duplicates()?.('a')).toBe(true)
})

const past = fc.constantFrom<PreviousOutcome>('none', 'succeeded', 'unknown')
const one = fc.constantFrom('a', 'b')
const step = fc.oneof(
  fc.record({ type: fc.constant('move' as const), key: one, from: past, to: past }),
  fc.record({ type: fc.constant('take' as const), key: one }),
)

test('records are moved and taken as often as there are some of their key', () => {
  fc.assert(
    fc.property(fc.array(one, { maxLength: 10 }), fc.array(step, { maxLength: 60, size: 'max' }), (keys, steps) => {
      const recordStates = rollOf(keys).toRecordStates()
      const model = new Map<string, PreviousOutcome[]>()
      for (const key of keys) model.set(key, [...(model.get(key) ?? []), 'none'])
      for (const action of steps) {
        const left = model.get(action.key) ?? []
        for (const past of ['none', 'succeeded', 'unknown'] as const) {
          expect(recordStates.has(action.key, past)).toBe(left.includes(past))
        }
        if (action.type === 'move') {
          const at = left.indexOf(action.from)
          expect(recordStates.transition(action.key, action.from, action.to)).toBe(at >= 0)
          if (at >= 0) left[at] = action.to
        } else {
          const taken = recordStates.claim(action.key)
          // Those of one key are as good as each other: any may come, each once; then all that come are new. But those
          // that are unknown have to be looked at before another one is sent.
          const due = left.includes('unknown') ? ['unknown'] : left
          expect(left.length > 0 ? due : ['none']).toContain(taken)
          if (left.length > 0) left.splice(left.indexOf(taken), 1)
        }
      }
      for (const [key, left] of model) {
        expect(left.map(() => recordStates.claim(key)).sort()).toEqual(left.sort())
        expect(recordStates.claim(key)).toBe('none')
        expect(recordStates.transition(key, 'succeeded', 'unknown')).toBe(false)
      }
    }),
    { numRuns: 1000 },
  )
})
