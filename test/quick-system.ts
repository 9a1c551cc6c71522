// Spares the quick tests what takes the system long and none of them is about: the command flock, which each lock would
// start, and the disk. test/file-lock.test.ts has both, and the processes of test/e2e/ have the command.

import childProcess from 'node:child_process'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { spawnNothing } from './batch/model/locks.ts'
import './folder-in-memory.ts'

const globals = globalThis as { isSystemQuick?: true }

function makeSystemQuick() {
  const { spawn } = childProcess
  const spawnOther = (command: string, ...rest: readonly unknown[]) =>
    command === 'flock' ? spawnNothing() : (spawn as (...args: readonly unknown[]) => unknown)(command, ...rest)
  Object.assign(childProcess, { spawn: spawnOther })
  Object.assign(fs, { fsyncSync: () => {}, fdatasyncSync: () => {} })
  syncBuiltinESMExports()
}

if (!globals.isSystemQuick) makeSystemQuick()
globals.isSystemQuick = true
