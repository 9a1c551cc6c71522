// Tells whether paths lead to one file.

import { type BigIntStats, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * What identifies a file on a machine, under each of its names. As bigint, because a double has no room for a file id of
 * Windows: neighbouring files would be the same.
 */
export type FileIdentity = Pick<BigIntStats, 'dev' | 'ino'>

export const identityKey = ({ dev, ino }: FileIdentity): string => `${dev}-${ino}`

/** @returns undefined if the path leads to no file */
export function identityAt(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats && identityKey(stats)
}

/**
 * What identifies the place of a file that may not exist yet: its folder and its name. Windows and macOS ignore the case of
 * names, and macOS two ways to write a letter with an accent.
 *
 * @param path  absolute
 */
export function placeOf(path: string, platform: NodeJS.Platform = process.platform): string {
  const identity = identityAt(path)
  const parent = dirname(path)
  if (identity !== undefined || parent === path) return identity ?? path
  const name = basename(path)
  const ignoresCase = platform === 'win32' || platform === 'darwin'
  return join(placeOf(parent, platform), ignoresCase ? name.normalize('NFC').toLowerCase() : name)
}
