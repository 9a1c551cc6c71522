import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { startCheck } from '../../src/payload/check.ts'
import { readTextFile } from '../../src/payload/file.ts'
import { folderOnDisk } from '../quick-system.ts'

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
  ['with a null character in its name', () => 'a\0b', 'its name contains a null character'],
])('a file %s is refused', (_, prepare, message) => {
  const path = prepare()
  expect(() => readTextFile(workspace, path)).toThrow(new Error(message))
})

describe('the file of a reference', () => {
  const { readFile } = startCheck({}, workspace, new Date(0))
  const system = 'files in /proc, /sys and /dev belong to the system; use a file of the workspace'
  const link = (name: string, target: string) => {
    symlinkSync(target, join(workspace, name))
    return name
  }

  test('may be anywhere but in the file systems of the operating system, also by a link', () => {
    const name = write('secret.txt', 'hunter2')
    for (const path of [name, join(workspace, name), link('good-link', join(workspace, name))]) {
      expect(readFile(path)).toBe('hunter2')
    }
    expect(() => readFile('none')).toThrow(absent)
    expect(() => readFile('/process')).toThrow(absent)
  })

  test.each<[what: string, path: () => string]>([
    ['in /proc', () => '/proc/self/environ'],
    ['in /proc, with more slashes', () => '//proc//self/environ'],
    ['in /sys', () => '/sys/kernel/uevent_seqnum'],
    ['in /dev', () => '/dev/null'],
    ['that does not exist', () => '/proc/none'],
    ['by ..', () => join(relative(workspace, '/'), 'proc', 'self', 'environ')],
    ['by .. inside the path', () => '/tmp/../proc/self/environ'],
    ['by a link to the file', () => link('environ', '/proc/self/environ')],
    ['by a link to a link', () => link('environ-2', join(workspace, link('environ-1', '/proc/self/environ')))],
    ['by a link to a folder', () => join(link('process', '/proc/self'), 'environ')],
    ['by a link to the root', () => join(link('root', '/'), 'proc', 'self', 'environ')],
    ['by a link out of /proc', () => join('/proc/self/root', workspace, 'secret.txt')],
  ])('%s is refused', (_, path) => {
    expect(() => readFile(path())).toThrow(new Error(system))
  })
})
