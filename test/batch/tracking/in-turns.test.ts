import { expect, test } from 'vitest'
import { inTurns } from '../../../src/batch/tracking/in-turns.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

test.each([
  [1999, 0],
  [2000, 1],
])('%i items give the event loop %i turns', async (count, turns) => {
  let taken = 0
  const immediate = setImmediate(() => taken++)
  const items: number[] = []
  for await (const item of inTurns(numbers(count), new AbortController().signal)) items.push(item)
  clearImmediate(immediate)
  expect(taken).toBe(turns)
  expect(items).toEqual(numbers(count))
})

test('no item follows the abortion of the signal', async () => {
  const aborted = new AbortController()
  const items: number[] = []
  for await (const item of inTurns(numbers(10), aborted.signal)) {
    items.push(item)
    if (item === 3) aborted.abort()
  }
  expect(items).toEqual([0, 1, 2, 3])
})
