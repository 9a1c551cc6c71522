// The file of a journal: opens or creates it, and recognises one that has no header yet.

import { closeSync, fstatSync, ftruncateSync, openSync, readSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Failure } from '../../failure.ts'
import { fileFix } from '../../file-fix.ts'
import { isFileAt } from '../../file-lock.ts'
import { quotePath } from '../../format.ts'
import { makeFolder } from '../../make-folder.ts'
import type { JournalHeader } from './journal-format.ts'
import { journalUnusable } from './journal-mismatch.ts'
import { openForAppending } from './journal-writer.ts'
import { LineChain } from './line-chain.ts'

/** Whether a file exists and is not empty. */
export const hasContent = (path: string): boolean => {
  try {
    return statSync(path).size > 0
  } catch {
    // Where it exists, opening it says why.
    return false
  }
}

/**
 * Opens a journal for reading and appending, or creates it with its folder.
 *
 * @throws {Failure} if that is not possible
 */
export function openJournalFile(path: string): number {
  try {
    makeFolder(dirname(path))
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats && !stats.isFile()) throw unopened(path, 'it is not a regular file', 'Use the path of a file')
    return openForAppending(path)
  } catch (error) {
    throw (error as Error).name === 'Failure' ? error : unopened(path, (error as Error).message, fileFix(error))
  }
}

export const unopened = (path: string, reason: string, fix: string): Failure =>
  journalUnusable(`The journal ${quotePath(path)} cannot be opened: ${reason}`, fix)

/**
 * Whether a journal has no line yet. A file that contains only the beginning of this batch's header is emptied: a killed
 * process left it, and had sent nothing. Any other file stays as it is.
 *
 * @param path    of the same file
 * @param header  that this batch writes
 */
export function isNewJournal(descriptor: number, path: string, header: JournalHeader): boolean {
  const { size } = fstatSync(descriptor)
  if (size === 0) return true
  const expected = Buffer.from(new LineChain().seal(JSON.stringify(header)))
  if (size >= expected.length) return false
  const found = Buffer.alloc(size)
  readSync(descriptor, found, 0, size, 0)
  if (!expected.subarray(0, size).equals(found)) return false
  empty(path, descriptor)
  return true
}

/**
 * Empties a file that is open for appending. Windows refuses that through the handle for appending, so this uses another one.
 *
 * @throws {Error} if the path leads to another file meanwhile
 */
function empty(path: string, appending: number): void {
  const descriptor = openSync(path, 'r+')
  try {
    if (!isFileAt(path, appending)) throw unopened(path, 'it was replaced', 'Wait until the other run has ended')
    ftruncateSync(descriptor, 0)
  } finally {
    closeSync(descriptor)
  }
}
