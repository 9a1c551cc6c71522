// Text files of the workspace.

import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { maxPayloadBytes } from './source.ts'

/**
 * Reads a file as UTF-8.
 *
 * @param path      relative to the folder, or absolute
 * @param maxBytes  the largest file that is read
 * @returns the text, including a byte order mark
 * @throws {Error} whose message completes the sentence "… cannot be read: "
 */
export function readTextFile(folder: string, path: string, maxBytes = maxPayloadBytes): string {
  const full = resolve(folder, path)
  const stats = statOf(full)
  if (!stats.isFile()) throw new Error(stats.isDirectory() ? 'it is a folder' : 'it is not a regular file')
  if (stats.size > maxBytes) throw new Error(`it is larger than ${maxBytes / 1024 / 1024} MiB`)
  const bytes = readFileSync(full)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    const utf16 =
      bytes[0] === 0xff || bytes[0] === 0xfe ? '; it looks like UTF-16, as Windows PowerShell writes it' : ''
    throw new Error(`it is not UTF-8 text${utf16}`)
  }
}

function statOf(path: string) {
  try {
    return statSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ERR_INVALID_ARG_VALUE') throw new Error('its name contains a null character')
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new Error(
        'the file does not exist; paths are relative to the workspace: check the path, and that the repository is checked out',
      )
    throw new Error(code === 'EACCES' ? 'permission is denied' : `the operating system reports ${code}`)
  }
}
