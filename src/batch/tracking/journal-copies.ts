// Finds journals that continue others: a resumed journal begins with all lines of its earlier copy.

import { closeSync, openSync, readSync } from 'node:fs'

const comparedBytes = 1 << 18

/**
 * Whether a file starts with all complete lines of another one. The last line of the other one may be truncated, because a
 * process that is killed ends in the middle of a write.
 *
 * @throws {Error} from Node, if a file cannot be read
 */
export function startsWithFile(path: string, otherPath: string): boolean {
  const [file, other] = [openSync(path, 'r'), openSync(otherPath, 'r')]
  try {
    const [bytes, otherBytes] = [Buffer.allocUnsafe(comparedBytes), Buffer.allocUnsafe(comparedBytes)]
    for (let position = 0; ; position += comparedBytes) {
      const chunk = bytes.subarray(0, readSync(file, bytes, 0, comparedBytes, position))
      const otherChunk = otherBytes.subarray(0, readSync(other, otherBytes, 0, comparedBytes, position))
      if (chunk.subarray(0, otherChunk.length).equals(otherChunk)) {
        if (otherChunk.length < comparedBytes) return true
        continue
      }
      return isLastLine(other, position + firstDifference(chunk, otherChunk))
    }
  } finally {
    closeSync(file)
    closeSync(other)
  }
}

/** The index of the first byte that differs from one of `other`, which `one` does not start with. */
function firstDifference(one: Buffer, other: Buffer): number {
  let index = 0
  while (index < one.length && index < other.length && one[index] === other[index]) index++
  return index
}

/** Whether a file has no line break from a position on. */
function isLastLine(file: number, start: number): boolean {
  const bytes = Buffer.allocUnsafe(comparedBytes)
  for (let position = start; ; position += comparedBytes) {
    const length = readSync(file, bytes, 0, comparedBytes, position)
    if (bytes.subarray(0, length).includes(0x0a)) return false
    if (length < comparedBytes) return true
  }
}
