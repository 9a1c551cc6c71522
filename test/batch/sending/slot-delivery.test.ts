import { expect, test } from 'vitest'
import { AdaptiveLimiter } from '../../../src/batch/sending/limiter.ts'
import type { Slot } from '../../../src/batch/sending/slot.ts'
import { slotDeliveryOptions } from '../../../src/batch/sending/slot-delivery.ts'
import { deliver } from '../../../src/delivery/deliver.ts'
import type { HttpRequest } from '../../../src/http/transport.ts'
import { respond } from '../../delivery/planned.ts'
import { requestOf } from '../../delivery/requests.ts'
import { TestClock } from '../test-clock.ts'

/** Delivers a request of a batch whose attempts get these answers, each after a second. */
async function run(statuses: readonly [status: number, headers?: Record<string, string>][], isDebug = false) {
  const clock = new TestClock()
  const never = new AbortController().signal
  const limiter = new AdaptiveLimiter({
    concurrency: 1,
    maxWaitMs: 60_000,
    clock,
    random: () => 1,
    signal: never,
    log: { info() {} },
  })
  const sentAt: number[] = []
  const send = async (_: HttpRequest) => {
    const [status, headers] = statuses[sentAt.length] ?? [200]
    sentAt.push(clock.monotonic())
    await clock.sleep(1000)
    return respond(status, {}, headers)
  }
  const lines: string[] = []
  const slot: Slot = { installation: 'icfg_1', acquired: false, waitedMs: 0 }
  const options = slotDeliveryOptions(
    {
      endpoint: { baseUrl: 'https://api.example', transport: { send, close() {} } },
      limiter,
      clock,
      random: () => 1,
      signal: never,
      abort: never,
      debug: isDebug ? (line) => void lines.push(line) : undefined,
    },
    {
      request: await requestOf('submitBillingData'),
      token: 'test-token',
      slot,
      limits: { maxAttempts: 3, attemptTimeoutMs: 30_000, retryTimeoutMs: 10_000 },
      line: 7,
      scrub: (text) => text.replaceAll('api.example', '***'),
    },
  )
  const delivered = deliver(options)
  await clock.run(delivered)
  limiter.close()
  return { ...(await delivered), sentAt, lines, waitedMs: slot.waitedMs }
}

test('the time that a rate limit takes is not part of retry-timeout', async () => {
  const limit: [number, Record<string, string>] = [429, { 'retry-after': '20' }]
  const { failure, attempts, sentAt, waitedMs } = await run([limit, [503], limit, [503], [200]])
  expect(failure).toBeUndefined()
  // The limiter repeats the throttled requests itself.
  expect(attempts).toBe(3)
  expect(sentAt).toHaveLength(5)
  expect(waitedMs).toBeGreaterThan(39_000)
})

test('other time is', async () => {
  const { failure, attempts } = await run([[503, { 'retry-after': '8' }], [503, { 'retry-after': '1' }], [200]])
  expect({ code: failure?.code, attempts }).toEqual({ code: 'http_503', attempts: 2 })
})

test('debug lines name the line of the file, and show no secret', async () => {
  const { lines } = await run([[200]], true)
  expect(lines[0]).toMatch(/^line 7: > POST https:\/\/\*\*\*\/v1\//)
  expect((await run([[200]])).lines).toEqual([])
})
