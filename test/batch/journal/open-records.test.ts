import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type OpenRecord, OpenRecords } from '../../../src/batch/journal/open-records.ts'

const record = fc.record({ group: fc.nat({ max: 3 }), run: fc.nat({ max: 3 }), line: fc.nat({ max: 50 }) })
const step = fc.record({
  // Few hashes, some of which fall into the same slot.
  hash: fc.constantFrom(0, 1, 64, 65, 128, 2 ** 52 - 1),
  record,
  isAdded: fc.boolean(),
})

test('records are found by hash, group and run as in a list, and no record is lost', () => {
  fc.assert(
    fc.property(fc.array(step, { size: 'max', maxLength: 300 }), (steps) => {
      const table = new OpenRecords()
      const list: { hash: number; group: number; run: number }[] = []
      for (const { hash, record, isAdded } of steps) {
        const { group, run } = record
        if (isAdded) {
          table.add(hash, record)
          list.push({ hash, group, run })
          continue
        }
        const matches = (one: Pick<OpenRecord, 'group' | 'run'>) => one.group === group && one.run === run
        const index = list.findIndex((one) => one.hash === hash && matches(one))
        expect(table.take(hash, matches) !== undefined).toBe(index >= 0)
        if (index >= 0) list.splice(index, 1)
      }
      const left = [...table].flatMap(({ hash, group, run, count }) => Array(count).fill(`${hash} ${group} ${run}`))
      expect(left.sort()).toEqual(list.map(({ hash, group, run }) => `${hash} ${group} ${run}`).sort())
    }),
  )
})

test('many different records and many equal ones keep their lines and counts', () => {
  const table = new OpenRecords()
  for (let hash = 1; hash <= 20_000; hash++) table.add(hash * 1_000_003, { group: hash % 7, run: 1, line: hash })
  for (let copy = 1; copy <= 20_000; copy++) table.add(5, { group: 0, run: 1, line: copy })
  const all = [...table]
  expect(all).toHaveLength(20_001)
  expect(all.find(({ hash }) => hash === 5)).toEqual({ hash: 5, group: 0, run: 1, line: 1, count: 20_000 })
  expect(table.take(77 * 1_000_003, () => true)).toEqual({ group: 0, run: 1, line: 77 })
  expect(table.take(77 * 1_000_003, () => true)).toBeUndefined()
})
