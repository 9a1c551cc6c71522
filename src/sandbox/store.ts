// What the sandbox remembers: values by bucket and name, kept in memory and, where there is a file, in a log of changes
// that the next step of the job replays. The log is only ever appended to, one whole line for each request, so that
// neither a step that is killed nor two at once can spoil it.

import { closeSync, fchmodSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'

/** Values are not to be changed in place: a change counts once it is put. */
export interface Store {
  readonly get: (bucket: string, name: string) => unknown
  /** What a bucket holds, in the order in which it came. */
  readonly list: (bucket: string) => ReadonlyMap<string, unknown>
  /** `null` takes a value away. */
  readonly put: (bucket: string, name: string, value: unknown) => void
  /** Writes down what was put since the last time, all of it or nothing. */
  readonly flush: () => void
  /** Takes over what other processes have written since. */
  readonly refresh: () => void
  readonly close: () => void
}

type Change = readonly [bucket: string, name: string, value: unknown]

/**
 * @param path  of the log, which nobody else may read; without one, everything is gone with the process
 * @throws {Error} Node's, where the file cannot be opened
 */
export function openStore(path?: string): Store {
  const buckets = new Map<string, Map<string, unknown>>()
  let unwritten: string[] = []
  const take = ([bucket, name, value]: Change) => {
    const values = buckets.get(bucket) ?? new Map<string, unknown>()
    buckets.set(bucket, values)
    if (value === null) values.delete(name)
    else values.set(name, value)
  }
  const log = path === undefined ? undefined : openChangeLog(path, (line) => changesOf(line).forEach(take))
  log?.refresh()
  return {
    get: (bucket, name) => buckets.get(bucket)?.get(name),
    list: (bucket) => buckets.get(bucket) ?? new Map(),
    put(bucket, name, value) {
      const change = JSON.stringify([bucket, name, value])
      // What is remembered is what a later step will read, not the caller's own object.
      take(JSON.parse(change))
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

/** A line that a killed step left half written, or that is not ours, changes nothing. */
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

function openChangeLog(path: string, take: (line: string) => void) {
  const file = openSync(path, 'a+', 0o600)
  // The mode of a file that was there before is its own.
  fchmodSync(file, 0o600)
  // How much of the file has been read: up to the end of a whole line.
  let read = 0

  function refresh(): void {
    const { size } = fstatSync(file)
    let begun: Buffer[] = []
    for (let position = read; position < size; ) {
      const bytes = Buffer.allocUnsafe(Math.min(size - position, 1 << 20))
      const length = readSync(file, bytes, 0, bytes.length, position)
      if (length === 0) return
      position += length
      const end = bytes.subarray(0, length).lastIndexOf(newlineByte) + 1
      begun.push(bytes.subarray(0, end || length))
      // What follows the last line break is being written, or was torn.
      if (end === 0) continue
      for (const line of Buffer.concat(begun).toString().split('\n')) take(line)
      begun = [bytes.subarray(end, length)]
      read = position - length + end
    }
  }

  function append(line: string): void {
    const before = fstatSync(file).size
    // A torn line in front of this one is ended by the line break.
    const bytes = Buffer.from(`${read < before ? '\n' : ''}${line}\n`)
    if (writeSync(file, bytes) < bytes.length) throw new Error(`${path} could not be written whole`)
    // Where nobody else wrote, there is nothing in it that is not known.
    if (read === before && fstatSync(file).size === before + bytes.length) read = before + bytes.length
    else refresh()
  }

  return { append, refresh, close: () => closeSync(file) }
}
