import { describe, expect, test } from 'vitest'
import { AcceptedCounts } from '../../../src/batch/sending/accepted-counts.ts'

/** Counts a request for each pair of a time, in milliseconds, and an installation. */
function counted(...requests: readonly (readonly [now: number, installation: string])[]) {
  const counts = new AcceptedCounts()
  for (const [now, installation] of requests) counts.add(now, installation)
  return counts
}

/** A request of one installation in each of some seconds. */
const each = (first: number, seconds: number) =>
  counted(...Array.from({ length: seconds }, (_, index) => [first + index * 1000, 'icfg_a'] as const))

describe('what got through in the last seconds', () => {
  test('is nothing before the first response', () => {
    expect(new AcceptedCounts().recent(5_300, 10_000)).toEqual({ count: 0, spanMs: 0 })
  })

  test('is measured from the first response if that was later', () => {
    const counts = counted([5_300, 'icfg_a'], [5_400, 'icfg_b'], [6_100, 'icfg_a'])
    expect(counts.recent(6_300, 10_000)).toEqual({ count: 3, spanMs: 1000 })
  })

  test.each([
    ['whole seconds and the current one', 3_000, 100_000, { count: 4, spanMs: 3_000 }],
    ['a part of a second counts as one', 2_001, 100_000, { count: 4, spanMs: 3_000 }],
    ['and so does the part of the current second', 3_000, 100_700, { count: 4, spanMs: 3_700 }],
    ['63 seconds and the current one', 63_000, 100_900, { count: 64, spanMs: 63_900 }],
    ['a minute at most', 600_000, 100_900, { count: 64, spanMs: 63_900 }],
  ])('%s', (_, spanMs, now, sample) => {
    expect(each(0, 101).recent(now, spanMs)).toEqual(sample)
  })

  test('forgets seconds without a response', () => {
    const counts = counted([1_000, 'icfg_a'], [2_000, 'icfg_a'], [2_999, 'icfg_a'])
    expect(counts.recent(4_500, 3_000).count).toBe(3)
    expect(counts.recent(5_500, 3_000).count).toBe(2)
    expect(counts.recent(6_000, 3_000).count).toBe(0)
  })

  test('forgets what was counted a minute before the seconds without a response', () => {
    expect(each(0, 65).recent(67_000, 3_000).count).toBe(1)
  })

  test('forgets everything after a long pause, and counts again', () => {
    const counts = each(1_000, 64)
    expect(counts.recent(64_000 + 64_000 * 3, 60_000).count).toBe(0)
    counts.add(64_000 * 4 + 10, 'icfg_a')
    expect(counts.recent(64_000 * 4 + 20, 60_000).count).toBe(1)
  })
})

describe('what got through for an installation', () => {
  test('is what this second has, from its first response', () => {
    const counts = counted([700, 'icfg_a'], [900, 'icfg_b'], [1_100, 'icfg_b'])
    expect(counts.recentOf(1_200, 'icfg_b')).toEqual({ count: 2, spanMs: 500 })
    expect(counts.recentOf(1_200, 'icfg_c')).toEqual({ count: 0, spanMs: 500 })
  })

  test('is what the last second had, if that was more', () => {
    const counts = counted([700, 'icfg_a'], [800, 'icfg_a'], [900, 'icfg_b'], [1_700, 'icfg_b'])
    expect(counts.recentOf(1_800, 'icfg_a')).toEqual({ count: 2, spanMs: 1000 })
    expect(counts.recentOf(1_800, 'icfg_b')).toEqual({ count: 1, spanMs: 100 })
  })

  test('is nothing once two seconds have passed', () => {
    const counts = counted([700, 'icfg_a'])
    expect(counts.recentOf(1_699, 'icfg_a')).toEqual({ count: 1, spanMs: 999 })
    expect(counts.recentOf(2_699, 'icfg_a')).toEqual({ count: 1, spanMs: 1000 })
    expect(counted([700, 'icfg_a']).recentOf(2_700, 'icfg_a')).toEqual({ count: 0, spanMs: 0 })
  })
})

describe('the most that got through for any installation', () => {
  test('is of this second or of the last one', () => {
    const counts = counted([700, 'icfg_a'], [800, 'icfg_b'], [850, 'icfg_b'], [900, 'icfg_a'], [950, 'icfg_b'])
    expect(counts.most(1_000)).toBe(3)
    counts.add(1_800, 'icfg_a')
    expect(counts.most(1_900)).toBe(3)
    for (let i = 0; i < 4; i += 1) counts.add(1_950, 'icfg_a')
    expect(counts.most(1_960)).toBe(5)
    expect(counts.most(2_900)).toBe(5)
    expect(counts.most(3_900)).toBe(0)
  })

  test('is nothing once two seconds have passed', () => {
    expect(counted([700, 'icfg_a']).most(2_699)).toBe(1)
    expect(counted([700, 'icfg_a']).most(2_700)).toBe(0)
  })
})
