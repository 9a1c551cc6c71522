import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { takeLock } from '../../../src/batch/journal/lock.ts'
import { newFolder } from '../files.ts'

/** A process that takes a lock, and keeps it until it is told otherwise. */
async function holder(path: string, platform: string, then = 'setInterval(() => {}, 1000)'): Promise<ChildProcess> {
  const program = `
    const { takeLock } = await import(${JSON.stringify(new URL('../../../src/batch/journal/lock.ts', import.meta.url).href)})
    const lock = await takeLock(...process.argv.slice(1))
    console.log(lock ? 'held' : 'refused')
    ${then}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, path, platform], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [said] = await once(child.stdout, 'data')
  expect(String(said)).toBe('held\n')
  return child
}

// Without abstract sockets the lock is a file that a killed process leaves behind.
describe.each(['linux', 'darwin'] as const)('a lock as on %s', (platform) => {
  const take = async (path: string) => {
    const lock = await takeLock(path, platform)
    if (lock) onTestFinished(lock.release)
    return lock
  }

  test('is one to a journal, and free again when it is given back', async () => {
    const path = join(newFolder(), 'journal')
    const lock = await take(path)
    expect(lock).toBeDefined()
    expect(await take(path)).toBeUndefined()
    expect(await take(`${path}-2`)).toBeDefined()
    lock?.release()
    expect(await take(path)).toBeDefined()
  })

  test('is kept from other processes, and goes with its own, however that ends', async () => {
    const path = join(newFolder(), 'journal')
    const child = await holder(path, platform)
    expect(await take(path)).toBeUndefined()
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await take(path)).toBeDefined()
    expect(await take(path)).toBeUndefined()
  })

  test('keeps no process alive', async () => {
    const path = join(newFolder(), 'journal')
    const child = await holder(path, platform, '')
    if (child.exitCode === null) await once(child, 'exit')
    expect(child.exitCode).toBe(0)
    expect(await take(path)).toBeDefined()
  })
})

test('of many that ask at once one gets it', async () => {
  const path = join(newFolder(), 'journal')
  const locks = await Promise.all(Array.from({ length: 20 }, () => takeLock(path)))
  const taken = locks.filter((lock) => lock !== undefined)
  expect(taken).toHaveLength(1)
  for (const lock of taken) lock.release()
})
