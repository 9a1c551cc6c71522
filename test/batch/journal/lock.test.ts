import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { takeLock } from '../../../src/batch/journal/lock.ts'
import { newFolder } from '../files.ts'

/** Starts a process that takes a lock and then runs `script`, which by default keeps the process alive. */
async function startLockHolder(
  path: string,
  platform: string,
  script = 'setInterval(() => {}, 1000)',
): Promise<ChildProcess> {
  const program = `
    const { takeLock } = await import(${JSON.stringify(new URL('../../../src/batch/journal/lock.ts', import.meta.url).href)})
    const lock = await takeLock(...process.argv.slice(1))
    console.log(lock ? 'locked' : 'refused')
    ${script}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, path, platform], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [output] = await once(child.stdout, 'data')
  expect(String(output)).toBe('locked\n')
  return child
}

// On macOS the socket has a file, which a killed process leaves behind.
describe.each(['linux', 'darwin'] as const)('a lock on %s', (platform) => {
  const take = async (path: string) => {
    const lock = await takeLock(path, platform)
    if (lock) onTestFinished(lock.release)
    return lock
  }

  test('is held once for each path, until it is released', async () => {
    const path = join(newFolder(), 'journal')
    const lock = await take(path)
    expect(lock).toBeDefined()
    expect(await take(path)).toBeUndefined()
    expect(await take(`${path}-2`)).toBeDefined()
    lock?.release()
    expect(await take(path)).toBeDefined()
  })

  test('excludes other processes, and is released when its process is killed', async () => {
    const path = join(newFolder(), 'journal')
    const child = await startLockHolder(path, platform)
    expect(await take(path)).toBeUndefined()
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await take(path)).toBeDefined()
    expect(await take(path)).toBeUndefined()
  })

  test('does not keep its process alive', async () => {
    const path = join(newFolder(), 'journal')
    const child = await startLockHolder(path, platform, '')
    if (child.exitCode === null) await once(child, 'exit')
    expect(child.exitCode).toBe(0)
    expect(await take(path)).toBeDefined()
  })
})

test('only one of many concurrent callers gets the lock', async () => {
  const path = join(newFolder(), 'journal')
  const locks = await Promise.all(Array.from({ length: 20 }, () => takeLock(path)))
  const taken = locks.filter((lock) => lock !== undefined)
  expect(taken).toHaveLength(1)
  for (const lock of taken) lock.release()
})
