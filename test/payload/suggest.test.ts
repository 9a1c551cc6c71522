import { describe, expect, test } from 'vitest'
import { nearest } from '../../src/payload/suggest.ts'

describe('the nearest known name', () => {
  const known = ['externalId', 'invoiceDate', 'memo', 'period', 'items', 'discounts', 'final', 'test']
  test.each([
    ['externalID', 'externalId'],
    ['external_id', 'externalId'],
    ['ExternalId', 'externalId'],
    ['invoice-date', 'invoiceDate'],
    ['invocieDate', 'invoiceDate'],
    ['item', 'items'],
    ['discount', 'discounts'],
    ['memos', 'memo'],
  ])('for %s is %s', (name, wanted) => expect(nearest(name, known)).toBe(wanted))

  test.each(['currency', 'x', '', '🙂', 'a'.repeat(100_000)])('for %j does not exist', (name) => {
    expect(nearest(name, known)).toBeUndefined()
  })
})
