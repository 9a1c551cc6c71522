import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { brief, compareWithMarks, readMarks } from '../../scripts/mutants/marks.ts'

const source = `const first = a < b
const second = a < b
const third = run({
  a,
})
`

type Status = 'Survived' | 'NoCoverage' | 'Killed' | 'Timeout'

function mutant(line: number, columns: [number, number], replacement: string, status: Status = 'Survived', lines = 1) {
  const location = { start: { line, column: columns[0] }, end: { line: line + lines - 1, column: columns[1] } }
  return { id: `${line}${replacement}`, mutatorName: 'any', replacement, status, location }
}

const report = (...mutants: ReturnType<typeof mutant>[]) => ({
  files: { 'src/a.ts': { language: 'typescript', source, mutants } },
})

const atFirst = mutant(1, [15, 20], 'a <= b')
const atSecond = mutant(2, [16, 21], 'a <= b')
const reason = 'Both are the same.'

describe('a survivor', () => {
  test('without a mark is listed with its place', () => {
    expect(compareWithMarks(report(atFirst), {})).toEqual({
      unmarked: [{ file: 'src/a.ts', lineNumber: 1, line: 'const first = a < b', code: 'a < b', to: 'a <= b' }],
      outdated: [],
      marked: 0,
    })
  })

  test('with a mark is counted, also if no test covers it', () => {
    const marks = { 'src/a.ts': [{ code: 'a < b', to: ['a >= b', 'a <= b'], reason }] }
    const uncovered = mutant(2, [16, 21], 'a >= b', 'NoCoverage')
    expect(compareWithMarks(report(atFirst, uncovered), marks)).toEqual({ unmarked: [], outdated: [], marked: 2 })
  })

  test('on several lines is compared without line breaks', () => {
    const marks = { 'src/a.ts': [{ code: '{ a, }', to: '{}', reason }] }
    const found = compareWithMarks(report(mutant(3, [19, 2], '{}', 'Survived', 3)), marks)
    expect(found).toEqual({ unmarked: [], outdated: [], marked: 1 })
  })

  test('is not marked by another change, another line or another file', () => {
    const others = [
      { 'src/a.ts': [{ code: 'a < b', to: 'a >= b', reason }] },
      { 'src/a.ts': [{ code: 'b < a', to: 'a <= b', reason }] },
      { 'src/a.ts': [{ code: 'a < b', to: 'a <= b', line: 'const second = a < b', reason }] },
      { 'src/b.ts': [{ code: 'a < b', to: 'a <= b', reason }] },
    ]
    for (const marks of others) expect(compareWithMarks(report(atFirst), marks).unmarked).toHaveLength(1)
  })
})

describe('a mark', () => {
  test('of a line does not mark the same code on other lines', () => {
    const marks = { 'src/a.ts': [{ code: 'a < b', to: 'a <= b', line: 'const second = a < b', reason }] }
    const { unmarked, marked } = compareWithMarks(report(atFirst, atSecond), marks)
    expect(unmarked.map(({ lineNumber }) => lineNumber)).toEqual([1])
    expect(marked).toBe(1)
  })

  test('is outdated if its change is noticed, and none of a file that was not tested', () => {
    const marks = {
      'src/a.ts': [{ code: 'a < b', to: ['a <= b', 'a >= b'], reason }],
      'src/b.ts': [{ code: 'c', to: 'd', reason }],
    }
    const noticed = mutant(2, [16, 21], 'a >= b', 'Killed')
    expect(compareWithMarks(report(atFirst, noticed), marks).outdated).toEqual([
      { file: 'src/a.ts', code: 'a < b', to: 'a >= b' },
    ])
  })
})

test('long code is cut', () => {
  expect(brief(`${'x'.repeat(100)}\n`)).toBe('x'.repeat(100))
  expect(brief('x'.repeat(101))).toBe(`${'x'.repeat(99)}…`)
})

test('equivalent.yml has code that exists, and reasons', () => {
  const root = join(import.meta.dirname, '..', '..')
  for (const [file, marks] of Object.entries(readMarks())) {
    const code = readFileSync(join(root, file), 'utf8').replace(/\s+/g, ' ')
    for (const mark of marks) {
      for (const text of [mark.code, mark.line ?? '']) expect(code, file).toContain(text.replace(/…$/, ''))
      expect(mark.reason).toMatch(/^[A-Z`].*\.$/s)
    }
  }
})
