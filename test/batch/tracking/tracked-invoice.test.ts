import { expect, test } from 'vitest'
import { ageInDays, decimalOf, invoiceTime } from '../../../src/batch/tracking/tracked-invoice.ts'

test.each([
  ['2025-03-01', Date.UTC(2025, 2, 1)],
  ['2025-03-01T12:30:00Z', Date.UTC(2025, 2, 1, 12, 30)],
  ['2025-03-01T12:30:00+02:00', Date.UTC(2025, 2, 1, 10, 30)],
  ['1', undefined],
  ['item 2', undefined],
  ['March 1, 2025', undefined],
  ['on 2025-03-01', undefined],
  ['2025-13-45', undefined],
  ['202-03-01', undefined],
  ['2025-3-01', undefined],
  ['2025-03-1', undefined],
  ['', undefined],
  [undefined, undefined],
])('the date %j is the time %j', (invoiceDate, time) => {
  expect(invoiceTime(invoiceDate === undefined ? {} : { invoiceDate })).toBe(time)
})

test.each([
  ['2025-03-01T00:00:00Z', '2025-03-31T12:00:00Z', 30],
  ['2025-03-01T00:00:00Z', '2025-03-02T00:00:00Z', 1],
  ['2025-03-01T00:00:00Z', '2025-03-01T23:59:59Z', 0],
  ['2025-03-02T00:00:00Z', '2025-03-01T00:00:00Z', 0],
  ['soon', '2025-03-01T00:00:00Z', undefined],
])('an invoice of %s is on %s %s days old', (invoiceDate, now, days) => {
  expect(ageInDays({ invoiceDate }, new Date(now))).toBe(days)
})

test.each([
  ['12.50', '12.50'],
  ['0', '0'],
  ['-3', '-3'],
  ['-3.25', '-3.25'],
  [12.5, '12.5'],
  [-1, '-1'],
  [`${'9'.repeat(40)}.${'1'.repeat(40)}`, `${'9'.repeat(40)}.${'1'.repeat(40)}`],
  ['9'.repeat(41), undefined],
  [`1.${'1'.repeat(41)}`, undefined],
  [1e21, undefined],
  [Number.NaN, undefined],
  ['1e3', undefined],
  ['x1', undefined],
  ['1x', undefined],
  ['1.', undefined],
  ['.5', undefined],
  ['1,5', undefined],
  ['--1', undefined],
  ['', undefined],
  [true, undefined],
  [null, undefined],
  [undefined, undefined],
  [['1'], undefined],
])('the value %j is the decimal %j', (value, decimal) => {
  expect(decimalOf(value)).toBe(decimal)
})
