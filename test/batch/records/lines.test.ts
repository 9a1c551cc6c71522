import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readLines } from '../../../src/batch/records/lines.ts'
import { unicodeText } from '../../unicode-text.ts'
import { newFolder, withFile } from '../files.ts'
import { linesOf, newPath } from './lines-of.ts'

test.each<[what: string, content: string, lines: Record<number, string>]>([
  ['nothing', '', {}],
  ['only a byte order mark', '\ufeff', {}],
  ['only blank lines', '\n \n\t\r\n\r\n', {}],
  ['a last line without a newline', 'a\nb', { 1: 'a', 2: 'b' }],
  ['a last line that ends in CR', 'a\r\nb\r', { 1: 'a', 2: 'b' }],
  ['blank lines, which are counted', '\n\na\n  \nb\n\n', { 3: 'a', 5: 'b' }],
  ['a byte order mark before CRLF', '\ufeffa\r\nb\r\n', { 1: 'a', 2: 'b' }],
  ['a byte order mark in a blank first line', '\ufeff\r\nb', { 2: 'b' }],
  ['a byte order mark in the second line, where it is text', 'a\n\ufeffb', { 1: 'a', 2: '\ufeffb' }],
  ['two CR, the first of which is text', 'a\r\r\n', { 1: 'a\r' }],
  ['CR within a line', 'a\rb\n', { 1: 'a\rb' }],
])('a file with %s', (_, content, lines) => {
  expect(linesOf(content)).toEqual(Object.entries(lines).map(([number, text]) => ({ number: Number(number), text })))
})

test('lines with any text are read with their numbers, with LF and CRLF', () => {
  const path = newPath()
  const line = unicodeText({ maxLength: 30 }).map((text) => text.toWellFormed().replace(/[\r\n]/g, ''))
  // Some lines are longer than a chunk, so that lines end anywhere in a chunk.
  const long = fc.tuple(line, fc.integer({ min: 30_000, max: 34_000 })).map(([text, size]) => text + 'é'.repeat(size))
  const lines = fc.array(fc.oneof({ weight: 20, arbitrary: line }, { weight: 1, arbitrary: long }), { maxLength: 20 })
  fc.assert(
    fc.property(
      lines,
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      fc.boolean(),
      (texts, newline, hasMark, endsWithNewline) => {
        const content = `${hasMark ? '\ufeff' : ''}${texts.join(newline)}${endsWithNewline ? newline : ''}`
        // The byte order mark is not part of the first line.
        const unmarked = content.startsWith('\ufeff') ? content.slice(1) : content
        const expected = unmarked
          .split(newline)
          .map((text, index) => ({ number: index + 1, text }))
          .filter(({ text }) => text.trim() !== '')
        expect(linesOf(content, path)).toEqual(expected)
      },
    ),
    { numRuns: 50 },
  )
})

test('characters and CRLF across two chunks are read correctly', () => {
  const chunk = 1 << 16
  for (const text of ['😀', '\r\n', '\n', 'é\r\nb']) {
    for (let before = chunk - 5; before <= chunk; before++) {
      const content = `${'a'.repeat(before)}${text}c`
      const expected = content.split(/\r?\n/).map((line, index) => ({ number: index + 1, text: line }))
      expect(linesOf(content)).toEqual(expected)
    }
  }
})

test('a file in UTF-16 is named in its first line', () => {
  const bytes = Buffer.from('\ufeff{}\n{}\n', 'utf16le')
  const problems = linesOf(bytes).map((line) => ('problem' in line ? line.problem : ''))
  expect(problems[0]).toBe('is not UTF-8 text; it looks like UTF-16, as PowerShell writes it: use `shell: bash`')
  expect(problems.slice(1).join()).not.toContain('UTF-16')
})

test.each<[what: string, text: string]>([
  ['a character whose first byte is that of the mark', '\uffff'],
  ['a character whose first two bytes are those of the mark', '\ufec0'],
  ['a character whose first and third bytes are those of the mark', '\uf03f'],
  ['a character whose second and third bytes are those of the mark', '\u{3bfc0}'],
])('a file that begins with %s has no byte order mark', (_, text) => {
  for (const newline of ['', '\n', '\r\n']) expect(linesOf(`${text}${newline}`)).toEqual([{ number: 1, text }])
})

test('blank lines across two chunks are skipped', () => {
  const content = `${'a'.repeat((1 << 16) - 10)}\n${' '.repeat(20)}\nb\n${' '.repeat(70_000)}`
  expect(linesOf(content).map(({ number }) => number)).toEqual([1, 3])
})

test('only the first line is taken for UTF-16', () => {
  const content = Buffer.concat([Buffer.from('a\n'), Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from([0xfe, 0xff])])
  expect(linesOf(content).slice(1)).toEqual([
    { number: 2, problem: 'is not UTF-8 text' },
    { number: 3, problem: 'is not UTF-8 text' },
  ])
})

test('a line that is not UTF-8 is a problem of that line only', () => {
  const invalid = { number: 2, problem: 'is not UTF-8 text' }
  for (const bytes of [[0xc3], [0xff], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98]]) {
    const content = Buffer.concat([Buffer.from('a\n"'), Buffer.from(bytes), Buffer.from('"\nb')])
    expect(linesOf(content)).toEqual([{ number: 1, text: 'a' }, invalid, { number: 3, text: 'b' }])
  }
})

test('two readers can share one open file', () => {
  withFile(join(newFolder(), 'batch.ndjson'), 'a\nb\n', (descriptor) => {
    const lines = readLines(descriptor)
    lines.next()
    expect([...readLines(descriptor)]).toHaveLength(2)
    expect(lines.next().value).toEqual({ number: 2, text: 'b' })
  })
})
