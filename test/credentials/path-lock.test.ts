import { existsSync, fstatSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lockPath } from '../../src/credentials/path-lock.ts'
import type { Lock } from '../../src/file-lock.ts'
import { newFolder } from '../batch/files.ts'

test('a lock whose file was deleted before it was taken is taken again', async () => {
  const path = join(newFolder(), 'new.json.lock')
  const locking = lockPath(path)
  rmSync(path)
  const lock = await locking
  expect(existsSync(path)).toBe(true)
  lock?.release()
  expect(existsSync(path)).toBe(false)
  expect(lock).toBeDefined()
})

test('the lock of a path whose holder ends while the next run is refused is taken again', async () => {
  const path = join(newFolder(), 'new.json.lock')
  let opened = 0
  const lock = await lockPath(path, async () => {
    if (++opened > 1) return { release() {} }
    rmSync(path)
    return undefined
  })
  expect({ opened, isLocked: lock !== undefined }).toEqual({ opened: 2, isLocked: true })
  lock?.release()
})

test('a lock whose file cannot be deleted is released, and fails nothing', async () => {
  const path = join(newFolder(), 'new.json.lock')
  let isReleased = false
  const release = () => {
    isReleased = true
  }
  const lock = await lockPath(path, async () => ({ release }))
  // A folder in its place cannot be deleted, as a file that a virus scanner has open.
  rmSync(path)
  mkdirSync(path)
  lock?.release()
  expect(isReleased).toBe(true)
})

test.each<[string, () => Lock | undefined]>([
  ['is taken and released', () => ({ release() {} })],
  ['is refused', () => undefined],
  [
    'cannot be taken',
    () => {
      throw new Error('EACCES')
    },
  ],
])('the file of a lock that %s is closed', async (_, answer) => {
  let descriptor = -1
  const locking = lockPath(join(newFolder(), 'new.json.lock'), async (given) => {
    descriptor = given
    return answer()
  })
  const lock = await locking.catch(() => undefined)
  if (lock) expect(fstatSync(descriptor).isFile()).toBe(true)
  lock?.release()
  expect(descriptor).toBeGreaterThan(2)
  expect(() => fstatSync(descriptor)).toThrow('EBADF')
})

test('a lock that cannot be taken is an error, and not a lock', async () => {
  const path = join(newFolder(), 'new.json.lock')
  await expect(lockPath(path, () => Promise.reject(new Error('EACCES: pipe')))).rejects.toThrow('EACCES: pipe')
})
