// A lock on a file, by its identity and not by its name, so that hard links and symbolic links lead to the same lock. The
// operating system frees it when the process ends, however it ends: no lock can be left behind.
//
// - Linux: an abstract socket, and flock(2) through the command `flock` where it is installed. The socket holds for
//   processes that share a network, flock also for containers that share the folder only.
// - macOS: flock(2), which open(2) takes with a flag.
// - Windows: a named pipe.

import { spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { type FileIdentity, identityAt, identityKey } from './file-identity.ts'

export interface Lock {
  /** The caller closes its descriptor too: the lock ends with both. */
  readonly release: () => void
}

/** Takes the lock of a file that is open for writing. Resolves with undefined if another run holds it. */
export type TakeLock = (descriptor: number, path: string) => Promise<Lock | undefined>

/** What differs between machines. */
export interface LockSystem {
  readonly platform: NodeJS.Platform
  readonly open: (path: string, flags: number) => number
  readonly close: (descriptor: number) => void
  readonly identify: (descriptor: number) => FileIdentity
  /**
   * Listens on a socket or a pipe.
   *
   * @returns a function that stops listening
   * @throws {Error} from Node; `EADDRINUSE` if another process listens
   */
  readonly listen: (address: string) => Promise<() => void>
  /** Takes flock(2) for the open file. @returns whether another open file has it */
  readonly isFlockHeld: (descriptor: number) => Promise<boolean>
}

const maxFlockMs = 5000

export const localLockSystem: LockSystem = {
  platform: process.platform,
  open: openSync,
  close: closeSync,
  identify: (descriptor) => fstatSync(descriptor, { bigint: true }),
  listen,
  isFlockHeld,
}

/**
 * Takes the lock of a file.
 *
 * @param descriptor  of the file, open for writing
 * @param path        of the same file
 * @returns undefined if another process, or this one, holds the lock, or the path leads to another file meanwhile
 * @throws {Error} from Node if the system has locks and this one cannot be taken
 */
export async function takeLock(
  descriptor: number,
  path: string,
  system: LockSystem = localLockSystem,
): Promise<Lock | undefined> {
  if (system.platform === 'darwin') return lockOnOpen(descriptor, path, system)
  const lock = await listenForFile(descriptor, system)
  if (lock && system.platform !== 'win32' && (await system.isFlockHeld(descriptor))) {
    lock.release()
    return undefined
  }
  return lock
}

/** Whether a path leads to an open file. */
export const isFileAt = (path: string, descriptor: number): boolean =>
  identityAt(path) === identityKey(localLockSystem.identify(descriptor))

/**
 * `O_RDWR | O_EXLOCK | O_NONBLOCK` of macOS: the file is opened with an exclusive flock(2), or not at all.
 * See https://github.com/apple-oss-distributions/xnu/blob/main/bsd/sys/fcntl.h
 */
const openWithLock = 0x2 | 0x20 | 0x4

/** `EOPNOTSUPP` of macOS. Node has no name for it, because `ENOTSUP` is another number there. */
const notSupportedOnMac = -102

function lockOnOpen(descriptor: number, path: string, { open, close, identify }: LockSystem): Lock | undefined {
  let held: number
  try {
    held = open(path, openWithLock)
  } catch (error) {
    const { code = '', errno } = error as NodeJS.ErrnoException
    // Another process has the lock, or has deleted the file meanwhile.
    if (['EAGAIN', 'EWOULDBLOCK', 'ENOENT'].includes(code)) return undefined
    // A file system without locks.
    if (['ENOTSUP', 'EOPNOTSUPP', 'EINVAL'].includes(code) || errno === notSupportedOnMac) return { release: () => {} }
    throw error
  }
  if (identityKey(identify(held)) === identityKey(identify(descriptor))) return { release: () => close(held) }
  // Another process has just replaced the file.
  close(held)
  return undefined
}

/**
 * Listens on an address that belongs to the file: on Windows a named pipe, elsewhere an abstract socket. Neither is in a
 * folder, so all processes of a machine use the same address, with any `TMPDIR`.
 *
 * @returns undefined if another process listens on the address
 */
async function listenForFile(
  descriptor: number,
  { platform, identify, listen }: LockSystem,
): Promise<Lock | undefined> {
  const name = `vercel-marketplace-${identityKey(identify(descriptor))}`
  try {
    return { release: await listen(platform === 'win32' ? `\\\\.\\pipe\\${name}` : `\0${name}`) }
  } catch (error) {
    // Windows reports a pipe of another user like this too.
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
    if (platform === 'win32') throw error
    // A system that allows no such socket has the other lock only.
    return { release: () => {} }
  }
}

function listen(address: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    // Also later ones, such as a connection that cannot be accepted: they do not concern the lock.
    server.on('error', reject)
    server.listen({ path: address }, () => {
      server.unref()
      resolve(() => server.close())
    })
  })
}

/**
 * Takes flock(2), which belongs to the open file and not to the process: it stays when the command ends, until the
 * descriptor is closed.
 *
 * @returns whether another open file has it; false if the lock was taken, or cannot be taken on this system
 */
function isFlockHeld(descriptor: number): Promise<boolean> {
  return new Promise((resolve) => {
    const command = spawn('flock', ['-n', '3'], {
      stdio: ['ignore', 'ignore', 'pipe', descriptor],
      timeout: maxFlockMs,
    })
    let complaint = ''
    command.stderr?.on('data', (text) => (complaint += text))
    command.once('error', () => resolve(false))
    // A lock that is held is the only failure without a complaint.
    command.once('close', (code) => resolve(code === 1 && complaint === ''))
  })
}
