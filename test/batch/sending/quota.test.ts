// The rate limit that the headers of responses tell, and whether all installations share it.

import { describe, expect, test } from 'vitest'
import { Quota } from '../../../src/batch/sending/quota.ts'

const now = Date.UTC(2026, 0, 1)
const times = { sentAt: now, receivedAt: now }
const resetsAt = now + 60_000

/** The headers of a response; the window ends in a minute. */
const response = (remaining: number | string, headers: Record<string, string> = {}) => ({
  status: 200,
  text: '',
  headers: { 'x-ratelimit-remaining': String(remaining), 'x-ratelimit-reset': String(resetsAt / 1000), ...headers },
})

/** A limit that four installations share, of which six requests are left. */
function shared(headers: Record<string, string> = {}): Quota {
  const quota = new Quota()
  for (const remaining of [9, 8, 7, 6]) quota.update(response(remaining, headers), `icfg_${remaining}`, times)
  return quota
}

/** How many requests may be in flight, and when the next one may be sent then. */
function stateOf(quota: Quota, at = now) {
  let inFlight = 0
  while (inFlight < 1000 && quota.readyAt(at, inFlight) === at) inFlight++
  return { isShared: quota.isShared, inFlight, readyAt: quota.readyAt(at, inFlight) }
}

describe('an installation that has used up its own limit', () => {
  test.each([
    ['in seconds', resetsAt / 1000],
    ['in milliseconds', resetsAt],
    ['in microseconds', resetsAt * 1000],
  ])('waits until the window ends: %s', (_, reset) => {
    const quota = new Quota()
    expect(quota.update(response(0, { 'x-ratelimit-reset': ` ${reset} ` }), 'icfg_1', times)).toEqual({ resetsAt })
    expect(stateOf(quota)).toEqual({ isShared: false, inFlight: 1000, readyAt: now })
  })

  test('from 100 trillion on, a time is one in microseconds', () => {
    const reset = { 'x-ratelimit-reset': '100000000000000' }
    expect(new Quota().update(response(0, reset), 'icfg_1', { sentAt: 0, receivedAt: 0 })).toEqual({ resetsAt: 1e11 })
  })

  test('up to 100 billion, a time is one in seconds', () => {
    const reset = { 'x-ratelimit-reset': '100000000000' }
    expect(new Quota().update(response(0, reset), 'icfg_1', { sentAt: 0, receivedAt: 0 })).toEqual({ resetsAt: 1e11 })
  })

  test('may have a server whose clock is wrong by years, but no duration is taken for a time', () => {
    const read = (reset: string, date: string) =>
      new Quota().update(response(0, { 'x-ratelimit-reset': reset, date }), 'icfg_1', times)
    expect(read('1000000000', 'Sun, 09 Sep 2001 01:46:00 GMT')).toEqual({ resetsAt: now + 40_000 })
    expect(read('60', 'Thu, 01 Jan 1970 00:00:00 GMT')).toBeUndefined()
  })

  test('may send its number with spaces', () => {
    expect(new Quota().update(response(' 0 '), 'icfg_1', times)).toEqual({ resetsAt })
  })

  test('waits by our clock, if the one of the server is another', () => {
    const date = new Date(now + 10_000).toUTCString()
    expect(new Quota().update(response(0, { date }), 'icfg_1', times)).toEqual({ resetsAt: resetsAt - 10_000 })
  })

  test.each([
    ['requests are left', response(1)],
    ['no number is sent', response('')],
    ['it is not a number', response('none')],
    ['the number is not whole', response('0.5')],
    ['no time is sent', response(0, { 'x-ratelimit-reset': '' })],
    ['a duration is sent', response(0, { 'x-ratelimit-reset': '60' })],
    ['the time is too far', response(0, { 'x-ratelimit-reset': '1e17' })],
    ['the window is over', response(0, { 'x-ratelimit-reset': String(now / 1000) })],
  ])('is not known if %s', (_, headers) => {
    expect(new Quota().update(headers, 'icfg_1', times)).toBeUndefined()
  })
})

