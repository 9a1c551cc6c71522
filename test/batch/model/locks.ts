// The locks of the model's machine, without sockets and processes. A killed process has none.

const locks = new Set<string>()

export const freeLocks = (): void => locks.clear()

/** `createServer` of `node:net`, as a lock uses it: an address can be listened on once. */
export function createLockServer() {
  let onError = (_: Error) => {}
  let path = ''
  return {
    on: (_: 'error', listener: (error: Error) => void) => {
      onError = listener
    },
    listen(options: { path: string }, onListening: () => void) {
      path = options.path
      const isTaken = locks.has(path)
      locks.add(path)
      queueMicrotask(() => (isTaken ? onError(Object.assign(new Error(path), { code: 'EADDRINUSE' })) : onListening()))
    },
    unref() {},
    close: () => void locks.delete(path),
  }
}

/** `spawn` of `node:child_process` on a machine without the command `flock`. */
export const spawnNothing = () => ({
  stderr: undefined,
  once(event: string, listener: (error: Error) => void) {
    if (event === 'error') queueMicrotask(() => listener(new Error('ENOENT')))
  },
})
