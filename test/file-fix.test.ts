import { expect, test } from 'vitest'
import { fileFix, fileNameProblem } from '../src/file-fix.ts'

test.each([
  'journal.ndjson',
  'a\\b/c.ndjson',
  'C:\\work\\journal.ndjson',
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

test('on Windows a path in the current folder of a drive is refused, and only there', () => {
  for (const path of ['C:journal.ndjson', 'd:logs\\journal.ndjson']) {
    expect(fileNameProblem(path, 'win32')).toBe('on Windows the colon of its drive must have a slash behind it')
    expect(fileNameProblem(path, 'linux')).toBeUndefined()
  }
})

test.each(['EACCES', 'EPERM', 'EBUSY'])('on Windows %s may be a file that another program has open', (code) => {
  const fix = 'Close programs that have the file open, and make the file and its folder writable, or use another path'
  expect(fileFix({ code }, 'win32')).toBe(fix)
  expect(fileFix({ code }, 'linux')).not.toContain('Close programs')
})

test('a mounted file is a cause of EBUSY on Linux, and a full disk is one everywhere', () => {
  expect(fileFix({ code: 'EBUSY' }, 'linux')).toBe(
    'Mount the folder of the file instead of the file, or use another path',
  )
  for (const platform of ['linux', 'darwin', 'win32'] as const) {
    expect(fileFix({ code: 'ENOSPC' }, platform)).toBe('Free disk space')
    expect(fileFix(new Error('unknown'), platform)).toBe('Use a path on another file system')
  }
})
