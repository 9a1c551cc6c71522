import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { openReport, type ReportColumn, type ReportRow, reportColumns } from '../../../src/batch/report/report-file.ts'
import { newFolder } from '../files.ts'
import { parseCsv } from './csv.ts'

function write(path: string, rows: readonly ReportRow[], columns: readonly ReportColumn[] = reportColumns): string {
  const workspace = newFolder()
  const report = openReport({ workspace, path }, columns, (text) => text)
  for (const row of rows) report.write(row)
  return readFileSync(report.commit(), 'utf8')
}

const columns = ['line', 'id', 'message', 'amount'] as const
const cellText = fc.string({ unit: fc.constantFrom(...'a="\',;\r\n\t +-@é😀\ud800＝'), maxLength: 8 })
const rows = fc.array(fc.record({ line: fc.nat(), id: cellText, message: cellText }), { maxLength: 5 })

test('every CSV is read back by a strict parser, cell by cell', () => {
  fc.assert(
    fc.property(rows, (rows) => {
      const [names, ...read] = parseCsv(write('report.csv', rows, columns))
      expect(names).toEqual(columns)
      const unquoted = read.map((cells) => cells.map((cell) => cell.replace(/^'(?=[=+\-@\t\r\n＝])/, '')))
      const expected = rows.map(({ line, id, message }) =>
        [String(line), id, message, ''].map((text) => text.toWellFormed().replace(/^'(?=[=+\-@\t\r\n＝])/, '')),
      )
      expect(unquoted).toEqual(expected)
    }),
  )
})

test('no cell is a formula, but a negative amount is a number', () => {
  const starts = ['=1+1', '+1', '-1+1', '@SUM(A1)', '\t=1', '\r=1', '＝1', '-cmd']
  const text = write('report.csv', [...starts.map((id) => ({ id })), { amount: '-12.50' }], columns)
  const cells = parseCsv(text).slice(1)
  expect(cells.map(([, id]) => id)).toEqual([...starts.map((start) => `'${start}`), ''])
  expect(cells.at(-1)?.[3]).toBe('-12.50')
})

test('lines end with CRLF, and a report without rows has its columns', () => {
  expect(write('report.csv', [{ line: 1, id: 'a' }], columns)).toBe('line,id,message,amount\r\n1,a,,\r\n')
  expect(write('report.txt', [], columns)).toBe('line,id,message,amount\r\n')
})

test.each(['report.ndjson', 'report.jsonl', 'REPORT.NDJSON'])('%s is NDJSON', (path) => {
  const text = write(path, [{ line: 1, id: '=a"\n', httpStatus: 200 }, { line: 2 }])
  expect(
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([{ line: 1, id: '=a"\n', httpStatus: 200 }, { line: 2 }])
})

test('the file appears when it is whole, in a new folder, readable by its owner only', () => {
  const workspace = newFolder()
  const report = openReport({ workspace, path: 'reports/october.csv' }, columns, (text) => text)
  const path = join(workspace, 'reports/october.csv')
  report.write({ line: 1 })
  expect(existsSync(path)).toBe(false)
  expect(report.commit()).toBe(path)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(join(workspace, 'reports'))).toEqual(['october.csv'])
})

test('a report whose temporary file cannot be deleted is discarded without an error', () => {
  const workspace = newFolder()
  const report = openReport({ workspace, path: 'report.csv' }, columns, (text) => text)
  const temporary = join(workspace, 'report.csv.vercel-marketplace.tmp')
  // A folder in its place cannot be deleted, as a file that another program of Windows has open.
  rmSync(temporary)
  mkdirSync(temporary)
  report.discard()
  expect(existsSync(join(workspace, 'report.csv'))).toBe(false)
})

test('a discarded report leaves the earlier file as it was', () => {
  const workspace = newFolder()
  writeFileSync(join(workspace, 'report.csv'), 'before')
  const report = openReport({ workspace, path: 'report.csv' }, columns, (text) => text)
  report.write({ line: 1 })
  report.discard()
  expect(readFileSync(join(workspace, 'report.csv'), 'utf8')).toBe('before')
  expect(readdirSync(workspace)).toEqual(['report.csv'])
})

test('a folder in the place of the file is a failure that names it', () => {
  const workspace = newFolder()
  mkdirSync(join(workspace, 'report.csv'))
  expect(() => openReport({ workspace, path: 'report.csv' }, columns, (text) => text)).toThrow(
    '`report-file` "report.csv" cannot be written: it is not a regular file',
  )
})

test('on Windows a name with a colon is a failure that says so', () => {
  const { platform } = process
  Object.defineProperty(process, 'platform', { value: 'win32' })
  onTestFinished(() => void Object.defineProperty(process, 'platform', { value: platform }))
  expect(() => openReport({ workspace: newFolder(), path: 'report:1.csv' }, columns, (text) => text)).toThrow(
    '`report-file` "report:1.csv" cannot be written: on Windows its name must not contain a colon',
  )
})

test.skipIf(process.platform !== 'linux')(
  'a folder that cannot be made is a failure, and does not hold up the step',
  () => {
    expect(() =>
      openReport({ workspace: newFolder(), path: '/proc/no/such/report.csv' }, columns, (text) => text),
    ).toThrow('cannot be written: ENOENT')
  },
)

test('secrets are cut out of every cell', () => {
  const workspace = newFolder()
  const report = openReport({ workspace, path: 'r.csv' }, columns, (text) => text.replaceAll('s3cret', '***'))
  report.write({ line: 1, id: 'a-s3cret', message: 'says "s3cret"' })
  const text = readFileSync(report.commit(), 'utf8')
  expect(text).not.toContain('s3cret')
  expect(parseCsv(text)[1]).toEqual(['1', 'a-***', 'says "***"', ''])
})

test('a secret is found at the end of a cell, also as a word of its own', () => {
  const workspace = newFolder()
  const report = openReport({ workspace, path: 'r.csv' }, columns, (text) => text.replace(/\bs3cret\b/g, '***'))
  report.write({ line: 1, id: 's3cret', message: 'next' })
  expect(parseCsv(readFileSync(report.commit(), 'utf8'))[1]).toEqual(['1', '***', 'next', ''])
})
