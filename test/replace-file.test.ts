import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { removeTemporary, replaceFile } from '../src/replace-file.ts'
import { newFolder } from './batch/files.ts'

/** A file system that refuses to rename a file until `busyMs` have passed; its time passes only during pauses. */
function busyFileSystem({ busyMs, code = 'EPERM', platform = 'win32' }: BusyOptions) {
  const calls: string[] = []
  const pauses: number[] = []
  let now = 1_000_000
  const end = now + busyMs
  const rename = (from: string, to: string) => {
    calls.push(`${from} to ${to}`)
    if (now < end) throw Object.assign(new Error(`${code}: operation not permitted`), { code })
  }
  const pause = (ms: number) => {
    pauses.push(ms)
    now += ms
  }
  return { fileSystem: { platform, rename, pause, monotonic: () => now }, calls, pauses }
}
interface BusyOptions {
  readonly busyMs: number
  readonly code?: string
  readonly platform?: NodeJS.Platform
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

test('a file is replaced, and the other name is gone', () => {
  const folder = newFolder()
  const [from, to] = [join(folder, 'a.tmp'), join(folder, 'a')]
  writeFileSync(to, 'old')
  writeFileSync(from, 'new')
  replaceFile(from, to)
  expect(readFileSync(to, 'utf8')).toBe('new')
  expect(existsSync(from)).toBe(false)
})

describe('on Windows a file that another program has open', () => {
  test.each(['EPERM', 'EACCES', 'EBUSY'])('for some milliseconds is replaced after %s', (code) => {
    const { fileSystem, calls, pauses } = busyFileSystem({ busyMs: 30, code })
    replaceFile('a.tmp', 'a', fileSystem)
    expect(pauses).toEqual([5, 10, 20])
    expect(calls).toEqual(Array(4).fill('a.tmp to a'))
  })

  test('for nearly 2 s is replaced, with pauses of 100 ms at most', () => {
    const { fileSystem, calls, pauses } = busyFileSystem({ busyMs: 1999 })
    replaceFile('a.tmp', 'a', fileSystem)
    expect(Math.max(...pauses)).toBe(100)
    expect(calls).toHaveLength(pauses.length + 1)
  })

  test('for longer is an error after 2 s', () => {
    const { fileSystem, pauses } = busyFileSystem({ busyMs: 2001 })
    expect(() => replaceFile('a.tmp', 'a', fileSystem)).toThrow('EPERM')
    expect(sum(pauses)).toBe(2000)
  })
})

test.each<[string, { code?: string; platform?: NodeJS.Platform }]>([
  ['that Linux refuses', { platform: 'linux' }],
  ['that macOS refuses', { platform: 'darwin' }],
  ['on a full disk', { code: 'ENOSPC' }],
  ['in a folder that does not exist', { code: 'ENOENT' }],
])('a replacement %s is not repeated', (_, options) => {
  const { fileSystem, calls, pauses } = busyFileSystem({ busyMs: 30, ...options })
  expect(() => replaceFile('a.tmp', 'a', fileSystem)).toThrow(options.code ?? 'EPERM')
  expect({ calls: calls.length, pauses }).toEqual({ calls: 1, pauses: [] })
})

test('a temporary file is deleted; one that cannot be, or a folder in its place, fails nothing', () => {
  const folder = newFolder()
  const path = join(folder, 'a.tmp')
  writeFileSync(path, '')
  removeTemporary(path)
  expect(existsSync(path)).toBe(false)
  removeTemporary(path)
  mkdirSync(join(path, 'sub'), { recursive: true })
  removeTemporary(path)
  expect(existsSync(path)).toBe(true)
  removeTemporary(path, { recursive: true })
  expect(existsSync(path)).toBe(false)
})
