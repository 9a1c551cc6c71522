// Files of the workspace, as text.

import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { maxBytes } from './source.ts'

/**
 * Reads a file as UTF-8.
 *
 * @param path  relative to the folder, or absolute
 * @throws {Error} with a sentence that ends `… cannot be read: `
 */
export function readTextFile(folder: string, path: string, most = maxBytes): string {
  const full = resolve(folder, path)
  const stats = statOf(full)
  if (!stats.isFile()) throw new Error(stats.isDirectory() ? 'it is a folder' : 'it is no regular file')
  if (stats.size > most) throw new Error(`it is larger than ${most / 1024 / 1024} MiB`)
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
    if (code === 'ERR_INVALID_ARG_VALUE') throw new Error('it has a name that no file can have')
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new Error('there is no such file; paths are relative to the workspace, and is it checked out?')
    throw new Error(code === 'EACCES' ? 'permission is denied' : `the system says ${code}`)
  }
}
