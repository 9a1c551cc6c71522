// Whose rate limit a 429 is.

import { describe, expect, test } from 'vitest'
import { type ThrottledFacts, ThrottleScope } from '../../../src/batch/sending/throttle-scope.ts'

const facts: ThrottledFacts = { waitMs: 2000, wasAlone: false, isPaced: false, isBusiest: false }
const paced = { ...facts, isPaced: true }

/** Handles 429s of the installations named by letters; `.` is another response. @returns what each 429 tells */
function scopesOf(responses: string, change: Partial<ThrottledFacts> = {}, scope = new ThrottleScope()) {
  return [...responses].flatMap((name) => {
    if (name !== '.') return [scope.onThrottled(name, { ...facts, ...change })]
    scope.onAccepted()
    return []
  })
}
const lastOf = (responses: string, change: Partial<ThrottledFacts> = paced) => scopesOf(responses, change).at(-1)

describe('429s in a row', () => {
  test('of three installations are those of a shared limit, if their waits are short', () => {
    expect(scopesOf('abc')).toEqual(['installation', 'installation', 'shared'])
    expect(scopesOf('aabb')).toEqual(Array(4).fill('installation'))
    expect(scopesOf('ab.c')).toEqual(Array(3).fill('installation'))
  })

  test('of eight installations, if their waits are long', () => {
    const long = { waitMs: 2001 }
    expect(scopesOf('abcdefgh', long)).toEqual([...Array(7).fill('installation'), 'shared'])
  })

  test('start over after a shared limit', () => {
    const scope = new ThrottleScope()
    scopesOf('ab', {}, scope)
    expect(scope.isInDoubt).toBe(true)
    expect(scopesOf('cd', {}, scope)).toEqual(['shared', 'installation'])
    scope.onAccepted()
    expect(scope.isInDoubt).toBe(false)
    scopesOf('abc', {}, scope)
    expect(scope.isInDoubt).toBe(false)
  })

  test('do not count if the installation sent the most', () => {
    expect(scopesOf('abc', { isBusiest: true })).toEqual(Array(3).fill('installation'))
  })
})

describe('429s among other responses', () => {
  test('are those of a partly shared limit once a shared one was found', () => {
    expect(lastOf('a.b.c')).toBe('partly-shared')
    expect(lastOf('a.b.c', facts)).toBe('installation')
    expect(lastOf('a.b.c', { ...paced, waitMs: 2001 })).toBe('installation')
  })

  test('of two installations, or of those that were throttled alone before, are not', () => {
    expect(lastOf('a.b.a.b')).toBe('installation')
    expect(lastOf('a.b.c', { ...paced, wasAlone: true })).toBe('installation')
  })

  test('must be a tenth of the responses since the first of them', () => {
    expect(lastOf(`a.b${'.'.repeat(26)}c`)).toBe('partly-shared')
    expect(lastOf(`a.b${'.'.repeat(27)}c`)).toBe('installation')
    // Responses before the first one do not count.
    expect(lastOf(`${'.'.repeat(40)}a.b.c`)).toBe('partly-shared')
    expect(lastOf(`z${'.'.repeat(36)}a.b.c`)).toBe('partly-shared')
  })

  test('must be among the last 32 responses', () => {
    expect(lastOf(`a${'.'.repeat(26)}b.b.c`)).toBe('partly-shared')
    expect(lastOf(`a${'.'.repeat(27)}b.b.c`)).toBe('installation')
  })
})
