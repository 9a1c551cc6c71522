import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startsWithFile } from '../../../src/batch/tracking/journal-copies.ts'
import { runs } from '../../runs.ts'
import { countOpenFiles, newFolder } from '../files.ts'

function startsWith(text: string, other: string): boolean {
  const folder = newFolder()
  const [path, otherPath] = [join(folder, 'one'), join(folder, 'other')]
  writeFileSync(path, text)
  writeFileSync(otherPath, other)
  return startsWithFile(path, otherPath)
}

/** Longer than what is compared at once. */
const long = Array.from({ length: 40_000 }, (_, line) => `{"line":${line}}\n`).join('')

test('a journal starts with each earlier state of it, cut at any place', () => {
  const property = fc.property(fc.nat({ max: long.length }), (end) => {
    expect(startsWith(long, long.slice(0, end))).toBe(true)
  })
  fc.assert(property, runs(10))
  for (const end of [1 << 18, (1 << 18) + 1, long.length]) expect(startsWith(long, long.slice(0, end))).toBe(true)
})

test('a journal starts with an earlier state whose last line was truncated and written again', () => {
  expect(startsWith('{"a":1}\n{"b":2}\n{"c":3}\n', '{"a":1}\n{"b":9')).toBe(true)
})

test('a journal does not start with one that has another line', () => {
  const property = fc.property(fc.nat({ max: long.length - 2 }), (at) => {
    const other = `${long.slice(0, at)}x${long.slice(at + 1)}`
    expect(startsWith(long, other)).toBe(other === long)
  })
  fc.assert(property, runs(10))
})

test('a journal starts with an earlier state whose truncated last line is longer than what is compared at once', () => {
  const truncated = `{"a":"${'x'.repeat(600_000)}`
  expect(startsWith('{"a":1}\n', truncated)).toBe(true)
  expect(startsWith('{"a":1}\n', `${truncated}"}\n`)).toBe(false)
})

test.runIf(process.platform === 'linux')('the files are closed', () => {
  const before = countOpenFiles()
  startsWith('{"a":1}\n', '{"a":1}\n')
  expect(countOpenFiles()).toBe(before)
})

test('a journal does not start with a longer one', () => {
  expect(startsWith('{"a":1}\n', '{"a":1}\n{"b":2}\n')).toBe(false)
})
