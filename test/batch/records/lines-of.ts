import { join } from 'node:path'
import { expect } from 'vitest'
import { readLines } from '../../../src/batch/records/lines.ts'
import { newFolder, withFile } from '../files.ts'

export const newPath = () => join(newFolder(), 'batch.ndjson')

/** The lines of a file with a content, which are the same if the content is in memory. */
export function linesOf(content: string | Uint8Array, path = newPath()) {
  const bytes =
    typeof content === 'string' ? Buffer.from(content) : Buffer.from(content.buffer, content.byteOffset, content.length)
  const lines = withFile(path, bytes, (descriptor) => [...readLines(descriptor)])
  expect([...readLines(bytes)]).toEqual(lines)
  return lines
}
