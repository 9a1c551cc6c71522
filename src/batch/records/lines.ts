// The lines of a batch file, one at a time, however large the file is.

import { isUtf8 } from 'node:buffer'
import { readSync } from 'node:fs'

/** 1-based, as editors count. */
export type Line =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly problem: string; readonly tooLong?: true }

/** How long a line may be, in bytes. */
export const maxLineBytes = 10 * 1024 * 1024

const newline = 0x0a

/** What may stand around the longest line: a byte order mark and CR. */
const maxSurroundingBytes = 4

/**
 * Reads the lines of a file from its beginning. Blank ones are counted and left out; a byte order mark and the CR of
 * CRLF are no part of a line.
 *
 * @param file  an open file
 * @throws {Error} Node's, where the file cannot be read
 */
export function* readLines(file: number): Generator<Line> {
  const chunk = Buffer.allocUnsafe(1 << 18)
  let number = 0
  let begun: Buffer[] = []
  let begunBytes = 0
  for (let position = 0; ; ) {
    const length = readSync(file, chunk, 0, chunk.length, position)
    if (length === 0) break
    position += length
    for (let start = 0; start < length; ) {
      const end = chunk.subarray(0, length).indexOf(newline, start)
      const part = chunk.subarray(start, end < 0 ? length : end)
      start = end < 0 ? length : end + 1
      if (end >= 0 && begunBytes === 0) {
        const line = decodeLine(++number, part)
        if (line) yield line
        continue
      }
      // What is too long is counted, and not kept.
      begunBytes += part.length
      if (begunBytes <= maxLineBytes + maxSurroundingBytes) begun.push(Buffer.from(part))
      if (end < 0) continue
      const line = joinParts(++number, begun, begunBytes)
      if (line) yield line
      begun = []
      begunBytes = 0
    }
  }
  if (begunBytes > 0) {
    const line = joinParts(++number, begun, begunBytes)
    if (line) yield line
  }
}

const joinParts = (number: number, parts: readonly Buffer[], bytes: number): Line | undefined =>
  bytes > maxLineBytes + maxSurroundingBytes ? tooLongLine(number) : decodeLine(number, Buffer.concat(parts))

const tooLongLine = (number: number): Line => ({ number, problem: 'is longer than 10 MiB', tooLong: true })

function decodeLine(number: number, bytes: Buffer): Line | undefined {
  const start = number === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  const end = bytes.at(-1) === 0x0d ? bytes.length - 1 : bytes.length
  if (end - start > maxLineBytes) return tooLongLine(number)
  if (!isUtf8(bytes)) return { number, problem: 'is not UTF-8 text' }
  const text = bytes.toString('utf8', start, end)
  return text.trim() === '' ? undefined : { number, text }
}
