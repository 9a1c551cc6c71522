import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AttentionList } from '../../../src/batch/tracking/attention-list.ts'
import { rowOf } from './rows.ts'

const day = (number: number) => new Date(Date.UTC(2025, 0, 1 + number)).toISOString()

test('the oldest unpaid invoices are listed, at most 50, and those without a date last', () => {
  const dates = fc.array(fc.option(fc.nat({ max: 90 }), { nil: undefined }), { maxLength: 120 })
  const property = fc.property(dates, (days) => {
    const list = new AttentionList()
    const rows = days.map((number, index) =>
      rowOf({
        line: index,
        status: index % 2 === 0 ? 'notpaid' : 'overdue',
        ...(number !== undefined && { invoiceDate: day(number) }),
      }),
    )
    for (const [index, row] of rows.entries()) list.update(index, row)
    const order = (index: number) => days[index] ?? Number.POSITIVE_INFINITY
    const expected = rows.map(({ line }) => line).sort((one, other) => order(one) - order(other) || one - other)
    expect(list.rows('unpaid').map(({ line }) => line)).toEqual(expected.slice(0, 50))
  })
  fc.assert(property)
})

test('a row that was dropped from a full list is added again when it is older', () => {
  const list = new AttentionList()
  for (let index = 0; index <= 50; index++) {
    list.update(index, rowOf({ line: index, status: 'overdue', invoiceDate: day(60 - index) }))
  }
  expect(list.rows('unpaid').map(({ line }) => line)).not.toContain(0)
  list.update(0, rowOf({ line: 0, status: 'overdue', invoiceDate: day(0) }))
  const lines = list.rows('unpaid').map(({ line }) => line)
  expect(lines).toEqual([0, ...Array.from({ length: 49 }, (_, index) => 50 - index)])
})

test('a row that was dropped from a full list and is paid later leaves the list as it is', () => {
  const list = new AttentionList()
  for (let index = 0; index <= 50; index++) {
    list.update(index, rowOf({ line: index, status: 'overdue', invoiceDate: day(60 - index) }))
  }
  list.update(0, rowOf({ line: 0, status: 'paid' }))
  expect(list.rows('unpaid').map(({ line }) => line)).toEqual(Array.from({ length: 50 }, (_, index) => 50 - index))
})

test('a full list takes an invoice that is older than its last one, and no younger one', () => {
  const list = new AttentionList()
  const add = (index: number, days: number) =>
    list.update(index, rowOf({ line: index, status: 'overdue', invoiceDate: day(days) }))
  for (let index = 0; index < 50; index++) add(index, 2 * index)
  add(50, 51)
  add(51, 200)
  const lines = list.rows('unpaid').map(({ line }) => line)
  expect(lines).toEqual([
    ...Array.from({ length: 26 }, (_, index) => index),
    50,
    ...Array.from({ length: 23 }, (_, index) => 26 + index),
  ])
})

test('an invoice that is paid leaves the others in the list, also if it is read again', () => {
  const list = new AttentionList()
  for (const index of [1, 2, 3]) list.update(index, rowOf({ line: index, status: 'overdue', invoiceDate: day(index) }))
  for (let read = 0; read < 2; read++) list.update(2, rowOf({ line: 2, status: 'paid' }))
  expect(list.rows('unpaid').map(({ line }) => line)).toEqual([1, 3])
})

test('refunded invoices are in the order of the journals, not of their dates', () => {
  const list = new AttentionList()
  list.update(1, rowOf({ line: 1, status: 'refunded', invoiceDate: day(9) }))
  list.update(2, rowOf({ line: 2, status: 'refunded', invoiceDate: day(1) }))
  expect(list.rows('refunded').map(({ line }) => line)).toEqual([1, 2])
})

test('an invoice that is paid later is listed no more', () => {
  const list = new AttentionList()
  list.update(3, rowOf({ status: 'notpaid', invoiceDate: day(1) }))
  list.update(3, rowOf({ status: 'overdue', invoiceDate: day(1) }))
  expect(list.rows('unpaid')).toHaveLength(1)
  list.update(3, rowOf({ status: 'paid' }))
  expect(list.rows('unpaid')).toEqual([])
})

test('refunded, unreadable and unknown invoices have lists of their own, in the order of the journals', () => {
  const list = new AttentionList()
  for (const [index, status] of [
    [4, 'unknown'],
    [2, 'unreadable'],
    [1, 'unreadable'],
    [3, 'refunded'],
    [5, 'paid'],
    [6, 'not started'],
  ] as const) {
    list.update(index, rowOf({ line: index, status }))
  }
  expect(list.rows('unreadable').map(({ line }) => line)).toEqual([1, 2])
  expect(list.rows('refunded')).toHaveLength(1)
  expect(list.rows('unknown')).toHaveLength(1)
})
