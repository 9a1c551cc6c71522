// Where a batch file is read from: the disk, or memory.

import { closeSync, readSync } from 'node:fs'

/** Bytes that can be read at any position, several times: the descriptor of an open file, or content in memory. */
export type ByteSource = number | Buffer

/**
 * Reads bytes into a buffer.
 *
 * @param position  of the first byte in the source
 * @returns how many bytes were read; 0 at the end
 * @throws {Error} from Node, if the file cannot be read
 */
export const readAt = (source: ByteSource, buffer: Buffer, position: number): number =>
  typeof source === 'number'
    ? readSync(source, buffer, 0, buffer.length, position)
    : source.copy(buffer, 0, Math.min(position, source.length))

/** Closes the file, if there is one. */
export function closeSource(source: ByteSource): void {
  if (typeof source === 'number') closeSync(source)
}
