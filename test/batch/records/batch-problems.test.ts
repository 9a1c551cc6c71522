import { describe, expect, test } from 'vitest'
import { BatchProblems } from '../../../src/batch/records/batch-problems.ts'
import { parseRecord } from '../../../src/batch/records/parse-record.ts'
import type { Diagnostic, Failure } from '../../../src/failure.ts'
import type { Source } from '../../../src/payload/source.ts'

const file = 'batch.ndjson'
const newProblems = () => new BatchProblems(file)

function failureOf(problems: BatchProblems, failsOnWarning = false, otherWarnings?: readonly Diagnostic[]) {
  try {
    problems.refuse(failsOnWarning, otherWarnings)
  } catch (error) {
    return error as Failure
  }
  return undefined
}

const errorsOf = (problems: BatchProblems) => failureOf(problems)?.diagnostics ?? []

/** The errors of one record on line 7, as they are reported. */
function located(text: string, ...errors: Diagnostic[]) {
  const problems = newProblems()
  problems.addRecord(7, parseRecord(text), { errors, warnings: [] })
  return errorsOf(problems)
}

describe('a problem has the column of', () => {
  const text = '{"items": [{"total": 1}], "memo": "x"}'
  test.each<[what: string, problem: Diagnostic, column: number]>([
    ['its value', { message: 'm', path: ['items', 0, 'total'] }, 22],
    ['its key', { message: 'm', path: ['items', 0, 'total'], at: 'key' }, 13],
    ['the nearest parent that is there', { message: 'm', path: ['items', 0, 'price'] }, 12],
    ["its parent's value, if its own key is not there", { message: 'm', path: ['memo', 'x'], at: 'key' }, 35],
    ['the record, if no parent is there', { message: 'm', path: ['other', 'total'] }, 1],
    ['its own position', { message: 'm', path: ['memo'], position: { line: 3, column: 9 } }, 9],
  ])('%s', (_, problem, column) => {
    expect(located(text, problem)).toEqual([{ path: problem.path, message: 'm', file, position: { line: 7, column } }])
  })

  test('the record, after blanks, if it is about the whole', () => {
    expect(located(`  ${text}`, { message: 'm' })).toEqual([
      { path: [], message: 'm', file, position: { line: 7, column: 3 } },
    ])
  })
})

test('problems of the text come first, and those of the whole text are sentences about the record', () => {
  const source: Source = {
    value: {},
    errors: [{ message: 'is not JSON' }, { message: 'is given twice', path: ['memo'] }],
    warnings: [{ message: 'is long', path: [] }],
    locate: () => undefined,
  }
  const problems = newProblems()
  problems.addRecord(2, source, { errors: [{ message: 'is missing', path: ['a'] }], warnings: [{ message: 'w' }] })
  const position = { line: 2, column: 1 }
  const warnings = [
    { path: [], message: 'the record is long', file, position },
    { path: [], message: 'w', file, position },
  ]
  const errors = [
    { path: [], message: 'the record is not JSON', file, position },
    { path: ['memo'], message: 'is given twice', file, position },
    { path: ['a'], message: 'is missing', file, position },
  ]
  expect(problems.warnings).toEqual(warnings)
  expect(failureOf(problems)).toMatchObject({
    code: 'invalid_payload',
    message: 'The batch file contains errors, and nothing was sent',
    diagnostics: errors,
  })
  expect(failureOf(problems, true)?.diagnostics).toEqual([...errors, ...warnings])
})

test('warnings refuse a batch only if they are errors', () => {
  const problems = newProblems()
  const other = { message: 'other' }
  expect(failureOf(problems, true)).toBeUndefined()
  problems.addWarning({ message: 'w' })
  expect(failureOf(problems, false, [other])).toBeUndefined()
  expect(failureOf(problems, true, [other])?.diagnostics).toEqual([other, { message: 'w' }])
})

test('an error has its line, or is about the file', () => {
  const problems = newProblems()
  problems.addError('a', 4)
  problems.addError('b')
  expect(errorsOf(problems)).toStrictEqual([
    { message: 'a', file, position: { line: 4, column: 1 } },
    { message: 'b', file },
  ])
})

describe('of many problems, the first thousand are kept:', () => {
  const messages = (found: readonly Diagnostic[]) => found.map(({ message }) => message)
  const numbered = (count: number, start = 0) => Array.from({ length: count }, (_, number) => `${start + number}`)
  const asDiagnostics = (texts: readonly string[]) => texts.map((message) => ({ message }))

  test('errors of the file', () => {
    const problems = newProblems()
    for (const message of numbered(999)) problems.addError(message)
    expect(problems.isFull).toBe(false)
    expect(failureOf(problems)?.message).toBe('The batch file contains errors, and nothing was sent')
    problems.addError('999')
    expect(problems.isFull).toBe(true)
    problems.addError('1000')
    expect(messages(errorsOf(problems))).toEqual(numbered(1000))
    expect(failureOf(problems)?.message).toBe('The batch file contains 1,000 errors or more, and nothing was sent')
  })

  test('warnings of the file', () => {
    const problems = newProblems()
    for (const message of numbered(1001)) problems.addWarning({ message })
    expect(messages(problems.warnings)).toEqual(numbered(1000))
  })

  test('those of records', () => {
    const problems = newProblems()
    const source = parseRecord('{}')
    const add = (texts: readonly string[]) =>
      problems.addRecord(1, source, { errors: asDiagnostics(texts), warnings: asDiagnostics(texts) })
    add(numbered(600))
    add(numbered(600, 600))
    add(['more'])
    expect(messages(errorsOf(problems))).toEqual(numbered(1000))
    expect(messages(problems.warnings)).toEqual(numbered(1000))
  })
})
