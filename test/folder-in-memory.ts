// Keeps the temporary files of tests in memory: they are many and small, and a disk takes as long for them as some tests take.

import { existsSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

/** Where Linux keeps files in memory. A container may have little of it. */
const folderInMemory = '/dev/shm'
const minFreeBytes = 512 << 20

const globals = globalThis as { folderOnDisk?: string }

function hasRoom(): boolean {
  if (!existsSync(folderInMemory)) return false
  const { bavail, bsize } = statfsSync(folderInMemory)
  return bavail * bsize >= minFreeBytes
}

if (globals.folderOnDisk === undefined) {
  globals.folderOnDisk = tmpdir()
  if (hasRoom()) process.env.TMPDIR = folderInMemory
}

/** The folder of temporary files on the disk, for tests to which it matters: files in /dev cannot be referred to. */
export const folderOnDisk = globals.folderOnDisk
