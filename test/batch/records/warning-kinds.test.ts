import { describe, expect, test } from 'vitest'
import { WarningKinds, warningDiagnostics } from '../../../src/batch/records/warning-kinds.ts'
import type { Diagnostic } from '../../../src/failure.ts'

/** Warnings, each with its line. */
function kindsOf(...warnings: readonly (readonly [line: number, warning: Diagnostic | string])[]): WarningKinds {
  const kinds = new WarningKinds()
  for (const [line, warning] of warnings) kinds.add(typeof warning === 'string' ? { message: warning } : warning, line)
  return kinds
}

/** Names that have no part that varies. */
const letters = (count: number) =>
  Array.from({ length: count }, (_, number) => String.fromCharCode(97 + Math.floor(number / 26), 97 + (number % 26)))

describe('warnings', () => {
  test('that differ in quoted texts, times or numbers are of one kind', () => {
    const kinds = kindsOf(
      [1, 'total of "a" is 1.50 since 2025-03-15T12:00:00Z'],
      [4, 'total of "b \\" c" is 20 since 2026-03-15T12:00:00.123Z'],
    )
    expect(kinds.list()).toEqual([
      { example: 'total of "a" is 1.50 since 2025-03-15T12:00:00Z', count: 2, lines: [1, 4] },
    ])
    expect(kinds.has({ message: 'total of "" is 7 since 2020-01-01T00:00:00Z' })).toBe(true)
    expect(kinds.has({ message: 'total of  is  since ' })).toBe(false)
  })

  test('of different fields are of different kinds', () => {
    const kinds = kindsOf([1, { message: 'is odd', path: ['items', 0, 'total'] }])
    kinds.add({ message: 'is odd', path: ['items', 7, 'total'] }, 2)
    kinds.add({ message: 'is odd', path: ['memo'] }, 3)
    kinds.add({ message: 'is odd', path: [] }, 4)
    expect(kinds.list()).toEqual([
      { example: 'items[0].total is odd', count: 2, lines: [1, 2] },
      { example: 'memo is odd', count: 1, lines: [3] },
      { example: 'is odd', count: 1, lines: [4] },
    ])
    expect(kinds.has({ message: 'is odd', path: ['memo'] })).toBe(true)
    expect(kinds.has({ message: 'is odd', path: ['total'] })).toBe(false)
  })

  test('are listed by their number, with the first three lines', () => {
    const kinds = kindsOf([1, 'a'], [2, 'b'], [2, 'b'], [3, 'c'], [4, 'c'], [4, 'c'], [5, 'c'], [6, 'c'])
    expect(kinds.list()).toEqual([
      { example: 'c', count: 5, lines: [3, 4, 5] },
      { example: 'b', count: 2, lines: [2] },
      { example: 'a', count: 1, lines: [1] },
    ])
  })

  test('of more than a hundred kinds are counted together', () => {
    const names = letters(100)
    const kinds = kindsOf(...names.map((name, index) => [index + 1, name] as const))
    expect(kinds.list()).toHaveLength(100)
    kinds.add({ message: 'other' }, 101)
    kinds.add({ message: 'another' }, 102)
    kinds.add({ message: 'aa' }, 103)
    const list = kinds.list()
    expect(list).toHaveLength(101)
    expect(list[0]).toEqual({ example: 'aa', count: 2, lines: [1, 103] })
    expect(list.at(-1)).toEqual({ example: 'other warnings', count: 2, lines: [] })
    expect(kinds.has({ message: 'other' })).toBe(false)
  })
})

describe('the diagnostics of warnings about records that were sent', () => {
  const file = 'batch.ndjson'

  test('have the lines, of which the first is the position', () => {
    const kinds = kindsOf([7, 'a'], [1234, 'b'], [2345, 'b'], ...[3, 4, 5, 6].map((line) => [line, 'c'] as const))
    expect(warningDiagnostics(kinds, file)).toEqual([
      { message: '4 records (lines 3, 4, 5 …): c', file, position: { line: 3, column: 1 } },
      { message: '2 records (lines 1,234, 2,345): b', file, position: { line: 1234, column: 1 } },
      { message: 'line 7: a', file, position: { line: 7, column: 1 } },
    ])
  })

  test('have no lines for further kinds', () => {
    const kinds = kindsOf(...letters(101).map((name) => [9, name] as const))
    expect(warningDiagnostics(kinds, file).at(-1)).toStrictEqual({ message: '1 record: other warnings', file })
    kinds.add({ message: 'more' }, 9)
    expect(warningDiagnostics(kinds, file).at(-1)).toStrictEqual({ message: '2 records: other warnings', file })
  })
})
