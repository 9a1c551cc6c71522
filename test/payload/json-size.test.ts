import { describe, expect, test } from 'vitest'
import { maxValues, scanJson } from '../../src/payload/json.ts'

describe('a text with too many values', () => {
  test('has more than a million by default', () => {
    const text = (values: number) => `[${'{},'.repeat(values - 2)}{}]`
    expect(scanJson(text(maxValues)).errors).toEqual([])
    expect(scanJson(text(maxValues + 1)).errors).toMatchObject([
      { message: 'has more than 1,000,000 values; split it' },
    ])
  })
})
