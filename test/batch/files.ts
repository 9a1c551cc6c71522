// Temporary files that are deleted after their test, and a file system that fails.

import fs, { closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { TakeLock } from '../../src/file-lock.ts'

/** In place of a lock, for a file that only the test uses: that of the operating system takes a process. */
export const withoutLock: TakeLock = async () => ({ release() {} })

export function newFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'batch-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Writes a file, opens it for reading until `use` has ended, and returns what `use` returns. */
export function withFile<T>(path: string, content: string | Uint8Array, use: (descriptor: number) => T): T {
  writeFileSync(path, content)
  const descriptor = openSync(path, 'r')
  let isPending = false
  try {
    const result = use(descriptor)
    if (!(result instanceof Promise)) return result
    isPending = true
    return result.finally(() => closeSync(descriptor)) as T
  } finally {
    if (!isPending) closeSync(descriptor)
  }
}

/** Replaces a function of node:fs until the test ends. */
export function replaceInFs(name: keyof typeof fs, replacement: (...args: never[]) => unknown): void {
  const { [name]: original } = fs
  const replace = (value: unknown) => {
    Object.assign(fs, { [name]: value })
    syncBuiltinESMExports()
  }
  replace(replacement)
  onTestFinished(() => replace(original))
}

/** Replaces `writeSync` of node:fs until the test ends. @param replacement  gets the original */
export const replaceWriteSync = (replacement: (write: typeof fs.writeSync) => (...args: never[]) => number): void =>
  replaceInFs('writeSync', replacement(fs.writeSync))

/** Counts the turns of the event loop. @returns the number until now; counting ends with the test */
export function countTurns(): () => number {
  let turns = 0
  let isCounting = true
  const count = () => {
    if (!isCounting) return
    turns++
    setImmediate(count)
  }
  setImmediate(count)
  onTestFinished(() => {
    isCounting = false
  })
  return () => turns
}

/** How many files the process has open: on Linux, where a process can read that. */
export const countOpenFiles = (): number => readdirSync('/proc/self/fd').length
