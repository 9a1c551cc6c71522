// What a user can do about an error of the file system.

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

/** @returns an imperative without its full stop */
export const fileFix = (error: unknown): string =>
  fixes[(error as NodeJS.ErrnoException).code ?? ''] ?? 'Use a path on another file system'
