// Text files of the workspace, which may be encrypted with age.

import { readFileSync, realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Identities, isAgeFile, maxEncryptedBytes } from './age-format.ts'
import { maxPayloadBytes } from './source.ts'

/**
 * Reads a file as UTF-8.
 *
 * @param path      relative to the folder, or absolute
 * @param maxBytes  the largest file that is read
 * @returns the text, including a byte order mark
 * @throws {Error} whose message completes the sentence "… cannot be read: "
 */
export const readTextFile = (folder: string, path: string, maxBytes = maxPayloadBytes): string =>
  decodeUtf8(readSmallFile(folder, path, maxBytes))

/** The text of a file that may be encrypted with age. */
export interface MaybeEncryptedText {
  /** With a byte order mark, if the file has one. */
  readonly text: string
  readonly isEncrypted: boolean
}

/**
 * Reads a file as UTF-8. If it is encrypted with age, it is opened; its content stays in memory.
 *
 * @param key           the identities of the input `tokens-key`
 * @param maxBytes      the largest content that is read
 * @param maxFileBytes  the largest file that is read, which encrypted can be larger than its content
 * @throws {Error} whose message completes the sentence "… cannot be read: "
 */
export async function readMaybeEncrypted(
  folder: string,
  path: string,
  key: Identities | undefined,
  maxBytes = maxPayloadBytes,
  maxFileBytes = maxEncryptedBytes,
): Promise<MaybeEncryptedText> {
  const file = readSmallFile(folder, path, maxFileBytes)
  const isEncrypted = isAgeFile(file)
  const content = isEncrypted ? await (await import('./age.ts')).openAgeFile(file, key) : file
  if (content.length > maxBytes) throw new Error(largerThan(maxBytes))
  return { text: decodeUtf8(content), isEncrypted }
}

const largerThan = (maxBytes: number) => `it is larger than ${maxBytes / 1024 / 1024} MiB`

function readSmallFile(folder: string, path: string, maxBytes: number): Buffer {
  const full = resolve(folder, path)
  const stats = statOf(full)
  if (!stats.isFile()) throw new Error(stats.isDirectory() ? 'it is a folder' : 'it is not a regular file')
  if (stats.size > maxBytes) throw new Error(largerThan(maxBytes))
  return readFileSync(full)
}

/** What to do about a file that is probably UTF-16; empty if it is not. @param bytes  the first ones, or all */
export const utf16Hint = (bytes: Uint8Array): string =>
  bytes[0] === 0xff || bytes[0] === 0xfe ? '; it looks like UTF-16, as PowerShell writes it: use `shell: bash`' : ''

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Error(`it is not UTF-8 text${utf16Hint(bytes)}`)
  }
}

/**
 * Reads the file of a reference, which must not be one of the operating system: /proc contains the environment of the
 * runner, with its credentials.
 *
 * @throws {Error} whose message completes the sentence "… cannot be read: "
 */
export function readReferencedFile(folder: string, path: string): string {
  const full = resolve(folder, path)
  // The path itself counts too: /proc/self/root/… is a link out of /proc.
  if (isSystemPath(full)) throw new Error(systemFile)
  let real = full
  try {
    real = realpathSync(full)
  } catch {
    // The file does not exist, which reading it reports.
  }
  if (isSystemPath(real)) throw new Error(systemFile)
  return readTextFile(folder, real)
}

const isSystemPath = (path: string) => /^\/(proc|sys|dev)(\/|$)/.test(path)

const systemFile = 'files in /proc, /sys and /dev belong to the system; use a file of the workspace'

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
