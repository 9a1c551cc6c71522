// Spares the quick tests what takes the system long and none of them is about: the command flock, which each lock would
// start, and the disk. test/file-lock.test.ts and test/e2e/ have both.

import childProcess from 'node:child_process'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { spawnNothing } from './batch/model/locks.ts'

/** Where Linux keeps files in memory. A container may have little of it. */
const folderInMemory = '/dev/shm'
const minFreeBytes = 512 << 20

const globals = globalThis as { folderOnDisk?: string }

function makeSystemQuick() {
  const { spawn } = childProcess
  const spawnOther = (command: string, ...rest: readonly unknown[]) =>
    command === 'flock' ? spawnNothing() : (spawn as (...args: readonly unknown[]) => unknown)(command, ...rest)
  Object.assign(childProcess, { spawn: spawnOther })
  Object.assign(fs, { fsyncSync: () => {}, fdatasyncSync: () => {} })
  syncBuiltinESMExports()
}

function useFolderInMemory() {
  if (!fs.existsSync(folderInMemory)) return
  const { bavail, bsize } = fs.statfsSync(folderInMemory)
  if (bavail * bsize >= minFreeBytes) process.env.TMPDIR = folderInMemory
}

if (globals.folderOnDisk === undefined) {
  globals.folderOnDisk = tmpdir()
  makeSystemQuick()
  useFolderInMemory()
}

/** The folder of temporary files on the disk, for tests to which it matters: files in /dev cannot be referred to. */
export const folderOnDisk = globals.folderOnDisk
