// A lock on a file, by its identity and not by its name, so that hard links and symbolic links lead to the same lock. The
// operating system frees it when the process ends, however it ends: no lock can be left behind.
//
// - Linux: an abstract socket, and flock(2) through the command `flock` where it is installed. The socket holds for
//   processes that share a network, flock also for containers that share the folder only.
// - macOS: flock(2), which open(2) takes with a flag.
// - Windows: a named pipe.

import { spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, statSync } from 'node:fs'
import { createServer } from 'node:net'

export interface Lock {
  /** The caller closes its descriptor too: the lock ends with both. */
  readonly release: () => void
}

/** `O_RDWR | O_EXLOCK | O_NONBLOCK` of macOS. See https://docs.libuv.org/en/v1.x/fs.html#c.UV_FS_O_EXLOCK */
const openWithLock = 0x2 | 0x20 | 0x4

/** Takes the lock of a file that is open for writing. Resolves with undefined if another run holds it. */
export type TakeLock = (descriptor: number, path: string) => Promise<Lock | undefined>

const maxFlockMs = 5000

/**
 * Takes the lock of a file.
 *
 * @param descriptor  of the file, open for writing
 * @param path        of the same file
 * @returns undefined if another process, or this one, holds the lock
 */
export async function takeLock(
  descriptor: number,
  path: string,
  platform: NodeJS.Platform = process.platform,
): Promise<Lock | undefined> {
  if (platform === 'darwin') return lockOnOpen(descriptor, path)
  const lock = await takeSocketLock(descriptor, platform)
  if (lock && platform !== 'win32' && (await isLockedByOther(descriptor))) {
    lock.release()
    return undefined
  }
  return lock
}

/**
 * Takes the part of the lock that is a socket or a pipe. Unlike the whole lock, it takes no process.
 *
 * @returns undefined if another process, or this one, holds it
 */
export function takeSocketLock(descriptor: number, platform = process.platform): Promise<Lock | undefined> {
  const name = `vercel-marketplace-${identityOf(descriptor)}`
  return listen(platform === 'win32' ? `\\\\.\\pipe\\${name}` : `\0${name}`)
}

/** What identifies a file on a machine, under each of its names. */
function identityOf(descriptor: number): string {
  const { dev, ino } = fstatSync(descriptor, { bigint: true })
  return `${dev}-${ino}`
}

/** Whether a path leads to an open file. */
export function isFileAt(path: string, descriptor: number): boolean {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats !== undefined && `${stats.dev}-${stats.ino}` === identityOf(descriptor)
}

function lockOnOpen(descriptor: number, path: string): Lock | undefined {
  try {
    const held = openSync(path, openWithLock)
    if (identityOf(held) === identityOf(descriptor)) return { release: () => closeSync(held) }
    // Another process has just replaced the file.
    closeSync(held)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EAGAIN' || code === 'EWOULDBLOCK') return undefined
    // A file system without locks.
    if (code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'EINVAL') return { release: () => {} }
    throw error
  }
}

/** @returns undefined if another process listens on the address */
function listen(path: string): Promise<Lock | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error: NodeJS.ErrnoException) => {
      // A system that allows no such socket has the other lock only.
      resolve(error.code === 'EADDRINUSE' ? undefined : { release: () => {} })
    })
    server.listen({ path }, () => {
      server.unref()
      resolve({ release: () => server.close() })
    })
  })
}

/**
 * Takes flock(2), which belongs to the open file and not to the process: it stays when the command ends, until the
 * descriptor is closed.
 *
 * @returns whether another open file has it; false if the lock was taken, or cannot be taken on this system
 */
function isLockedByOther(descriptor: number): Promise<boolean> {
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
