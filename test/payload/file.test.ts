import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readTextFile } from '../../src/payload/file.ts'

const workspace = mkdtempSync(join(tmpdir(), 'payload-file-'))
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
    'it is not UTF-8 text; it looks like UTF-16, as Windows PowerShell writes it',
  ],
  ['over 10 MiB', () => write('large', Buffer.alloc((10 << 20) + 1, ' ')), 'it is larger than 10 MiB'],
  ['with a null character in its name', () => 'a\0b', 'its name contains a null character'],
])('a file %s is refused', (_, prepare, message) => {
  const path = prepare()
  expect(() => readTextFile(workspace, path)).toThrow(new Error(message))
})
