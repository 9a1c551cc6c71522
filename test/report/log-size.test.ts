import { describe, expect, test } from 'vitest'
import { oneLine } from '../../src/report/log.ts'

describe('text on one line', () => {
  test('is made of megabytes of blanks', () => {
    // The pattern takes hours for these: the time-out of the test is enough to find it.
    const blanks = ' '.repeat(1_000_000)
    expect(oneLine(`a${blanks}b`)).toBe(`a${blanks}b`)
    expect(oneLine(`a${blanks}\n${blanks}b`)).toBe('a · b')
    expect(oneLine(`a${'\n'.repeat(1_000_000)}b`)).toBe('a · b')
    expect(oneLine(`a${' \r\n\t'.repeat(250_000)}b`)).toBe('a · b')
    expect(oneLine(`${blanks}::error::`)).toBe(': :error::')
  })
})
