// Replaces functions of Node in this process, for good: files below the model's folder are in memory, and locks have no sockets.
// Import it before the code under test, which may keep functions of Node when it is loaded.

import childProcess from 'node:child_process'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import { createLockServer, spawnNothing } from './locks.ts'
import { filesWithMemory } from './machine.ts'

Object.assign(fs, filesWithMemory({ ...fs }))
Object.assign(net, { createServer: createLockServer })
Object.assign(childProcess, { spawn: spawnNothing })
syncBuiltinESMExports()
