// A lock that allows one run at a time to use a journal. It is a listening socket: the operating system frees it when the
// process ends, however it ends.

import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Lock {
  readonly release: () => void
}

/**
 * Takes the lock of a file.
 *
 * @param path  the real path, with symbolic links resolved, so that it is the same for every process
 * @returns undefined if another process holds the lock
 * @throws {Error} from Node, if the socket cannot be opened for another reason
 */
export async function takeLock(path: string, platform = process.platform): Promise<Lock | undefined> {
  const name = `vercel-marketplace-${createHash('sha256').update(path).digest('hex').slice(0, 24)}`
  // On Linux and Windows a socket with such a name has no file that a killed process could leave behind.
  if (platform === 'linux') return listen(`\0${name}`)
  if (platform === 'win32') return listen(`\\\\.\\pipe\\${name}`)
  const socketPath = join(tmpdir(), `${name}.sock`)
  const lock = await listen(socketPath)
  if (lock || (await isListening(socketPath))) return lock
  rmSync(socketPath, { force: true })
  return listen(socketPath)
}

function listen(path: string): Promise<Lock | undefined> {
  return new Promise((resolve, reject) => {
    const server: Server = createServer((socket) => socket.destroy())
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen({ path }, () => {
      server.unref()
      resolve({ release: () => server.close() })
    })
  })
}

/** Whether a process listens on a socket. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
