// The state of the sandbox: values by bucket and name, in memory and optionally in a log file that the next step of the
// job replays. The log is append-only, with one line per request, so that a killed step or two concurrent steps cannot
// corrupt it.

import { closeSync, fchmodSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'

/** Values by bucket and name. Do not modify a value in place: only `put` changes the store. */
export interface Store {
  readonly get: (bucket: string, name: string) => unknown
  /** The values of a bucket, in insertion order. */
  readonly list: (bucket: string) => ReadonlyMap<string, unknown>
  /** Sets a value; `null` removes it. */
  readonly put: (bucket: string, name: string, value: unknown) => void
  /** Appends the changes since the last flush to the log, as one line. */
  readonly flush: () => void
  /** Applies the changes that other processes appended. */
  readonly refresh: () => void
  readonly close: () => void
}

type Change = readonly [bucket: string, name: string, value: unknown]

/**
 * Opens a store.
 *
 * @param path  the log file, created with mode 0600; without it the state ends with the process
 * @throws {Error} of Node, if the file cannot be opened
 */
export function openStore(path?: string): Store {
  const buckets = new Map<string, Map<string, unknown>>()
  let unwritten: string[] = []
  const apply = ([bucket, name, value]: Change) => {
    const values = buckets.get(bucket) ?? new Map<string, unknown>()
    buckets.set(bucket, values)
    if (value === null) values.delete(name)
    else values.set(name, value)
  }
  const log = path === undefined ? undefined : openChangeLog(path, (line) => changesOf(line).forEach(apply))
  log?.refresh()
  return {
    get: (bucket, name) => buckets.get(bucket)?.get(name),
    list: (bucket) => buckets.get(bucket) ?? new Map(),
    put(bucket, name, value) {
      const change = JSON.stringify([bucket, name, value])
      // Store a copy, as a later step will read it, not the caller's object.
      apply(JSON.parse(change))
      if (log) unwritten.push(change)
    },
    flush() {
      if (unwritten.length === 0) return
      const line = `[${unwritten.join(',')}]`
      unwritten = []
      log?.append(line)
    },
    refresh: () => log?.refresh(),
    close: () => log?.close(),
  }
}

/** The changes of a line; none for a line that is incomplete or was not written by the sandbox. */
function changesOf(line: string): Change[] {
  if (line === '') return []
  try {
    const changes: unknown = JSON.parse(line)
    return Array.isArray(changes) && changes.every(isChange) ? changes : []
  } catch {
    return []
  }
}

const isChange = (change: unknown): change is Change =>
  Array.isArray(change) && change.length === 3 && typeof change[0] === 'string' && typeof change[1] === 'string'

const newlineByte = 0x0a

function openChangeLog(path: string, onLine: (line: string) => void) {
  const file = openSync(path, 'a+', 0o600)
  // An existing file keeps its mode when it is opened.
  fchmodSync(file, 0o600)
  // The number of bytes read, up to the end of a complete line.
  let read = 0

  function refresh(): void {
    const { size } = fstatSync(file)
    let pending: Buffer[] = []
    for (let position = read; position < size; ) {
      const bytes = Buffer.allocUnsafe(Math.min(size - position, 1 << 20))
      const length = readSync(file, bytes, 0, bytes.length, position)
      if (length === 0) return
      position += length
      const end = bytes.subarray(0, length).lastIndexOf(newlineByte) + 1
      pending.push(bytes.subarray(0, end || length))
      // The text after the last line break is incomplete: it is being written, or its process was killed.
      if (end === 0) continue
      for (const line of Buffer.concat(pending).toString().split('\n')) onLine(line)
      pending = [bytes.subarray(end, length)]
      read = position - length + end
    }
  }

  function append(line: string): void {
    const before = fstatSync(file).size
    // The line break ends an incomplete line before this one.
    const bytes = Buffer.from(`${read < before ? '\n' : ''}${line}\n`)
    if (writeSync(file, bytes) < bytes.length) throw new Error(`${path} could not be written completely`)
    // If no other process wrote, there are no unknown changes.
    if (read === before && fstatSync(file).size === before + bytes.length) read = before + bytes.length
    else refresh()
  }

  return { append, refresh, close: () => closeSync(file) }
}
