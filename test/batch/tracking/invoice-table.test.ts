import fs, { readdirSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { InvoiceTable } from '../../../src/batch/tracking/invoice-table.ts'
import type { TrackedInvoice } from '../../../src/batch/tracking/tracked-invoice.ts'
import { countOpenFiles, newFolder, replaceWriteSync } from '../files.ts'
import { newTable, rowOf, rowsIn } from './rows.ts'

const rows = fc
  .record({ text: fc.string({ unit: 'grapheme' }), times: fc.constantFrom(1, 100, 20_000) })
  .map(({ text, times }) => rowOf({ message: text.repeat(times) }))

const steps = fc.oneof(
  fc.record({ act: fc.constant('add' as const), row: rows, at: fc.nat() }),
  fc.record({ act: fc.constantFrom('set', 'remove', 'get', 'pending', 'done'), row: rows, at: fc.nat() }),
)

test('a table has each row as it was set last', () => {
  const property = fc.property(fc.array(steps, { maxLength: 60 }), (actions) => {
    const table = new InvoiceTable(newFolder())
    const model: (TrackedInvoice | undefined)[] = []
    const pending = new Set<number>()
    for (const { act, row, at } of actions) {
      if (act === 'add') {
        expect(table.add(row)).toBe(model.length)
        model.push(row)
      }
      if (model.length === 0) continue
      const index = at % model.length
      if (act === 'get') expect(table.get(index)).toEqual(model[index])
      if (act === 'pending') pending.add(index)
      if (act === 'done' || act === 'remove') pending.delete(index)
      if (act === 'pending' || act === 'done') table.setPending(index, act === 'pending')
      if (act === 'set' && model[index]) {
        table.set(index, row)
        model[index] = row
      }
      if (act === 'remove') {
        table.remove(index)
        model[index] = undefined
      }
    }
    expect(rowsIn(table)).toEqual(model.filter((row) => row !== undefined))
    expect(table.count).toBe(model.filter((row) => row !== undefined).length)
    expect(table.size).toBe(model.length)
    expect([...table.pendingIndexes()]).toEqual([...pending].sort((one, other) => one - other))
    expect(table.pendingCount).toBe(pending.size)
    table.close()
  })
  fc.assert(property, { numRuns: 30 })
})

test('a table whose file cannot be deleted is closed without an error, so that its result is reported', () => {
  const { rmSync } = fs
  let refused = 0
  const restore = () => {
    fs.rmSync = rmSync
    syncBuiltinESMExports()
  }
  onTestFinished(restore)
  const table = new InvoiceTable(newFolder())
  fs.rmSync = () => {
    refused++
    throw Object.assign(new Error('EBUSY: resource busy or locked'), { code: 'EBUSY' })
  }
  syncBuiltinESMExports()
  table.close()
  restore()
  expect(refused).toBe(1)
})

test('a table grows beyond its first capacity', () => {
  const all = Array.from({ length: 5000 }, (_, index) => rowOf({ line: index + 1 }))
  const table = newTable(all)
  all.forEach((_, index) => {
    if (index % 3 === 0) table.setPending(index, true)
  })
  expect(rowsIn(table)).toEqual(all)
  expect(table.pendingCount).toBe(1667)
})

test('rows are written once there are 256 KiB of them', () => {
  const written: number[] = []
  replaceWriteSync((write) => (...args: Parameters<typeof write>) => {
    const length = write(...args)
    written.push(length)
    return length
  })
  const empty = JSON.stringify(rowOf({ message: '' })).length
  const table = newTable([rowOf({ message: 'x'.repeat((1 << 18) - 1 - empty) })])
  expect(written).toEqual([])
  table.set(0, rowOf({ message: '' }))
  expect(written).toEqual([(1 << 18) - 1 + empty])
  table.set(0, rowOf({ message: 'x'.repeat((1 << 18) - empty) }))
  expect(written.slice(1)).toEqual([1 << 18])
})

test.runIf(process.platform === 'linux')('a table that is closed has no open file', () => {
  const before = countOpenFiles()
  const table = new InvoiceTable(newFolder())
  expect(countOpenFiles()).toBe(before + 1)
  table.close()
  expect(countOpenFiles()).toBe(before)
})

test('the file of a table is deleted when it is closed', () => {
  const folder = newFolder()
  const table = new InvoiceTable(folder)
  table.add(rowOf())
  expect(readdirSync(folder)).toHaveLength(1)
  table.close()
  expect(readdirSync(folder)).toEqual([])
})

const hint = 'Free disk space in RUNNER_TEMP, then run the step again: it only reads invoices'

test('a folder that cannot be used is a failure that says what to do', () => {
  expect(() => new InvoiceTable(join(newFolder(), 'none'))).toThrow(
    expect.objectContaining({
      code: 'output_failed',
      hint,
      message: expect.stringMatching(/^The temporary file of the invoices cannot be created: ENOENT/),
      cause: expect.objectContaining({ code: 'ENOENT' }),
    }),
  )
})

test('a full disk is a failure that says what to do', () => {
  const table = newTable([rowOf()])
  replaceWriteSync(() => () => {
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  })
  expect(() => table.get(0)).toThrow(
    expect.objectContaining({
      code: 'output_failed',
      hint,
      message: 'The temporary file of the invoices cannot be written: ENOSPC: no space left on device',
      cause: expect.objectContaining({ code: 'ENOSPC' }),
    }),
  )
})

test('a file that takes a part of what is written gets the rest', () => {
  const rows = [rowOf({ message: 'a'.repeat(500) }), rowOf({ message: 'b'.repeat(500) })]
  const table = newTable(rows)
  replaceWriteSync(
    (write) =>
      (...[descriptor, bytes, offset, length, position]: [number, Uint8Array, number, number, number]) =>
        write(descriptor, bytes, offset, Math.min(length, 100), position),
  )
  expect(rowsIn(table)).toEqual(rows)
})
