// What a user can do about an error of the file system.

import { win32 } from 'node:path'

const fixes: Readonly<Record<string, string>> = {
  ENOSPC: 'Free disk space',
  EDQUOT: 'Free disk space, or raise the quota',
  EFBIG: 'Free disk space, or raise the limit of file sizes',
  EROFS: 'Use a path on a file system that can be written',
  EACCES: 'Make the file and its folder writable, or use another path',
  EPERM: 'Make the file and its folder writable, or use another path',
  ENOENT: 'Use a path whose folder exists or can be made',
  ENOTDIR: 'Use a path that has no file in place of a folder',
  EEXIST: 'Use a path that has no file in place of a folder',
  EISDIR: 'Use the path of a file, not of a folder',
  EBUSY: 'Mount the folder of the file instead of the file, or use another path',
  EXDEV: 'Mount the folder of the file instead of the file, or use another path',
  ENAMETOOLONG: 'Use a shorter path',
}

/** The codes with which Windows refuses a file that another program has open, or that the user may not change. */
const refusalsOfWindows: readonly string[] = ['EACCES', 'EPERM', 'EBUSY']

/** @returns an imperative without its full stop */
export function fileFix(error: unknown, platform: NodeJS.Platform = process.platform): string {
  const { code = '' } = error as NodeJS.ErrnoException
  if (platform === 'win32' && refusalsOfWindows.includes(code)) {
    return 'Close programs that have the file open, and make the file and its folder writable, or use another path'
  }
  return fixes[code] ?? 'Use a path on another file system'
}

/**
 * A clause about a path that the platform accepts and that leads to no file which anybody sees. On Windows a colon behind
 * the drive writes to a stream of another file, which no upload and no editor shows, and without a slash behind the drive a
 * path begins in its current folder.
 * See https://learn.microsoft.com/windows/win32/fileio/file-streams and
 * https://learn.microsoft.com/windows/win32/fileio/naming-a-file#fully-qualified-vs-relative-paths
 *
 * @param path  as the user gave it
 */
export function fileNameProblem(path: string, platform: NodeJS.Platform = process.platform): string | undefined {
  if (platform !== 'win32') return undefined
  const { root } = win32.parse(path)
  if (path.slice(root.length).includes(':')) return 'on Windows its name must not contain a colon'
  return /^[a-z]:$/i.test(root) ? 'on Windows the colon of its drive must have a slash behind it' : undefined
}
