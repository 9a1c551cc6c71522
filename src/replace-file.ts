// Replaces a file by another one, at once: whoever reads it finds the old content or the new one. Deletes temporary files.

import { renameSync, rmSync } from 'node:fs'

/** What differs between machines. */
export interface FileSystem {
  readonly platform: NodeJS.Platform
  readonly rename: (from: string, to: string) => void
  /** Milliseconds from an arbitrary start. */
  readonly monotonic: () => number
  /** Holds up the process for `ms` milliseconds. */
  readonly pause: (ms: number) => void
}

const localFileSystem: FileSystem = {
  platform: process.platform,
  rename: renameSync,
  monotonic: () => performance.now(),
  pause: (ms) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
  },
}

/** How long Windows may refuse to replace a file before that counts as an error. */
const maxBusyMs = 2000
const minPauseMs = 5
const maxPauseMs = 100

/** The codes with which Windows refuses to replace a file that another program has open. */
const busyCodes = ['EPERM', 'EACCES', 'EBUSY']

/**
 * Renames a file to the path of another one, which it replaces. On Windows a virus scanner, an indexer or a backup may have
 * either file open for some milliseconds, and the renaming is refused meanwhile: it is repeated for up to 2 s. These waits
 * hold up the process.
 *
 * @param from  a complete file in the same folder
 * @throws {Error} from Node, of the last attempt
 */
export function replaceFile(from: string, to: string, fileSystem: FileSystem = localFileSystem): void {
  const { platform, rename, monotonic, pause } = fileSystem
  const deadline = monotonic() + maxBusyMs
  for (let pauseMs = minPauseMs; ; pauseMs = Math.min(2 * pauseMs, maxPauseMs)) {
    try {
      rename(from, to)
      return
    } catch (error) {
      const remainingMs = deadline - monotonic()
      const isBusy = platform === 'win32' && busyCodes.includes((error as NodeJS.ErrnoException).code ?? '')
      if (!isBusy || remainingMs <= 0) throw error
      pause(Math.min(pauseMs, remainingMs))
    }
  }
}

/**
 * Deletes a temporary file or folder, if that is possible: on Windows another program may have it open. It fails nothing,
 * because what is left is replaced by the next run, or emptied with `RUNNER_TEMP`.
 */
export function removeTemporary(path: string, { recursive = false } = {}): void {
  try {
    rmSync(path, { recursive, force: true })
  } catch {}
}
