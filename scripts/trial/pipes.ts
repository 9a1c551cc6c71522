// Pipes under Wine. A lock on Windows is a pipe, of which Windows lets one program listen. Wine 8 lets several: it ignores
// FILE_FLAG_FIRST_PIPE_INSTANCE. https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-createnamedpipea

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import { isWindows } from './trial.ts'

/** Resolves with whether a server can listen on a pipe. */
const canListen = (server: Server, path: string) =>
  new Promise<boolean>((done) => {
    server.once('error', () => done(false)).listen({ path }, () => done(true))
  })

/** Whether a program can listen on a pipe on which another one listens. */
async function arePipesShared(): Promise<boolean> {
  const path = `\\\\.\\pipe\\trial-${process.pid}`
  const servers = [createServer(), createServer()] as const
  try {
    assert.ok(await canListen(servers[0], path))
    return await canListen(servers[1], path)
  } finally {
    for (const server of servers) server.close()
  }
}

/** Refuses to listen on a pipe on which somebody answers. */
const standIn = `
  import net from 'node:net'
  const { listen } = net.Server.prototype
  net.Server.prototype.listen = function (...args) {
    const probe = net.connect(args[0])
    probe.once('connect', () => {
      probe.destroy()
      this.emit('error', Object.assign(new Error('the pipe is in use'), { code: 'EADDRINUSE' }))
    })
    probe.once('error', () => listen.apply(this, args))
    return this
  }`

/** What a step is started with under Wine, for pipes as Windows has them. Undefined where the system's pipes will do. */
export const pipesOfWindows = async () =>
  isWindows && (await arePipesShared())
    ? {
        env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(standIn)}` },
        note: 'with a stand-in for pipes, which Wine lets two programs use',
      }
    : undefined
