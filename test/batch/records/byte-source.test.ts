import { closeSync, fstatSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { closeSource, readAt } from '../../../src/batch/records/byte-source.ts'
import { newFolder } from '../files.ts'

function openFile(content: string): number {
  const path = join(newFolder(), 'batch.ndjson')
  writeFileSync(path, content)
  return openSync(path, 'r')
}

test('bytes are read at any position, from a file or from memory', () => {
  const descriptor = openFile('abcdef')
  onTestFinished(() => closeSync(descriptor))
  for (const source of [descriptor, Buffer.from('abcdef')]) {
    const read = (position: number) => {
      const buffer = Buffer.alloc(4)
      return buffer.toString('utf8', 0, readAt(source, buffer, position))
    }
    expect([0, 1, 3, 6, 7].map(read)).toEqual(['abcd', 'bcde', 'def', '', ''])
  }
})

test('a file is closed, and content in memory needs no closing', () => {
  const descriptor = openFile('a')
  closeSource(descriptor)
  expect(() => fstatSync(descriptor)).toThrow('EBADF')
  closeSource(Buffer.from('a'))
})
