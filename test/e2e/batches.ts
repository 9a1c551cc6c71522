// Records of batches, a server to send them to, and their journals.

import { onTestFinished } from 'vitest'
import { type SandboxServer, type ServerOptions, startSandboxServer } from '../../src/sandbox/server.ts'

export * from './batch-records.ts'

/** Starts a sandbox server, which is closed after the test. */
export async function startServer(options: ServerOptions = {}): Promise<SandboxServer> {
  const server = await startSandboxServer(options)
  onTestFinished(server.close)
  return server
}
