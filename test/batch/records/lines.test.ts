import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maxLineBytes, readLines } from '../../../src/batch/records/lines.ts'
import { newFolder, withFile } from '../files.ts'

const linesOf = (content: string | Uint8Array) =>
  withFile(join(newFolder(), 'batch.ndjson'), content, (file) => [...readLines(file)])

test.each<[what: string, content: string, lines: Record<number, string>]>([
  ['nothing', '', {}],
  ['a byte order mark alone', '\ufeff', {}],
  ['blank lines alone', '\n \n\t\r\n\r\n', {}],
  ['a last line without a newline', 'a\nb', { 1: 'a', 2: 'b' }],
  ['a last line that ends in CR', 'a\r\nb\r', { 1: 'a', 2: 'b' }],
  ['blank lines, which count', '\n\na\n  \nb\n\n', { 3: 'a', 5: 'b' }],
  ['a byte order mark before CRLF', '\ufeffa\r\nb\r\n', { 1: 'a', 2: 'b' }],
  ['a blank first line with a mark', '\ufeff\r\nb', { 2: 'b' }],
  ['a mark in the second line, which is text', 'a\n\ufeffb', { 1: 'a', 2: '\ufeffb' }],
  ['two CR, of which one is text', 'a\r\r\n', { 1: 'a\r' }],
  ['CR within a line', 'a\rb\n', { 1: 'a\rb' }],
])('a file with %s', (_, content, lines) => {
  expect(linesOf(content)).toEqual(Object.entries(lines).map(([number, text]) => ({ number: Number(number), text })))
})

test('whatever stands in lines is read with its number, over LF and CRLF', () => {
  const path = join(newFolder(), 'batch.ndjson')
  const line = fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.toWellFormed().replace(/[\r\n]/g, ''))
  // Some lines are longer than what is read at once, and so end anywhere in it.
  const long = fc.tuple(line, fc.integer({ min: 260_000, max: 265_000 })).map(([text, size]) => text + 'é'.repeat(size))
  const lines = fc.array(fc.oneof({ weight: 20, arbitrary: line }, { weight: 1, arbitrary: long }), { maxLength: 20 })
  fc.assert(
    fc.property(lines, fc.constantFrom('\n', '\r\n'), fc.boolean(), fc.boolean(), (texts, newline, mark, end) => {
      const content = `${mark ? '\ufeff' : ''}${texts.join(newline)}${end ? newline : ''}`
      // The file's own mark is none of the first line.
      const bare = content.startsWith('\ufeff') ? content.slice(1) : content
      const expected = bare
        .split(newline)
        .map((text, index) => ({ number: index + 1, text }))
        .filter(({ text }) => text.trim() !== '')
      expect(withFile(path, content, (file) => [...readLines(file)])).toEqual(expected)
    }),
  )
})

test('a character that lies across two readings stays whole, and so do CR and LF', () => {
  const chunk = 1 << 18
  for (const text of ['😀', '\r\n', '\n', 'é\r\nb']) {
    for (let before = chunk - 5; before <= chunk; before++) {
      const content = `${'a'.repeat(before)}${text}c`
      const expected = content.split(/\r?\n/).map((line, index) => ({ number: index + 1, text: line }))
      expect(linesOf(content)).toEqual(expected)
    }
  }
})

describe('a line of 10 MiB', () => {
  const full = 'x'.repeat(maxLineBytes)
  const summary = (content: string) =>
    linesOf(content).map((line) => ('text' in line ? [line.number, line.text.length] : line))
  const tooLong = (number: number) => ({ number, problem: 'is longer than 10 MiB', tooLong: true })

  test.each([
    ['alone', (text: string) => text],
    ['with LF', (text: string) => `${text}\n`],
    ['with CRLF', (text: string) => `${text}\r\n`],
    ['after a byte order mark', (text: string) => `\ufeff${text}`],
    ['after a byte order mark, with CRLF', (text: string) => `\ufeff${text}\r\n`],
  ])('is read, and one byte more is refused: %s', (_, around) => {
    expect(summary(`${around(full)}`)).toEqual([[1, maxLineBytes]])
    expect(summary(`${around(`${full}x`)}`)).toEqual([tooLong(1)])
  })

  test('counts bytes, not characters', () => {
    expect(summary('é'.repeat(maxLineBytes / 2))).toEqual([[1, maxLineBytes / 2]])
    expect(summary(`x${'é'.repeat(maxLineBytes / 2)}`)).toEqual([tooLong(1)])
  })

  test('leaves the lines around it as they are, however long it is', () => {
    expect(linesOf(`a\n${full}${full}${full}\nb\n${full}x`)).toEqual([
      { number: 1, text: 'a' },
      tooLong(2),
      { number: 3, text: 'b' },
      tooLong(4),
    ])
  })
})

test('a line that is no UTF-8 is a problem of its own, wherever it is torn', () => {
  const broken = { number: 2, problem: 'is not UTF-8 text' }
  for (const bytes of [[0xc3], [0xff], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98]]) {
    const content = Buffer.concat([Buffer.from('a\n"'), Buffer.from(bytes), Buffer.from('"\nb')])
    expect(linesOf(content)).toEqual([{ number: 1, text: 'a' }, broken, { number: 3, text: 'b' }])
  }
})

test('lines can be read twice at once from one open file', () => {
  withFile(join(newFolder(), 'batch.ndjson'), 'a\nb\n', (file) => {
    const one = readLines(file)
    one.next()
    expect([...readLines(file)]).toHaveLength(2)
    expect(one.next().value).toEqual({ number: 2, text: 'b' })
  })
})
