// Compares RecordStates with a model that keeps every key.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeyHashes } from '../../../src/batch/records/key-hashes.ts'
import { type PreviousOutcome, RecordStates } from '../../../src/batch/records/record-states.ts'
import { runs } from '../../runs.ts'
import { keyHashesOf } from '../records.ts'

test('keeps the state of twenty thousand keys', () => {
  const keys = Array.from({ length: 20_000 }, (_, number) => `key-${number}`)
  const hashes = keyHashesOf(keys)
  expect(hashes.repeated()).toHaveLength(0)
  const recordStates = new RecordStates(hashes)
  for (const key of keys) if (!recordStates.transition(key, 'none', 'succeeded')) throw new Error(key)
  expect(keys.filter((key) => recordStates.claim(key) !== 'succeeded')).toEqual([])
})

const anyOutcome = fc.constantFrom<PreviousOutcome>('none', 'succeeded', 'unknown')
const anyKey = fc.constantFrom('a', 'b')
const anyCall = fc.oneof(
  fc.record({ method: fc.constant('transition' as const), key: anyKey, from: anyOutcome, to: anyOutcome }),
  fc.record({ method: fc.constant('claim' as const), key: anyKey }),
)

test('each record with a key changes state and is claimed once, unknown ones first', () => {
  fc.assert(
    fc.property(
      fc.array(anyKey, { maxLength: 10 }),
      fc.array(anyCall, { maxLength: 60, size: 'max' }),
      (keys, calls) => {
        const recordStates = new RecordStates(keyHashesOf(keys))
        const model = new Map<string, PreviousOutcome[]>()
        for (const key of keys) model.set(key, [...(model.get(key) ?? []), 'none'])
        for (const call of calls) {
          const unclaimed = model.get(call.key) ?? []
          for (const outcome of ['none', 'succeeded', 'unknown'] as const) {
            expect(recordStates.has(call.key, outcome)).toBe(unclaimed.includes(outcome))
          }
          if (call.method === 'transition') {
            const index = unclaimed.indexOf(call.from)
            expect(recordStates.transition(call.key, call.from, call.to)).toBe(index >= 0)
            if (index >= 0) unclaimed[index] = call.to
          } else {
            const claimed = recordStates.claim(call.key)
            const expected = unclaimed.includes('unknown') ? ['unknown'] : unclaimed
            expect(unclaimed.length > 0 ? expected : ['none']).toContain(claimed)
            if (unclaimed.length > 0) unclaimed.splice(unclaimed.indexOf(claimed), 1)
          }
        }
        for (const [key, unclaimed] of model) {
          expect(unclaimed.map(() => recordStates.claim(key)).sort()).toEqual(unclaimed.sort())
          expect(recordStates.claim(key)).toBe('none')
          expect(recordStates.transition(key, 'succeeded', 'unknown')).toBe(false)
        }
      },
    ),
    runs(100),
  )
})

test('a record is claimed by its line, and lines without a record are not', () => {
  const keys = new KeyHashes()
  keys.add('a')
  keys.addNothing()
  keys.add('b')
  keys.add('a')
  const recordStates = new RecordStates(keys)
  recordStates.transition('a', 'none', 'succeeded')
  recordStates.transition('a', 'none', 'unknown')
  expect(recordStates.isAt(2, 'b')).toBe(true)
  expect(recordStates.isAt(2, 'a')).toBe(false)
  expect([0, 1, 2, 3, 4].map((index) => recordStates.claimAt(index))).toEqual([
    'unknown',
    undefined,
    'none',
    'succeeded',
    undefined,
  ])
})
