// The lines of a journal, read by their offsets.

import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { JournalLines } from '../../../src/batch/report/journal-lines.ts'
import { newFolder, withFile } from '../files.ts'

const inFile = <T>(content: string, use: (lines: JournalLines) => T) =>
  withFile(join(newFolder(), 'lines'), content, (descriptor) => use(new JournalLines(descriptor)))

/** Counts the reads of files until the test ends. */
function countReads() {
  const spy = vi.spyOn(fs, 'readSync')
  syncBuiltinESMExports()
  onTestFinished(() => {
    spy.mockRestore()
    syncBuiltinESMExports()
  })
  return spy.mock.calls
}

test.each([
  ['', []],
  ['{}', [[0, '{}']]],
  ['{}\n', [[0, '{}']]],
  [
    '\n"é"\n\n12',
    [
      [0, ''],
      [1, '"é"'],
      [6, ''],
      [7, '12'],
    ],
  ],
])('%j', (content, expected) => {
  inFile(content, (lines) => {
    expect([...lines].map(({ offset, text }) => [offset, text])).toEqual(expected)
    expect(() => lines.parse(Buffer.byteLength(content))).toThrow(new SyntaxError('Unexpected end of JSON input'))
  })
})

/** 900 kB, of which one line has 600 kB. */
const texts = Array.from({ length: 300 }, (_, index) =>
  JSON.stringify({ index, text: 'x'.repeat(index === 150 ? 600_000 : 1000) }),
)

test('lines of any length are read in any order', () => {
  inFile(texts.map((text) => `${text}\n`).join(''), (lines) => {
    const found = [...lines]
    expect(found.map(({ text }) => text)).toEqual(texts)
    const order = found.map((_, index) => (index * 131) % found.length)
    expect(order.map((index) => lines.parse(found[index]?.offset ?? -1))).toEqual(
      order.map((index) => JSON.parse(texts[index] as string)),
    )
  })
})

test('an empty line at the beginning is read once', () => {
  const reads = countReads()
  inFile(`\n${texts.join('\n')}`, (lines) => {
    expect(lines[Symbol.iterator]().next().value).toEqual({ offset: 0, text: '' })
    expect(reads).toHaveLength(1)
  })
})

test('lines near the last one are read from memory', () => {
  const reads = countReads()
  inFile(texts.filter((text) => text.length < 2000).join('\n'), (lines) => {
    const offsets: number[] = []
    for (const { offset } of lines) {
      offsets.push(offset)
      if (offset === 0) lines.parse(0)
      // Some lines before the last one are in memory too, so that the next one is as well.
      else lines.parse(offsets.at(-2) as number)
    }
    expect(offsets).toHaveLength(299)
    expect(reads.length).toBeLessThan(6)
  })
})
