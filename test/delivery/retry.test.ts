// The retry loop by itself: when it ends, and what it says.

import { expect, test } from 'vitest'
import { type Judgement, type RetryOptions, retry } from '../../src/delivery/retry.ts'
import { WaitlessClock } from './planned.ts'

/** Makes attempts that all ask for a retry, unless the test says otherwise. */
async function run(change: Partial<RetryOptions<number>> = {}, judgement: Partial<Judgement> = {}) {
  const clock = new WaitlessClock()
  const lines: string[] = []
  let attempts = 0
  const result = await retry<number>({
    attempt: async () => ++attempts,
    judge: () => ({ shouldRetry: true, requestedWaitMs: undefined, reason: 'busy', ...judgement }),
    limits: { maxAttempts: 3, attemptTimeoutMs: 1000, retryTimeoutMs: 60_000 },
    clock,
    random: () => 1,
    signal: new AbortController().signal,
    log: { info: (line) => void lines.push(line) },
    ...change,
  })
  return { ...result, lines, waits: clock.waits }
}

const limits = (maxAttempts: number, retryTimeoutMs: number) => ({
  maxAttempts,
  attemptTimeoutMs: 1000,
  retryTimeoutMs,
})

test('attempts end at max-attempts, and each wait is logged with its reason', async () => {
  expect(await run()).toEqual({
    result: 3,
    attempts: 3,
    end: { reason: 'attempts' },
    waits: [500, 1000],
    lines: ['retrying in 500 ms (attempt 2 of 3): busy', 'retrying in 1 s (attempt 3 of 3): busy'],
  })
})

test('the log names another server than Vercel', async () => {
  expect((await run({ server: 'GitHub', limits: limits(2, 60_000) })).lines).toEqual([
    'retrying GitHub in 500 ms (attempt 2 of 2): busy',
  ])
})

test('a delay that the server asks for is neither shortened nor drawn by lot', async () => {
  expect((await run({ random: () => 0.1 }, { requestedWaitMs: 7000 })).waits).toEqual([7000, 7000])
})

test('no attempt starts at or after the end of retry-timeout, to the millisecond', async () => {
  const waitMs = 1000
  for (const [retryTimeoutMs, attempts] of [
    [1000, 1],
    [1001, 2],
    [2000, 2],
    [2001, 3],
  ] as const) {
    const result = await run({ limits: limits(9, retryTimeoutMs) }, { requestedWaitMs: waitMs })
    expect(result).toMatchObject({ attempts, end: { reason: 'deadline', waitMs } })
    expect(result.waits).toHaveLength(attempts - 1)
  }
})

test('a step that is cancelled during an attempt makes no further one, and waits no more', async () => {
  const controller = new AbortController()
  const attempt = async () => {
    controller.abort()
    return 1
  }
  expect(await run({ attempt, signal: controller.signal })).toMatchObject({
    attempts: 1,
    end: { reason: 'cancelled', duringWait: false },
    waits: [],
  })
})

test('a step that is cancelled during a wait makes no further attempt', async () => {
  const controller = new AbortController()
  const clock = new WaitlessClock()
  const sleep = async () => controller.abort()
  expect(await run({ signal: controller.signal, clock: { ...clock, sleep } })).toMatchObject({
    attempts: 1,
    end: { reason: 'cancelled', duringWait: true },
  })
})

test('an attempt that settles the matter is the last one, also if the step is cancelled', async () => {
  expect(await run({ signal: AbortSignal.abort() }, { shouldRetry: false })).toMatchObject({
    attempts: 1,
    end: { reason: 'settled' },
    lines: [],
  })
})
