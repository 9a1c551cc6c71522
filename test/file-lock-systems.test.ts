// How a lock is taken on each system, with the calls that the system has. test/file-lock.test.ts takes real ones.

import {
  closeSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { lockPath } from '../src/credentials/path-lock.ts'
import { type LockSystem, localLockSystem, takeLock } from '../src/file-lock.ts'
import { newFolder } from './batch/files.ts'

const failure = (code: string, errno?: number) => Object.assign(new Error(`${code}: refused`), { code, errno })

const identify = (descriptor: number) => fstatSync(descriptor, { bigint: true })

/** A system on which each call that a test does not expect fails. */
const systemOf = (platform: NodeJS.Platform, calls: Partial<LockSystem>): LockSystem => {
  const unexpected = () => expect.unreachable(`${platform} does not do this`)
  return {
    platform,
    open: unexpected,
    close: unexpected,
    identify,
    listen: unexpected,
    isFlockHeld: unexpected,
    ...calls,
  }
}

/** `listen` of a machine: an address is listened on once, until it is released. */
function addressBook() {
  const addresses: string[] = []
  const listen = async (address: string) => {
    if (addresses.includes(address)) throw failure('EADDRINUSE')
    addresses.push(address)
    return () => void addresses.splice(addresses.indexOf(address), 1)
  }
  return { addresses, listen }
}

/** `open` and `close` of macOS: a file that is locked is not opened a second time. */
function macFiles() {
  const locked = new Map<string, number>()
  const flags: number[] = []
  const open = (path: string, given: number) => {
    flags.push(given)
    const descriptor = openSync(path, 'r+')
    const key = String(identify(descriptor).ino)
    if (locked.has(key)) {
      closeSync(descriptor)
      throw failure('EAGAIN', -35)
    }
    locked.set(key, descriptor)
    return descriptor
  }
  const close = (descriptor: number) => {
    for (const [key, held] of locked) if (held === descriptor) locked.delete(key)
    closeSync(descriptor)
  }
  return { locked, flags, system: systemOf('darwin', { open, close }) }
}

/** A file that is open for writing until the test ends. */
function newFile() {
  const path = join(newFolder(), 'journal')
  return { path, descriptor: openFile(path) }
}

function openFile(path: string): number {
  const descriptor = openSync(path, 'a+')
  onTestFinished(() => closeSync(descriptor))
  return descriptor
}

const released = async () => ({ release() {} })

describe('on Windows', () => {
  test('a lock is a named pipe with the identity of the file, and ends when it is released', async () => {
    const { descriptor, path } = newFile()
    const { addresses, listen } = addressBook()
    const system = systemOf('win32', { listen })
    const lock = await takeLock(descriptor, path, system)
    const { dev, ino } = identify(descriptor)
    expect(addresses).toEqual([`\\\\.\\pipe\\vercel-marketplace-${dev}-${ino}`])
    expect(await takeLock(descriptor, path, system)).toBeUndefined()
    lock?.release()
    expect(addresses).toEqual([])
    expect(await takeLock(descriptor, path, system)).toBeDefined()
  })

  test('files whose ids differ only beyond what a double holds have locks of their own', async () => {
    const { addresses, listen } = addressBook()
    const files = [2n ** 60n, 2n ** 60n + 1n].map((ino) => ({ dev: 1n, ino }))
    const system = systemOf('win32', { listen, identify: (index) => files[index] ?? expect.unreachable() })
    for (const descriptor of [0, 1]) expect(await takeLock(descriptor, 'journal', system)).toBeDefined()
    expect(addresses).toEqual(files.map(({ ino }) => `\\\\.\\pipe\\vercel-marketplace-1-${ino}`))
  })

  test('a pipe that cannot be made is an error, because there is no other lock', async () => {
    const { descriptor, path } = newFile()
    const listen = () => Promise.reject(failure('EACCES'))
    await expect(takeLock(descriptor, path, systemOf('win32', { listen }))).rejects.toThrow('EACCES')
  })
})

describe('on Linux', () => {
  const isFlockHeld = async () => false

  test('a lock is an abstract socket with the identity of the file, and flock', async () => {
    const { descriptor, path } = newFile()
    const { addresses, listen } = addressBook()
    const asked: number[] = []
    const isFlockHeld = async (descriptor: number) => {
      asked.push(descriptor)
      return false
    }
    const lock = await takeLock(descriptor, path, systemOf('linux', { listen, isFlockHeld }))
    const { dev, ino } = identify(descriptor)
    expect(addresses).toEqual([`\0vercel-marketplace-${dev}-${ino}`])
    expect(asked).toEqual([descriptor])
    lock?.release()
    expect(addresses).toEqual([])
  })

  test('a file whose flock another container has is locked, and its socket is free again', async () => {
    const { descriptor, path } = newFile()
    const { addresses, listen } = addressBook()
    const system = systemOf('linux', { listen, isFlockHeld: async () => true })
    expect(await takeLock(descriptor, path, system)).toBeUndefined()
    expect(addresses).toEqual([])
  })

  test('without abstract sockets flock alone decides', async () => {
    const { descriptor, path } = newFile()
    const listen = () => Promise.reject(failure('EINVAL'))
    const lock = await takeLock(descriptor, path, systemOf('linux', { listen, isFlockHeld }))
    lock?.release()
    expect(lock).toBeDefined()
    const system = systemOf('linux', { listen, isFlockHeld: async () => true })
    expect(await takeLock(descriptor, path, system)).toBeUndefined()
  })
})

describe('on macOS', () => {
  test('a lock is an open file with O_RDWR, O_NONBLOCK and O_EXLOCK, and ends when it is closed', async () => {
    const { descriptor, path } = newFile()
    const { flags, locked, system } = macFiles()
    const lock = await takeLock(descriptor, path, system)
    expect(flags).toEqual([0x0002 + 0x0004 + 0x0020])
    expect(await takeLock(descriptor, path, system)).toBeUndefined()
    lock?.release()
    expect(locked.size).toBe(0)
    const again = await takeLock(descriptor, path, system)
    expect(again).toBeDefined()
    again?.release()
  })

  test('a file that was replaced is not locked, and neither is the other one', async () => {
    const { descriptor, path } = newFile()
    const { locked, system } = macFiles()
    writeFileSync(`${path}.new`, '')
    renameSync(`${path}.new`, path)
    expect(await takeLock(descriptor, path, system)).toBeUndefined()
    expect(locked.size).toBe(0)
  })

  test('a file that was deleted is not locked', async () => {
    const { descriptor, path } = newFile()
    const { locked, system } = macFiles()
    rmSync(path)
    expect(await takeLock(descriptor, path, system)).toBeUndefined()
    expect(locked.size).toBe(0)
  })

  test.each([
    ['ENOTSUP', -45],
    ['Unknown system error -102', -102],
    ['EINVAL', -22],
  ])('a file system without locks, which answers %s, is used without one', async (code, errno) => {
    const open = () => {
      throw failure(code, errno)
    }
    const { descriptor, path } = newFile()
    const lock = await takeLock(descriptor, path, systemOf('darwin', { open }))
    lock?.release()
    expect(lock).toBeDefined()
  })

  test('a file that cannot be opened is an error', async () => {
    const open = () => {
      throw failure('EMFILE', -24)
    }
    const { descriptor, path } = newFile()
    await expect(takeLock(descriptor, path, systemOf('darwin', { open }))).rejects.toThrow('EMFILE')
  })
})

describe.each(['win32', 'linux', 'darwin'] as const)('on %s', (platform) => {
  const newSystem = () => {
    if (platform === 'darwin') return macFiles().system
    return systemOf(platform, { listen: addressBook().listen, isFlockHeld: async () => false })
  }

  test('all names of a file have one lock, also with another TMPDIR', async () => {
    const system = newSystem()
    const { descriptor, path } = newFile()
    const lock = await takeLock(descriptor, path, system)
    linkSync(path, `${path}-hard`)
    symlinkSync(path, `${path}-symbolic`)
    vi.stubEnv('TMPDIR', newFolder())
    onTestFinished(() => void vi.unstubAllEnvs())
    for (const name of [`${path}-hard`, `${path}-symbolic`]) {
      expect(await takeLock(openFile(name), name, system)).toBeUndefined()
    }
    const other = `${path}-other`
    const second = await takeLock(openFile(other), other, system)
    expect(second).toBeDefined()
    lock?.release()
    const third = await takeLock(openFile(`${path}-hard`), `${path}-hard`, system)
    expect(third).toBeDefined()
    second?.release()
    third?.release()
  })

  test('the lock of a path holds although its holder deletes the file at the end', async () => {
    const system = newSystem()
    const path = join(newFolder(), 'new.json.lock')
    const lock = await lockPath(path, (descriptor, path) => takeLock(descriptor, path, system))
    expect(await lockPath(path, (descriptor, path) => takeLock(descriptor, path, system))).toBeUndefined()
    // The holder ends after the next run has opened the file, and before that run takes the lock.
    let opened = 0
    const next = await lockPath(path, (descriptor, path) => {
      if (++opened === 1) lock?.release()
      return takeLock(descriptor, path, system)
    })
    expect({ opened, isLocked: next !== undefined }).toEqual({ opened: 2, isLocked: true })
    next?.release()
  })
})

test('the lock of a path whose holder ends while the next run is refused is taken again', async () => {
  const path = join(newFolder(), 'new.json.lock')
  let opened = 0
  const lock = await lockPath(path, async () => {
    if (++opened > 1) return released()
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

test('a connection that the socket of a lock cannot accept ends no process, also the second one', async () => {
  const { createServer } = net
  const servers: net.Server[] = []
  onTestFinished(() => {
    net.createServer = createServer
    syncBuiltinESMExports()
  })
  net.createServer = ((onConnection: () => void) => {
    const server = createServer(onConnection)
    servers.push(server)
    return server
  }) as typeof createServer
  syncBuiltinESMExports()
  const stop = await localLockSystem.listen(`${process.platform === 'win32' ? '\\\\.\\pipe\\' : '\0'}${newFolder()}`)
  expect(servers).toHaveLength(1)
  for (const server of servers) for (const _ of [1, 2]) server.emit('error', failure('EMFILE'))
  stop()
})
