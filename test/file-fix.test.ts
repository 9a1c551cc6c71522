import { expect, test } from 'vitest'
import { fileNameProblem } from '../src/file-fix.ts'

test.each([
  'journal.ndjson',
  'a\\b/c.ndjson',
  'C:\\work\\journal.ndjson',
  'C:journal.ndjson',
  '\\\\?\\C:\\work\\journal.ndjson',
  '\\\\server\\share\\journal.ndjson',
])('on Windows %s is a name', (path) => {
  expect(fileNameProblem(path, 'win32')).toBeUndefined()
})

test.each([
  'journal:1.ndjson',
  'journal.ndjson:stream',
  'logs\\a:b\\journal.ndjson',
  'C:\\work\\2026-11-28T10:00.ndjson',
  '\\\\?\\C:\\work\\a:b',
])('on Windows %s is refused, and only there', (path) => {
  expect(fileNameProblem(path, 'win32')).toBe('on Windows its name must not contain a colon')
  expect(fileNameProblem(path, 'linux')).toBeUndefined()
  expect(fileNameProblem(path, 'darwin')).toBeUndefined()
})
