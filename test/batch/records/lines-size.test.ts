// Lines of 10 MiB.

import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { maxLineBytes, readLines } from '../../../src/batch/records/lines.ts'
import { linesOf } from './lines-of.ts'

describe('a line of 10 MiB', () => {
  // Shared, because memory for such a line takes longer than to read it.
  const space = Buffer.alloc(2 * maxLineBytes + (1 << 18))
  /** A text of one character again and again, between two others. */
  const filled = (before: string, char: string, length: number, after = '') => {
    const start = Buffer.byteLength(before)
    const bytes = space.subarray(0, start + length + after.length).fill(char, start)
    bytes.write(before)
    bytes.write(after, start + length)
    return bytes
  }
  const summary = (bytes: Buffer) =>
    [...readLines(bytes)].map((line) => ('text' in line ? [line.number, line.text.length] : line))
  const tooLong = (number: number) => ({ number, problem: 'is longer than 10 MiB', tooLong: true })

  test.each([
    ['alone', '', ''],
    ['with LF', '', '\n'],
    ['with CRLF', '', '\r\n'],
    ['after a byte order mark', '\ufeff', ''],
    ['after a byte order mark, with CRLF', '\ufeff', '\r\n'],
  ])('is read, and one byte more is refused: %s', (_, before, after) => {
    expect(summary(filled(before, 'x', maxLineBytes, after))).toEqual([[1, maxLineBytes]])
    expect(summary(filled(before, 'x', maxLineBytes + 1, after))).toEqual([tooLong(1)])
  })

  test('is measured in bytes, not characters', () => {
    expect(summary(filled('', 'é', maxLineBytes))).toEqual([[1, maxLineBytes / 2]])
    expect(summary(filled('x', 'é', maxLineBytes))).toEqual([tooLong(1)])
  })

  test('does not affect the lines around it, even if it is much too long', () => {
    // Longer by several chunks.
    const much = maxLineBytes + (1 << 18) - 10
    const content = filled('a\n', 'x', much + maxLineBytes + 4)
    content.write('\nb\n', 2 + much)
    expect(linesOf(content)).toEqual([{ number: 1, text: 'a' }, tooLong(2), { number: 3, text: 'b' }, tooLong(4)])
  })
})

test('the bytes of a line that is too long are not kept', () => {
  const content = Buffer.alloc(maxLineBytes + (1 << 20), 'x')
  const copies = vi.spyOn(Buffer, 'from')
  onTestFinished(() => copies.mockRestore())
  expect([...readLines(content)]).toHaveLength(1)
  const kept = copies.mock.calls.reduce((sum, [part]) => sum + (part as unknown as Buffer).length, 0)
  expect(kept).toBeGreaterThan(0)
  expect(kept).toBeLessThanOrEqual(maxLineBytes + 4)
})
