// The installations that a rate limit of their own holds back.

import { describe, expect, test } from 'vitest'
import { ThrottledInstallations } from '../../../src/batch/sending/throttled-installations.ts'

const throttled = {
  now: 1000,
  sentAt: 900,
  wait: { waitMs: 500, isRequested: true },
  sample: { count: 5, spanMs: 500 },
  isRate: false,
}
const stateOf = (all: ThrottledInstallations, installation: string, now = 1000) => ({
  readyAt: all.readyAt(installation, now),
  since: all.throttledSince(installation),
  inRow: all.throttledInRow(installation),
  wasThrottled: all.wasThrottled(installation),
})
const unknown = { readyAt: 1000, since: undefined, inRow: 0, wasThrottled: false }

test('an installation that was not throttled does not wait', () => {
  const all = new ThrottledInstallations()
  all.take('a', 1000)
  all.onAccepted('a', 1000, 900)
  expect(stateOf(all, 'a')).toEqual(unknown)
})

test('429s are counted until one request gets through', () => {
  const all = new ThrottledInstallations()
  all.onThrottled('a', throttled)
  all.onThrottled('a', { ...throttled, now: 1600, sentAt: 1500 })
  expect(stateOf(all, 'a', 1600)).toEqual({ readyAt: 2100, since: 1000, inRow: 2, wasThrottled: true })
  expect(stateOf(all, 'b')).toEqual(unknown)
  all.onAccepted('a', 2200, 2150)
  expect(stateOf(all, 'a', 2200)).toEqual({ readyAt: 2100, since: undefined, inRow: 0, wasThrottled: true })
})

test('a pause is no 429', () => {
  const all = new ThrottledInstallations()
  all.pause('a', 1000, 700)
  expect(stateOf(all, 'a')).toEqual({ readyAt: 1700, since: undefined, inRow: 0, wasThrottled: false })
  all.onAccepted('a', 1800, 1750)
  all.onThrottled('a', { ...throttled, now: 1900, sentAt: 1850 })
  all.take('a', 2400)
  // It only paused, so that nothing limits its rate.
  expect(all.readyAt('a', 2400)).toBe(2400)
})

describe('the rate is learned', () => {
  test('if the installation sent many requests', () => {
    const all = new ThrottledInstallations()
    all.onThrottled('a', { ...throttled, isRate: true })
    all.take('a', 1500)
    expect(all.readyAt('a', 1500)).toBeCloseTo(1500 + 1020 / 5)
  })

  test('if it got through after a 429, and is throttled again', () => {
    const all = new ThrottledInstallations()
    all.onThrottled('a', throttled)
    all.take('a', 1500)
    expect(all.readyAt('a', 1500)).toBe(1500)
    all.onAccepted('a', 1600, 1500)
    all.onThrottled('a', { ...throttled, now: 1700, sentAt: 1650 })
    all.onAccepted('a', 2300, 2250)
    all.take('a', 2300)
    expect(all.readyAt('a', 2300)).toBeGreaterThan(2350)
  })

  test('and stays learned when several requests get through', () => {
    const all = new ThrottledInstallations()
    all.onThrottled('a', throttled)
    all.onAccepted('a', 1600, 1500)
    all.onAccepted('a', 1650, 1600)
    expect(all.wasThrottled('a')).toBe(true)
  })
})

describe('of more than 5,000 installations', () => {
  /** One that is throttled now, then 4,999 that were before. */
  function full(): ThrottledInstallations {
    const all = new ThrottledInstallations()
    all.onThrottled('throttled', throttled)
    for (let number = 1; number < 5000; number++) all.pause(`i-${number}`, 1000, 500)
    return all
  }
  const isKnown = (all: ThrottledInstallations, installation: string) => all.readyAt(installation, 0) > 0

  test('the oldest that is not throttled now is forgotten', () => {
    const all = full()
    expect(['throttled', 'i-1', 'i-2'].map((name) => isKnown(all, name))).toEqual([true, true, true])
    all.pause('new', 1000, 500)
    expect(['throttled', 'i-1', 'i-2', 'new'].map((name) => isKnown(all, name))).toEqual([true, false, true, true])
  })

  test('one that is paused again is the newest', () => {
    const all = full()
    all.pause('i-1', 1000, 500)
    all.pause('new', 1000, 500)
    expect(['i-1', 'i-2', 'i-3'].map((name) => isKnown(all, name))).toEqual([true, false, true])
  })
})
