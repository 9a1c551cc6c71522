import fs, { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join, relative } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { startCheck } from '../../src/payload/check.ts'
import { readMaybeEncrypted, readTextFile, utf16Hint } from '../../src/payload/file.ts'
import { folderOnDisk } from '../folder-in-memory.ts'

const workspace = mkdtempSync(join(folderOnDisk, 'payload-file-'))
afterAll(() => rmSync(workspace, { recursive: true }))
const write = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(workspace, name), content)
  return name
}

test('a file of the workspace is read unchanged, by a relative or an absolute path', () => {
  const name = write('note.txt', '\ufeffé\r\n')
  for (const path of [name, `./${name}`, join(workspace, name)]) {
    expect(readTextFile(workspace, path)).toBe('\ufeffé\r\n')
  }
})

const absent =
  'the file does not exist; paths are relative to the workspace: check the path, and that the repository is checked out'
test.each<[what: string, prepare: () => string, message: string]>([
  ['that does not exist', () => 'none', absent],
  ['in a file instead of a folder', () => `${write('leaf', '')}/note.txt`, absent],
  ['that is a folder', () => mkdirSync(join(workspace, 'folder'), { recursive: true }) ?? 'folder', 'it is a folder'],
  ['that is a device', () => '/dev/null', 'it is not a regular file'],
  ['that is not text', () => write('binary', Uint8Array.of(0xc3, 0x28)), 'it is not UTF-8 text'],
  [
    'in UTF-16',
    () => write('utf16', Buffer.from('\ufeff{}\ud800', 'utf16le')),
    'it is not UTF-8 text; it looks like UTF-16, as PowerShell writes it: use `shell: bash`',
  ],
  ['over 10 MiB', () => write('large', Buffer.alloc((10 << 20) + 1, ' ')), 'it is larger than 10 MiB'],
  ['with a name that is too long', () => 'a'.repeat(300), 'the operating system reports ENAMETOOLONG'],
  ['with a null character in its name', () => 'a\0b', 'its name contains a null character'],
])('a file %s is refused', (_, prepare, message) => {
  const path = prepare()
  expect(() => readTextFile(workspace, path)).toThrow(new Error(message))
})

test('a file that may not be read is refused', () => {
  const { statSync } = fs
  const refuse = () => {
    throw Object.assign(new Error('no'), { code: 'EACCES' })
  }
  Object.assign(fs, { statSync: refuse })
  syncBuiltinESMExports()
  try {
    expect(() => readTextFile(workspace, 'closed')).toThrow(new Error('permission is denied'))
  } finally {
    Object.assign(fs, { statSync })
    syncBuiltinESMExports()
  }
})

test('a file may have as many bytes as the limit says', async () => {
  const mib = 1 << 20
  const [full, larger] = [mib, mib + 1].map((bytes) => write(`${bytes}`, 'x'.repeat(bytes))) as [string, string]
  const message = 'it is larger than 1 MiB'
  expect(readTextFile(workspace, full, mib)).toHaveLength(mib)
  expect(() => readTextFile(workspace, larger, mib)).toThrow(new Error(message))
  const read = (name: string, maxFileBytes?: number) =>
    readMaybeEncrypted(workspace, name, undefined, mib, maxFileBytes)
  expect(await read(full)).toEqual({ text: 'x'.repeat(mib), isEncrypted: false })
  await expect(read(larger)).rejects.toThrow(new Error(message))
  await expect(read(larger, mib)).rejects.toThrow(new Error(message))
})

test.each<[bytes: number[], isUtf16: boolean]>([
  [[0xff, 0xfe], true],
  [[0xfe, 0xff], true],
  [[0xef, 0xbb], false],
  [[0, 0xff], false],
])('bytes that begin with %j look like UTF-16: %j', (bytes, isUtf16) => {
  const hint = '; it looks like UTF-16, as PowerShell writes it: use `shell: bash`'
  expect(utf16Hint(Uint8Array.from(bytes))).toBe(isUtf16 ? hint : '')
})

describe('the file of a reference', () => {
  const { readFile } = startCheck({}, workspace, new Date(0))
  const system = 'files in /proc, /sys and /dev belong to the system; use a file of the workspace'
  const link = (name: string, target: string) => {
    rmSync(join(workspace, name), { force: true })
    symlinkSync(target, join(workspace, name))
    return name
  }

  test('may be anywhere but in the file systems of the operating system, also by a link', () => {
    const name = write('secret.txt', 'hunter2')
    for (const path of [name, join(workspace, name), link('good-link', join(workspace, name))]) {
      expect(readFile(path)).toBe('hunter2')
    }
    mkdirSync(join(workspace, 'proc'), { recursive: true })
    expect(readFile(write('proc/secret.txt', 'hunter3'))).toBe('hunter3')
    expect(() => readFile('none')).toThrow(absent)
    expect(() => readFile('/process')).toThrow(absent)
  })

  test.each<[what: string, path: () => string]>([
    ['in /proc', () => '/proc/self/environ'],
    ['in /proc, with more slashes', () => '//proc//self/environ'],
    ['in /sys', () => '/sys/kernel/uevent_seqnum'],
    ['in /dev', () => '/dev/null'],
    ['that does not exist', () => '/proc/none'],
    ['that is the folder itself', () => '/proc'],
    ['by ..', () => join(relative(workspace, '/'), 'proc', 'self', 'environ')],
    ['by .. inside the path', () => '/tmp/../proc/self/environ'],
    ['by a link to the file', () => link('environ', '/proc/self/environ')],
    ['by a link to a link', () => link('environ-2', join(workspace, link('environ-1', '/proc/self/environ')))],
    ['by a link to a folder', () => join(link('process', '/proc/self'), 'environ')],
    ['by a link to the root', () => join(link('root', '/'), 'proc', 'self', 'environ')],
    ['by a link out of /proc', () => join('/proc/self/root', workspace, write('behind-root.txt', 'hunter2'))],
  ])('%s is refused', (_, path) => {
    expect(() => readFile(path())).toThrow(new Error(system))
  })
})
