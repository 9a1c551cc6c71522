// One run to a journal. The lock is a socket in the system's hands, so that it goes with the process however that ends.

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
 * @param path  the real one, the same for whoever asks
 * @returns undefined where another process has it
 */
export async function takeLock(path: string, platform = process.platform): Promise<Lock | undefined> {
  const name = `vercel-marketplace-${createHash('sha256').update(path).digest('hex').slice(0, 24)}`
  // On Linux and Windows such names have no file that could be left behind.
  if (platform === 'linux') return listen(`\0${name}`)
  if (platform === 'win32') return listen(`\\\\.\\pipe\\${name}`)
  const file = join(tmpdir(), `${name}.sock`)
  const lock = await listen(file)
  if (lock || (await answers(file))) return lock
  rmSync(file, { force: true })
  return listen(file)
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

/** Whether somebody still listens on a socket's file. */
function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(file)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
