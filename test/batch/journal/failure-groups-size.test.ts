import { expect, test } from 'vitest'
import { patternOf } from '../../../src/batch/journal/message-pattern.ts'

test('a long hostile message takes linear time', () => {
  const pieces = ['"', '(request ', '.'.repeat(50_000), '1'.repeat(50_000), ' '.repeat(50_000), '"\\'.repeat(25_000)]
  for (const piece of [...pieces, '1 '.repeat(50_000)]) {
    const { fixed, values } = patternOf(piece + piece)
    expect([...fixed, ...values].join('').length).toBeLessThanOrEqual(2 * piece.length)
  }
})
