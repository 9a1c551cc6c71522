import { expect, onTestFinished, test, vi } from 'vitest'
import { dropRepeated } from '../../../src/batch/tracking/repeated-invoices.ts'
import type { TrackedInvoice } from '../../../src/batch/tracking/tracked-invoice.ts'
import { newTable, rowOf, rowsIn } from './rows.ts'

const invoice = (id: string, invoiceId: string, installation = 'icfg_1') => rowOf({ id, invoiceId, installation })
const lost = (id: string) => rowOf({ id, status: 'unknown' })

/** Returns `id:invoiceId` of the rows that are left. */
async function left(...journals: readonly (readonly TrackedInvoice[])[]) {
  const table = newTable(journals.flat())
  let start = 0
  const starts = journals.map((rows) => {
    start += rows.length
    return start - rows.length
  })
  await dropRepeated(table, starts, new AbortController().signal)
  return rowsIn(table).map(
    ({ id, installation, invoiceId = '?' }) => `${id}:${invoiceId}${installation === 'icfg_1' ? '' : installation}`,
  )
}

test('an invoice of two journals is kept once', async () => {
  expect(
    await left([invoice('a', 'inv_1'), invoice('b', 'inv_2')], [invoice('b', 'inv_2'), invoice('c', 'inv_3')]),
  ).toEqual(['a:inv_1', 'b:inv_2', 'c:inv_3'])
})

test('a record without an id is dropped if another journal knows its invoice, before or after it', async () => {
  expect(await left([lost('a'), lost('b')], [invoice('a', 'inv_1')])).toEqual(['b:?', 'a:inv_1'])
  expect(await left([invoice('a', 'inv_1')], [lost('a'), lost('b')])).toEqual(['a:inv_1', 'b:?'])
})

test('a record without an id of two journals is kept once', async () => {
  expect(await left([lost('a')], [lost('a')], [lost('a')])).toEqual(['a:?'])
})

test('equal records of one journal are different records', async () => {
  expect(await left([lost('a'), lost('a'), invoice('b', 'inv_1'), invoice('b', 'inv_2')], [])).toEqual([
    'a:?',
    'a:?',
    'b:inv_1',
    'b:inv_2',
  ])
})

test('the same invoice id of two installations is two invoices', async () => {
  expect(await left([invoice('a', 'inv_1')], [invoice('b', 'inv_1', 'icfg_2')])).toEqual(['a:inv_1', 'b:inv_1icfg_2'])
})

test('two invoices of a record that two journals sent are both kept', async () => {
  expect(await left([invoice('a', 'inv_1')], [invoice('a', 'inv_2')])).toEqual(['a:inv_1', 'a:inv_2'])
})

test('only keys that several rows have are kept as texts', async () => {
  const set = vi.spyOn(Map.prototype, 'set')
  onTestFinished(() => set.mockRestore())
  const keysOf = async (...journals: readonly (readonly TrackedInvoice[])[]) => {
    set.mockClear()
    await left(...journals)
    return set.mock.calls.map(([key]) => key)
  }
  expect(await keysOf([invoice('a', 'inv_1')], [lost('b')])).toEqual([])
  expect(await keysOf([invoice('a', 'inv_1')], [invoice('b', 'inv_1')])).toEqual(['icfg_1\ninv_1', 'icfg_1\ninv_1'])
})

test('the same id with another content is another record', async () => {
  expect(
    await left(
      [rowOf({ id: 'a', digest: '1', status: 'unknown' })],
      [rowOf({ id: 'a', digest: '2', status: 'unknown' })],
    ),
  ).toHaveLength(2)
})
