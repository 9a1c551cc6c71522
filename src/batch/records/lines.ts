// Reads the lines of a file one at a time, so that the file can be larger than memory.

import { isUtf8 } from 'node:buffer'
import { readSync } from 'node:fs'

/** A line, or why it cannot be read: a clause that continues "the line … ". Numbers are 1-based. */
export type Line =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly problem: string; readonly tooLong?: true }

export const maxLineBytes = 10 * 1024 * 1024

const newline = 0x0a

/** A byte order mark and a CR may surround the longest line. */
const maxSurroundingBytes = 4

/**
 * Reads the lines of a file from its beginning. It skips blank lines, but counts them. A byte order mark and the CR of
 * CRLF are not part of a line.
 *
 * @param descriptor  of the open file; several readers can share it
 * @throws {Error} from Node, if the file cannot be read
 */
export function* readLines(descriptor: number): Generator<Line> {
  const chunk = Buffer.allocUnsafe(1 << 18)
  let number = 0
  // A line that began in an earlier chunk.
  let parts: Buffer[] = []
  let partBytes = 0
  for (let position = 0; ; ) {
    const length = readSync(descriptor, chunk, 0, chunk.length, position)
    if (length === 0) break
    position += length
    for (let start = 0; start < length; ) {
      const end = chunk.subarray(0, length).indexOf(newline, start)
      const part = chunk.subarray(start, end < 0 ? length : end)
      start = end < 0 ? length : end + 1
      if (end >= 0 && partBytes === 0) {
        const line = decodeLine(++number, part)
        if (line) yield line
        continue
      }
      // Once a line is too long, its bytes are counted but not kept.
      partBytes += part.length
      if (partBytes <= maxLineBytes + maxSurroundingBytes) parts.push(Buffer.from(part))
      if (end < 0) continue
      const line = joinParts(++number, parts, partBytes)
      if (line) yield line
      parts = []
      partBytes = 0
    }
  }
  if (partBytes > 0) {
    const line = joinParts(++number, parts, partBytes)
    if (line) yield line
  }
}

const joinParts = (number: number, parts: readonly Buffer[], bytes: number): Line | undefined =>
  bytes > maxLineBytes + maxSurroundingBytes ? tooLongLine(number) : decodeLine(number, Buffer.concat(parts))

const tooLongLine = (number: number): Line => ({ number, problem: 'is longer than 10 MiB', tooLong: true })

/** @returns undefined if the line is blank */
function decodeLine(number: number, bytes: Buffer): Line | undefined {
  const start = number === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  const end = bytes.at(-1) === 0x0d ? bytes.length - 1 : bytes.length
  if (end - start > maxLineBytes) return tooLongLine(number)
  if (!isUtf8(bytes)) return { number, problem: 'is not UTF-8 text' }
  const text = bytes.toString('utf8', start, end)
  return text.trim() === '' ? undefined : { number, text }
}
