import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, linkSync, openSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { takeLock } from '../src/file-lock.ts'
import { newFolder } from './batch/files.ts'

/** Takes a lock, which is released after the test at the latest. */
async function take(path: string) {
  const descriptor = openSync(path, 'a+')
  const lock = await takeLock(descriptor, path)
  let isHeld = lock !== undefined
  if (!isHeld) closeSync(descriptor)
  const release = () => {
    if (!isHeld) return
    isHeld = false
    closeSync(descriptor)
    lock?.release()
  }
  onTestFinished(release)
  return lock && { release }
}

const program = `
  const { openSync } = await import('node:fs')
  const { takeLock } = await import(${JSON.stringify(new URL('../src/file-lock.ts', import.meta.url).href)})
  const [path, keepsRunning] = process.argv.slice(1)
  const lock = await takeLock(openSync(path, 'a+'), path)
  console.log(lock ? 'locked' : 'refused')
  if (keepsRunning) setInterval(() => {}, 1000)`

/** Starts a process that takes a lock, and returns it with what it says. */
async function startTaker(path: string, wrapper: readonly string[], ...args: string[]) {
  const [command = '', ...rest] = [...wrapper, process.execPath, '--input-type=module', '-e', program, path, ...args]
  const child: ChildProcess = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [output] = child.stdout ? await once(child.stdout, 'data') : []
  return { child, answer: String(output).trim() }
}

const tryElsewhere = async (path: string, wrapper: readonly string[] = []) => (await startTaker(path, wrapper)).answer

test('a file is locked once, until it is released', async () => {
  const path = join(newFolder(), 'journal')
  const lock = await take(path)
  expect(lock).toBeDefined()
  expect(await take(path)).toBeUndefined()
  expect(await take(`${path}-2`)).toBeDefined()
  lock?.release()
  expect(await take(path)).toBeDefined()
})

test('a file is locked by all its names', async () => {
  const path = join(newFolder(), 'journal')
  await take(path)
  symlinkSync(path, `${path}-symbolic`)
  const hardLink = join(newFolder(), 'hard')
  linkSync(path, hardLink)
  const answers = [`${path}-symbolic`, hardLink].map((name) => tryElsewhere(name))
  expect(await Promise.all(answers)).toEqual(['refused', 'refused'])
})

test('a lock excludes other processes, and is free as soon as its process is killed', async () => {
  const path = join(newFolder(), 'journal')
  const { child, answer } = await startTaker(path, [], 'keep')
  expect(answer).toBe('locked')
  expect(await take(path)).toBeUndefined()
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await take(path)).toBeDefined()
  expect(await take(path)).toBeUndefined()
})

test('a lock does not keep its process alive', async () => {
  const path = join(newFolder(), 'journal')
  const { child } = await startTaker(path, [])
  if (child.exitCode === null) await once(child, 'exit')
  expect(child.exitCode).toBe(0)
  expect(await take(path)).toBeDefined()
})

test('only one of many concurrent callers gets the lock', async () => {
  const path = join(newFolder(), 'journal')
  const locks = await Promise.all(Array.from({ length: 20 }, () => take(path)))
  expect(locks.filter((lock) => lock !== undefined)).toHaveLength(1)
})

const canRun = (...command: string[]) => spawnSync(command[0] ?? '', command.slice(1)).status === 0
const canUnshare = canRun('unshare', '-n', 'true') && canRun('flock', '--version')

test.skipIf(!canUnshare)('a lock excludes containers that share the folder only', async () => {
  const path = join(newFolder(), 'journal')
  const hardLink = `${path}-hard`
  const lock = await take(path)
  linkSync(path, hardLink)
  const wrappers = [
    ['unshare', '-n'],
    ['unshare', '-n', '-p', '-f', '--mount-proc'],
  ]
  const answers = wrappers.flatMap((wrapper) => [path, hardLink].map((name) => tryElsewhere(name, wrapper)))
  expect(await Promise.all(answers)).toEqual(Array(4).fill('refused'))
  lock?.release()
  expect(await tryElsewhere(path, ['unshare', '-n'])).toBe('locked')
})

test.skipIf(process.platform !== 'linux')('a lock holds without the command flock', async () => {
  const path = join(newFolder(), 'journal')
  const withoutCommands = ['env', 'PATH=/nowhere']
  const { answer } = await startTaker(path, withoutCommands, 'keep')
  expect(answer).toBe('locked')
  expect(await tryElsewhere(path, withoutCommands)).toBe('refused')
})
