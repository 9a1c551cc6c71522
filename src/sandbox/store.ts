// What the sandbox remembers: values by key, kept in memory and, where there is a file, in a log of changes that the
// next step of the job reads. The log is only ever appended to, a whole line at a time, so that neither a step that is
// killed nor two at once can spoil it.

import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'

export interface Store {
  readonly get: (key: string) => unknown
  readonly put: (key: string, value: unknown) => void
  /** Takes over what other processes have written since. */
  readonly refresh: () => void
  readonly close: () => void
}

/** @param path  of the log; without one, everything is gone with the process */
export function openStore(path?: string): Store {
  const values = new Map<string, string>()
  if (path === undefined) {
    return {
      get: (key) => parsed(values.get(key)),
      put: (key, value) => void values.set(key, JSON.stringify(value)),
      refresh: () => {},
      close: () => {},
    }
  }

  const file = openSync(path, 'a+', 0o600)
  // How much of the file has been read: up to the end of a whole line.
  let read = 0
  const refresh = () => {
    const { size } = fstatSync(file)
    while (read < size) {
      const bytes = Buffer.alloc(Math.min(size - read, 1 << 20))
      const length = readSync(file, bytes, 0, bytes.length, read)
      const end = bytes.subarray(0, length).lastIndexOf(0x0a)
      // What follows the last line break is being written, or was torn.
      if (end === -1) return
      for (const line of bytes.toString('utf8', 0, end).split('\n')) take(line)
      read += end + 1
    }
  }
  const take = (line: string) => {
    try {
      const [key, value] = JSON.parse(line) as [string, unknown]
      values.set(key, JSON.stringify(value))
    } catch {
      // A line that a killed step left half written.
    }
  }
  refresh()
  return {
    get: (key) => parsed(values.get(key)),
    put: (key, value) => {
      values.set(key, JSON.stringify(value))
      // A torn line in front of this one is cut off by the line break.
      writeSync(file, `${read < fstatSync(file).size ? '\n' : ''}${JSON.stringify([key, value])}\n`)
      refresh()
    },
    refresh,
    close: () => closeSync(file),
  }
}

/** A copy each time: what a caller changes counts once it is put back. */
const parsed = (text: string | undefined): unknown => (text === undefined ? undefined : JSON.parse(text))
