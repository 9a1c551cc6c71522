// The log lines about what slows a batch down.

import { expect, test } from 'vitest'
import { WaitLog } from '../../../src/batch/sending/wait-log.ts'
import { TestClock } from '../test-clock.ts'

function start() {
  const clock = new TestClock()
  const lines: string[] = []
  return { clock, lines, log: new WaitLog(clock, { info: (line) => void lines.push(line) }) }
}

test('lines of each kind are logged, one every ten seconds', async () => {
  const { clock, lines, log } = start()
  const logAll = () => {
    log.logThrottled(undefined, 3000)
    log.logThrottled('icfg_1', 1000)
    log.logThrottled('icfg_2', 999)
    log.logExhausted('no descriptors', 1)
  }
  logAll()
  const first = [
    'Vercel throttles (429): all requests wait for 3 s',
    'Vercel throttles (429): installation "icfg_1" waits for 1 s',
    'Vercel throttles (429): 3 of 3 requests; they are sent again, and the batch slows down',
    'no descriptors. The batch continues with 1 connection',
  ]
  expect(lines).toEqual(first)
  await clock.run(9999)
  logAll()
  expect(lines).toEqual(first)
  await clock.run(10_000)
  logAll()
  expect(lines.slice(4)).toEqual(first.with(2, (first[2] ?? '').replace('3 of 3', '9 of 9')))
})

test('the total counts the throttled ones among all requests', () => {
  const { lines, log } = start()
  log.countAnswered()
  log.logThrottledTotal()
  expect(lines).toEqual([])
  log.logThrottled(undefined, 1000)
  log.logThrottledTotal()
  expect(lines.at(-1)).toBe('Vercel throttles (429): 1 of 2 requests in this run')
})

test('that no connection opens is logged again if the reason changes', async () => {
  const { clock, lines, log } = start()
  const until = new Date('2025-03-15T00:05:00Z')
  log.logUnopened('refused', until)
  await clock.run(20_000)
  log.logUnopened('refused', until)
  log.logUnopened('unknown host', until)
  expect(lines).toEqual([
    'refused: the batch waits, and tries again until 2025-03-15 00:05:00 UTC',
    'unknown host: the batch waits, and tries again until 2025-03-15 00:05:00 UTC',
  ])
})
