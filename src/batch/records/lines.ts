// Reads the lines of a file one at a time, so that the file can be larger than memory.

import { isAscii, isUtf8 } from 'node:buffer'
import { utf16Hint } from '../../payload/file.ts'
import { type ByteSource, readAt } from './byte-source.ts'

/** A line, or why it cannot be read: a clause that continues "the line … ". Numbers are 1-based. */
export type Line =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly problem: string; readonly tooLong?: true }

export const maxLineBytes = 10 * 1024 * 1024

const newline = 0x0a

/** A byte order mark and a CR may surround the longest line. */
const maxSurroundingBytes = 4

/**
 * How much to read at once. Larger texts are allocated outside V8's ordinary heap, which makes each of them twenty times as
 * expensive.
 */
const chunkBytes = 1 << 16

/**
 * Reads the lines of a file from its beginning. It skips blank lines, but counts them. A byte order mark and the CR of
 * CRLF are not part of a line.
 *
 * @param source  the file; several readers can share it
 * @throws {Error} from Node, if the file cannot be read
 */
export function* readLines(source: ByteSource): Generator<Line> {
  const chunk = Buffer.allocUnsafeSlow(chunkBytes)
  let number = 0
  // A line that began in an earlier chunk.
  let parts: Buffer[] = []
  let partBytes = 0
  // Once a line is too long, its bytes are counted but not kept.
  const keepPart = (part: Buffer) => {
    partBytes += part.length
    if (partBytes <= maxLineBytes + maxSurroundingBytes) parts.push(Buffer.from(part))
  }
  for (let position = 0; ; ) {
    const length = readAt(source, chunk, position)
    if (length === 0) break
    position += length
    const read = chunk.subarray(0, length)
    let start = 0
    if (partBytes > 0) {
      const end = read.indexOf(newline)
      keepPart(read.subarray(0, end < 0 ? length : end))
      if (end < 0) continue
      const line = joinParts(++number, parts, partBytes)
      if (line) yield line
      parts = []
      partBytes = 0
      start = end + 1
    }
    const end = read.lastIndexOf(newline) + 1
    for (const line of splitLines(read.subarray(start, end), number)) {
      number++
      if (line) yield line
    }
    if (end < length) keepPart(read.subarray(end))
  }
  const last = joinParts(number + 1, parts, partBytes)
  if (last) yield last
}

/**
 * Splits bytes that end with a newline into lines.
 *
 * @param number  of the line before the first
 * @returns undefined for each blank line
 */
function* splitLines(bytes: Buffer, number: number): Generator<Line | undefined> {
  // Decoding all lines at once is several times faster than one by one. The first line may begin with a byte order mark.
  const text = number > 0 || bytes[0] !== 0xef ? decodeText(bytes) : undefined
  if (text !== undefined) {
    for (let start = 0; start < text.length; ) {
      const end = text.indexOf('\n', start)
      const hasReturn = text.charCodeAt(end - 1) === 0x0d
      yield textLine(++number, text.slice(start, hasReturn ? end - 1 : end))
      start = end + 1
    }
    return
  }
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(newline, start)
    yield decodeLine(++number, bytes.subarray(start, end))
    start = end + 1
  }
}

/** @returns undefined if the bytes are not UTF-8 */
function decodeText(bytes: Buffer): string | undefined {
  if (isAscii(bytes)) return bytes.toString('latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

/** @returns undefined if the line is blank */
const textLine = (number: number, text: string): Line | undefined =>
  // Trimming takes a while, and almost every line is a record.
  !text.startsWith('{') && text.trim() === '' ? undefined : { number, text }

const joinParts = (number: number, parts: readonly Buffer[], bytes: number): Line | undefined =>
  bytes > maxLineBytes + maxSurroundingBytes ? tooLongLine(number) : decodeLine(number, Buffer.concat(parts))

const tooLongLine = (number: number): Line => ({ number, problem: 'is longer than 10 MiB', tooLong: true })

/** @returns undefined if the line is blank */
function decodeLine(number: number, bytes: Buffer): Line | undefined {
  const start = number === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  const end = bytes.at(-1) === 0x0d ? bytes.length - 1 : bytes.length
  if (end - start > maxLineBytes) return tooLongLine(number)
  if (!isUtf8(bytes)) return { number, problem: `is not UTF-8 text${number === 1 ? utf16Hint(bytes) : ''}` }
  return textLine(number, bytes.toString('utf8', start, end))
}
