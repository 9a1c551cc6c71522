// How a report is written: in parts, to a temporary file that never stays.

import fs, { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openReport } from '../../../src/batch/report/report-file.ts'
import type { Failure } from '../../../src/failure.ts'
import { countOpenFiles, newFolder, replaceWriteSync } from '../files.ts'

const header = 'id\r\n'

function opened(path = 'report.csv') {
  const workspace = newFolder()
  const report = openReport({ workspace, path }, ['id'], (text) => text)
  return { workspace, report, temporary: join(workspace, `${path}.vercel-marketplace.tmp`) }
}

const failureOf = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    const { code, message, hint } = error as Failure
    return { code, message, hint }
  }
  throw new Error('nothing has failed')
}

const failed = (reason: string) => ({
  code: 'report_failed',
  message: `\`report-file\` "report.csv" cannot be written: ${reason}`,
  hint: 'Give a path in a folder that can be written, and free disk space',
})

/** Lets a disk be full once it has `bytes` bytes. */
function fillDisk(bytes: number) {
  let left = bytes
  replaceWriteSync((write) => (...args) => {
    const [descriptor, content, offset = 0] = args as unknown as [number, Buffer, number | undefined]
    if (left === 0) throw new Error('ENOSPC: no space left on device')
    const written = write(descriptor, content, offset, Math.min(left, content.length - offset))
    left -= written
    return written
  })
}

test('the columns are written at once, and rows in large parts', () => {
  const { report, temporary, workspace } = opened()
  const size = () => statSync(temporary).size
  expect(size()).toBe(header.length)
  report.write({ id: 'a'.repeat((1 << 17) - 3) })
  expect(size()).toBe(header.length)
  report.commit()
  expect(statSync(join(workspace, 'report.csv')).size).toBe(header.length + (1 << 17) - 1)

  const exact = opened()
  exact.report.write({ id: 'a'.repeat((1 << 17) - 2) })
  expect(statSync(exact.temporary).size).toBe(header.length + (1 << 17))
  exact.report.write({ id: 'b' })
  expect(statSync(exact.temporary).size).toBe(header.length + (1 << 17))
  expect(readFileSync(exact.report.commit(), 'utf8')).toMatch(/^id\r\na+\r\nb\r\n$/)

  const many = opened()
  for (let row = 0; row < 200; row++) many.report.write({ id: 'a'.repeat(998) })
  expect(statSync(many.temporary).size).toBe(header.length + 132_000)
  many.report.discard()
})

test('the content is on the disk before the report appears', () => {
  const { report, workspace } = opened()
  const appeared: boolean[] = []
  const { fsyncSync } = fs
  vi.spyOn(fs, 'fsyncSync').mockImplementation((descriptor) => {
    appeared.push(existsSync(join(workspace, 'report.csv')))
    fsyncSync(descriptor)
  })
  syncBuiltinESMExports()
  onTestFinished(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })
  report.commit()
  expect(appeared).toEqual([false])
})

test('only a path that ends with the name of the format is NDJSON', () => {
  expect(readFileSync(opened('report.ndjson.csv').report.commit(), 'utf8')).toBe(header)
})

test.skipIf(process.platform === 'win32')('the file is readable by its owner, with any umask', () => {
  const umask = process.umask(0o477)
  onTestFinished(() => void process.umask(umask))
  expect(statSync(opened().report.commit()).mode & 0o777).toBe(0o600)
})

describe('no temporary file and no open file stays', () => {
  const isLinux = process.platform === 'linux'

  test.each(['commit', 'discard'] as const)('after %s', (end) => {
    const before = isLinux ? countOpenFiles() : 0
    const { report, workspace } = opened()
    report.write({ id: 'a' })
    report[end]()
    report.discard()
    expect(readdirSync(workspace)).toEqual(end === 'commit' ? ['report.csv'] : [])
    if (isLinux) expect(countOpenFiles()).toBe(before)
  })

  test.each([
    ['for the columns', 0],
    ['for the rows', 4],
  ])('if there is no space %s', (_, bytes) => {
    const before = isLinux ? countOpenFiles() : 0
    const workspace = newFolder()
    fillDisk(bytes)
    const write = () => {
      const report = openReport({ workspace, path: 'report.csv' }, ['id'], (text) => text)
      expect(bytes).toBe(4)
      report.write({ id: 'a' })
      report.commit()
    }
    expect(failureOf(write)).toEqual(failed('ENOSPC: no space left on device'))
    expect(readdirSync(workspace)).toEqual([])
    if (isLinux) expect(countOpenFiles()).toBe(before)
  })

  test('if the path cannot be replaced', () => {
    const { report, workspace } = opened()
    mkdirSync(join(workspace, 'report.csv'))
    expect(failureOf(report.commit).message).toMatch(/^`report-file` "report\.csv" cannot be written: /)
    expect(readdirSync(workspace)).toEqual(['report.csv'])
  })
})
