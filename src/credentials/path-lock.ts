// The path of a file that each write replaces: where it leads to, its lock, and how its new name survives.

import { closeSync, fsyncSync, openSync, realpathSync } from 'node:fs'
import { isFileAt, type Lock, type TakeLock, takeLock as takeSystemLock } from '../file-lock.ts'
import { removeTemporary } from '../replace-file.ts'

/** The path without symbolic links, of a file that may not exist. */
export function realPathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // Creates the file where a symbolic link leads to.
    closeSync(openSync(path, 'a', 0o600))
    return realpathSync(path)
  }
}

/**
 * Takes the lock of a path, which may lead to another file after each write. The file of the lock is deleted when it is
 * released; one that is left behind is locked by nobody.
 *
 * @returns undefined if another process has the lock
 * @throws {Error} from Node if the file of the lock cannot be opened or locked
 */
export async function lockPath(path: string, takeLock: TakeLock = takeSystemLock): Promise<Lock | undefined> {
  for (;;) {
    const descriptor = openSync(path, 'a+', 0o600)
    let isLocked = false
    try {
      const lock = await takeLock(descriptor, path)
      // The process that had the lock has deleted the file, if it ended in between.
      const isCurrent = isFileAt(path, descriptor)
      if (lock && isCurrent) {
        isLocked = true
        return { release: deleteAndRelease(path, descriptor, lock) }
      }
      lock?.release()
      if (isCurrent) return undefined
    } finally {
      if (!isLocked) closeSync(descriptor)
    }
  }
}

const deleteAndRelease = (path: string, descriptor: number, lock: Lock) => () => {
  removeTemporary(path)
  closeSync(descriptor)
  lock.release()
}

/** Makes the name of a replaced file survive a loss of power. Windows cannot, and some file systems need not. */
// Stryker disable next-line BlockStatement: no test can see what a loss of power leaves
export function syncFolder(path: string): void {
  // Stryker disable all
  try {
    const descriptor = openSync(path, 'r')
    try {
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch {}
  // Stryker restore all
}