describe('a limit that all share', () => {
  test('is found by the numbers that count down, and holds all back', () => {
    expect(stateOf(shared())).toEqual({ isShared: true, inFlight: 6, readyAt: resetsAt })
    expect(shared().update(response(0), 'icfg_1', times)).toBeUndefined()
  })

  test('is not known with three numbers, with those of three installations, or with numbers far apart', () => {
    const found = [
      [9, 8, 7],
      [9, 8, 7, 9],
      [90, 60, 30, 6],
    ].map((numbers) => {
      const quota = new Quota()
      for (const [index, remaining] of numbers.entries()) quota.update(response(remaining), `icfg_${index}`, times)
      return quota.isShared
    })
    const quota = new Quota()
    for (const remaining of [9, 8, 7, 6]) quota.update(response(remaining), `icfg_${remaining % 3}`, times)
    expect([...found, quota.isShared, new Quota().isShared]).toEqual([false, false, false, false, false])
  })

  test('is not shared if installations repeat the same numbers', () => {
    const quota = shared()
    quota.update(response(9), 'icfg_1', times)
    expect(quota.isShared).toBe(true)
    quota.update(response(8), 'icfg_1', times)
    expect(quota.isShared).toBe(false)
  })

  test.each<[what: string, headers: Record<string, string>, inFlight: number]>([
    ['one more than the highest number', {}, 10],
    ['the limit, if that is less', { 'x-ratelimit-limit': '7' }, 7],
    ['one more than the highest number, if the limit is more', { 'x-ratelimit-limit': '100' }, 10],
  ])('allows after the window %s', (_, headers, inFlight) => {
    expect(stateOf(shared(headers), resetsAt + 1)).toMatchObject({ inFlight })
  })

  test.each([
    ['no number', response('', { 'x-ratelimit-reset': String(resetsAt / 1000 + 60) }), times],
    ['no time', response(0, { 'x-ratelimit-reset': '' }), times],
    ['a number after a letter', response('x5'), times],
    ['a number before a letter', response('5x'), times],
    ['neither', { status: 200, text: '', headers: {} }, times],
    ['an earlier window', response(0, { 'x-ratelimit-reset': String(resetsAt / 1000 - 1) }), times],
    ['a window that is over', response(0), { sentAt: now, receivedAt: resetsAt }],
  ])('is not changed by a response with %s', (_, headers, received) => {
    const quota = shared()
    expect(quota.update(headers, 'icfg_1', received)).toBeUndefined()
    expect(stateOf(quota)).toEqual({ isShared: true, inFlight: 6, readyAt: resetsAt })
  })

  test('may have numbers that are far apart: up to five for each response', () => {
    const [near, far] = [6, 5].map((lowest) => {
      const quota = new Quota()
      for (const remaining of [26, 20, 10, lowest]) quota.update(response(remaining), `icfg_${remaining}`, times)
      return quota.isShared
    })
    expect([near, far]).toEqual([true, false])
  })

  test('stays shared, whatever an installation repeats of its own, and if a number is far apart', () => {
    const quota = shared()
    for (let time = 0; time < 3; time++) quota.update(response(9), 'icfg_9', times)
    quota.update(response(500), 'icfg_500', times)
    expect(quota.isShared).toBe(true)
  })

  test('is compared by 256 numbers of a window', () => {
    const quota = new Quota()
    for (let remaining = 257; remaining > 0; remaining--) quota.update(response(remaining), `icfg_${remaining}`, times)
    for (let time = 0; time < 100; time++) quota.update(response(1), 'icfg_2', times)
    expect(quota.isShared).toBe(true)
    for (let time = 0; time < 100; time++) quota.update(response(2), 'icfg_1', times)
    expect(quota.isShared).toBe(false)
  })

  test('starts over with the next window', () => {
    const quota = shared()
    quota.update(response(20, { 'x-ratelimit-reset': String(resetsAt / 1000 + 60) }), 'icfg_1', times)
    expect(stateOf(quota)).toEqual({ isShared: true, inFlight: 20, readyAt: resetsAt + 60_000 })
  })

  test('never has more left in a window than before', () => {
    const quota = shared()
    quota.update(response(10), 'icfg_1', times)
    expect(stateOf(quota)).toMatchObject({ inFlight: 6 })
  })
})
