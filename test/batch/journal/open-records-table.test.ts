// The table of open records, slot by slot: what shares a slot, and what survives when the table grows.

import { expect, onTestFinished, test, vi } from 'vitest'
import { OpenRecords } from '../../../src/batch/journal/open-records.ts'

const any = () => true
const all = (table: OpenRecords) => [...table].sort((one, other) => one.hash - other.hash || one.group - other.group)

test('records with the same hash, group and run share a slot, and the line of the first', () => {
  const table = new OpenRecords()
  table.add(5, { group: 1, run: 0, line: 7 })
  table.add(5, { group: 1, run: 0, line: 8 })
  table.add(5, { group: 2, run: 0, line: 9 })
  table.add(5, { group: 1, run: 1, line: 10 })
  expect([...table].map(({ group, run, line, count }) => [group, run, line, count]).sort()).toEqual([
    [1, 0, 7, 2],
    [1, 1, 10, 1],
    [2, 0, 9, 1],
  ])
  expect(table.take(5, ({ run }) => run === 1)).toEqual({ group: 1, run: 1, line: 10 })
  expect(table.take(5, ({ run }) => run === 1)).toBeUndefined()
  expect(
    [table.take(5, any), table.take(5, any), table.take(5, any), table.take(5, any)].map((found) => found?.line),
  ).toEqual([7, 7, 9, undefined])
})

test('a slot whose records were removed is used again, with the line of the new one', () => {
  const table = new OpenRecords()
  table.add(5, { group: 1, run: 0, line: 7 })
  table.take(5, any)
  expect(all(table)).toEqual([])
  table.add(5, { group: 1, run: 0, line: 8 })
  expect(all(table)).toEqual([{ hash: 5, group: 1, run: 0, line: 8, count: 1 }])
})

test('records of other hashes in the same place are neither found nor lost', () => {
  const table = new OpenRecords()
  for (const hash of [1, 65, 129]) table.add(hash, { group: 0, run: 0, line: hash })
  expect(table.take(193, any)).toBeUndefined()
  expect(table.take(65, any)?.line).toBe(65)
  expect(table.take(129, any)?.line).toBe(129)
  expect(all(table).map(({ hash }) => hash)).toEqual([1])
})

test('what is open survives when the table grows, and what was removed does not fill it', () => {
  const table = new OpenRecords()
  const expected: object[] = []
  for (let hash = 0; hash < 500; hash++) {
    const record = { group: hash % 5, run: hash % 3, line: hash + 1 }
    table.add(hash * 64, record)
    table.add(hash * 64, record)
    if (hash % 2 === 0) {
      table.take(hash * 64, any)
      table.take(hash * 64, any)
    } else expected.push({ hash: hash * 64, ...record, count: 2 })
  }
  expect(all(table)).toEqual(expected)
  for (let hash = 1; hash < 500; hash += 2) expect(table.take(hash * 64, any)?.line).toBe(hash + 1)
  expect(all(table)).toHaveLength(250)
})

test('the table does not grow with records that were removed', () => {
  const lengths: number[] = []
  vi.stubGlobal(
    'Float64Array',
    class extends Float64Array {
      constructor(length: number) {
        super(length)
        lengths.push(length)
      }
    },
  )
  onTestFinished(() => {
    vi.unstubAllGlobals()
  })
  const table = new OpenRecords()
  for (let hash = 0; hash < 200; hash++) {
    table.add(hash, { group: 0, run: 0, line: 1 })
    table.take(hash, any)
  }
  expect(new Set(lengths)).toEqual(new Set([64]))
})

test('later runs than the table can hold count as the last one', () => {
  const table = new OpenRecords()
  table.add(1, { group: 0, run: 0xfffd, line: 1 })
  table.add(1, { group: 0, run: 0xfffe, line: 2 })
  table.add(1, { group: 0, run: 0xffff, line: 3 })
  expect([...table].map(({ run, count }) => [run, count])).toEqual([
    [0xfffd, 1],
    [0xfffe, 2],
  ])
})
