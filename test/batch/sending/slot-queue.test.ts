// Who gets the next slot, and when.

import { describe, expect, test, vi } from 'vitest'
import { SlotQueue } from '../../../src/batch/sending/slot-queue.ts'
import { TestClock } from '../test-clock.ts'

/** A queue that gives one slot from a time on. */
function start(change: { readonly from?: number; readonly canStartRecord?: boolean } = {}) {
  const clock = new TestClock()
  const state = { from: 0, canStartRecord: true, ...change }
  const taken: number[] = []
  const queue = new SlotQueue({
    clock,
    readyAt: (_, inFlight) => (inFlight > 0 ? Number.POSITIVE_INFINITY : state.from),
    canStartRecord: () => state.canStartRecord,
    onTake: (now) => void taken.push(now),
  })
  const got: string[] = []
  const acquire = (name: string, isRetry = false) =>
    void (isRetry ? queue.acquireForRetry() : queue.acquireForRecord()).then(() => got.push(name))
  return { clock, state, queue, acquire, got, taken }
}

describe('a slot', () => {
  test('is given to retries in their order, then to the record', async () => {
    const { clock, queue, acquire, got } = start()
    acquire('first')
    acquire('record')
    acquire('retry 1', true)
    acquire('retry 2', true)
    const seen: string[][] = []
    for (let turn = 0; turn < 4; turn++) {
      await clock.run(turn)
      seen.push([...got])
      queue.release()
    }
    expect(seen.map((names) => names.at(-1))).toEqual(['first', 'retry 1', 'retry 2', 'record'])
    expect(seen.map((names) => names.length)).toEqual([1, 2, 3, 4])
    expect(queue.inFlight).toBe(0)
  })

  test('is not given to a record that comes while a retry waits', async () => {
    const { clock, state, acquire, got } = start({ from: 100 })
    acquire('retry', true)
    state.from = 0
    acquire('record')
    await clock.run(1)
    expect(got).toEqual(['retry'])
  })

  test('is given to no record while none may start, but to a retry', async () => {
    const { clock, state, queue, acquire, got } = start({ canStartRecord: false })
    acquire('record')
    await clock.run(1)
    expect(got).toEqual([])
    acquire('retry', true)
    await clock.run(2)
    expect(got).toEqual(['retry'])
    state.canStartRecord = true
    queue.release()
    await clock.run(3)
    expect(got).toEqual(['retry', 'record'])
  })

  test.each([false, true])('is given when its time has come (retry: %s)', async (isRetry) => {
    const { clock, acquire, got, taken } = start({ from: 100 })
    acquire('one', isRetry)
    await clock.run(99)
    expect(got).toEqual([])
    await clock.run(100)
    expect(got).toEqual(['one'])
    expect(taken).toEqual([100])
    expect(clock.sleepers).toBe(0)
  })

  test('is given at an earlier time if that changes, with one timer', async () => {
    const { clock, state, queue, acquire, got, taken } = start({ from: 100 })
    const sleep = vi.spyOn(clock, 'sleep')
    acquire('one', true)
    queue.wake()
    expect(sleep).toHaveBeenCalledTimes(1)
    state.from = 50
    queue.wake()
    await clock.run(1)
    expect(clock.sleepers).toBe(1)
    await clock.run(60)
    expect([got, taken]).toEqual([['one'], [50]])
    expect(clock.sleepers).toBe(0)
  })

  test('is given at a later time if that changes', async () => {
    const { clock, state, queue, acquire, taken } = start({ from: 100 })
    acquire('one', true)
    state.from = 200
    queue.wake()
    expect(clock.sleepers).toBe(1)
    await clock.run(300)
    expect(taken).toEqual([200])
  })
})

test('the end lets retries go on if no record waits', async () => {
  const { clock, queue, acquire, got } = start({ from: 100 })
  acquire('retry', true)
  queue.end()
  await clock.run(1)
  expect(got).toEqual(['retry'])
})

test('the end lets all go on at once, and leaves no timer', async () => {
  const { clock, queue, acquire, got } = start({ from: 100, canStartRecord: false })
  acquire('record')
  acquire('retry', true)
  queue.end()
  acquire('later record')
  acquire('later retry', true)
  await clock.run(1)
  expect([...got].sort()).toEqual(['later record', 'later retry', 'record', 'retry'])
  expect(clock.sleepers).toBe(0)
})
