// Node's own Headers and Request, which src/sdk/fetch-shim.ts replaces in a worker. setup.ts puts them here before that.

import { afterAll, beforeAll } from 'vitest'

interface NodeWeb {
  readonly Headers: typeof globalThis.Headers
  readonly Request: typeof globalThis.Request
}

const globals = globalThis as { nodeWeb?: NodeWeb }

/** Keeps what the globals are now. @returns whether that was not done before in this worker */
export function keepNodeWeb(): boolean {
  if (globals.nodeWeb) return false
  const { Headers, Request } = globalThis
  globals.nodeWeb = { Headers, Request }
  return true
}

/** Node's own Headers and Request. */
export const nodeWeb = (): NodeWeb => globals.nodeWeb ?? globalThis

/** Makes them the globals for the tests of a file. */
export function useNodeWeb(): void {
  const { Headers, Request } = globalThis
  beforeAll(() => void Object.assign(globalThis, nodeWeb()))
  afterAll(() => void Object.assign(globalThis, { Headers, Request }))
}
