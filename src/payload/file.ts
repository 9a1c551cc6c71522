// Text files of the workspace, which may be encrypted with age.

import { readFileSync, realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Identities, isAgeFile } from './age-format.ts'
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
 * @param options.key                the identities of the input `tokens-key`
 * @param options.maxBytes           the largest content that is read
 * @param options.maxEncryptedBytes  the largest encrypted file that is opened
 * @throws {Error} whose message completes the sentence "… cannot be read: "
 */
export async function readMaybeEncrypted(
  folder: string,
  path: string,
  options: {
    readonly key: Identities | undefined
    readonly maxBytes: number
    readonly maxEncryptedBytes: number
  },
): Promise<MaybeEncryptedText> {
  const { key, maxBytes, maxEncryptedBytes } = options
  const file = readSmallFile(folder, path, Math.max(maxBytes, maxEncryptedBytes))
  const isEncrypted = isAgeFile(file)
  const content = isEncrypted ? await openAgeFile(file, key, maxEncryptedBytes) : file
  if (content.length > maxBytes) throw new Error(largerThan(maxBytes))
  return { text: decodeUtf8(content), isEncrypted }
}

/** The largest encrypted payload or batch file, because all of its content is in memory. */
export const maxEncryptedBytes = 64 * 1024 * 1024

/**
 * Opens a file that is encrypted with age.
 *
 * @param key  the identities of the input `tokens-key`
 * @returns its content, in memory
 * @throws {Error} whose message completes the sentence "… cannot be read: "
 */
export async function openAgeFile(
  file: Buffer,
  key: Identities | undefined,
  maxBytes = maxEncryptedBytes,
): Promise<Buffer> {
  if (!key) throw new Error('it is encrypted with age: set `tokens-key` to the identity that opens it')
  if (file.length > maxBytes) throw new Error(encryptedTooLarge(maxBytes))
  const { decrypt } = await import('./age.ts')
  return decrypt(file, key)
}

export const encryptedTooLarge = (maxBytes: number): string =>
  `it is encrypted and larger than ${mebibytes(maxBytes)}, the limit for encrypted files: split it`

/** The warning about a file that could be encrypted, and is not. @param name  of the file, as the step gives it */
export const notEncrypted = (name: string): string =>
  `${name} is not encrypted, although \`tokens-key\` is set: encrypt it (age -r age1…), or remove \`tokens-key\``

const mebibytes = (bytes: number) => `${bytes / 1024 / 1024} MiB`

const largerThan = (maxBytes: number) => `it is larger than ${mebibytes(maxBytes)}`

function readSmallFile(folder: string, path: string, maxBytes: number): Buffer {
  const full = resolve(folder, path)
  const stats = statOf(full)
  if (!stats.isFile()) throw new Error(stats.isDirectory() ? 'it is a folder' : 'it is not a regular file')
  if (stats.size > maxBytes) throw new Error(largerThan(maxBytes))
  return readFileSync(full)
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    const utf16 =
      bytes[0] === 0xff || bytes[0] === 0xfe ? '; it looks like UTF-16, as Windows PowerShell writes it' : ''
    throw new Error(`it is not UTF-8 text${utf16}`)
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

const isSystemPath = (path: string) => /^\/+(proc|sys|dev)(\/|$)/.test(path)

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
