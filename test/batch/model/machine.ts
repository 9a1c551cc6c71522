// The machine on which the runs of a model are made: files in memory, which outlive a run, and processes that can be killed
// in the middle of a write. A property with ten thousand runs has no time for a disk, or for real processes and locks.

import type * as nodeFs from 'node:fs'
import { freeLocks } from './locks.ts'

type Fs = typeof nodeFs

/** All paths below this one are in memory. */
export const root = '/model'

interface MemoryFile {
  readonly ino: number
  bytes: Buffer
  size: number
  mtimeMs: number
  links: number
}

interface OpenFile {
  readonly file: MemoryFile
  readonly appends: boolean
  position: number
}

/** When a process is killed. */
export interface Kill {
  /** How many steps it makes before: a step is a write, a renaming, or a request that is not only read. */
  readonly afterSteps: number
  /** How much of the next step happens, from 0 to 1: of a write so many bytes; a request arrives if it is at least 0.5. */
  readonly part: number
}

export type StepKind = 'write' | 'rename' | 'truncate' | 'request'

const files = new Map<string, MemoryFile>()
const open = new Map<number, OpenFile>()
/** No real descriptor is as large. */
const firstDescriptor = 1 << 20
let nextDescriptor = firstDescriptor
let nextIno = 1
let now = 0
/** Steps that the process may still make. */
let stepsLeft = Number.POSITIVE_INFINITY
let lastPart = 0
/** In which kind of step the process was killed. */
let killedIn: StepKind | undefined
let isKilled = false
/** Counts everything that happens, so that a clock can tell whether anything is still going on. */
let activity = 0

/** Forgets all files. */
export function resetMachine(): void {
  files.clear()
  open.clear()
  freeLocks()
  startProcess(undefined)
}

/** Starts a process, after the one before has ended or was killed. */
export function startProcess(kill: Kill | undefined): void {
  open.clear()
  freeLocks()
  isKilled = false
  killedIn = undefined
  stepsLeft = kill ? kill.afterSteps : Number.POSITIVE_INFINITY
  lastPart = kill?.part ?? 0
}

/** Whether the process was killed. What it does from then on has no effect, and fails. */
export const wasKilled = (): boolean => isKilled

/** In which kind of step the process was killed, if it was. */
export const killedInStep = (): StepKind | undefined => killedIn

export const activityCount = (): number => activity

export const markActivity = (): void => {
  activity++
}

/**
 * Makes a step that can be the last one of the process.
 *
 * @returns how much of it happens, from 0 to 1
 */
export function step(kind: StepKind): number {
  activity++
  if (isKilled) return 0
  if (stepsLeft-- > 0) return 1
  isKilled = true
  killedIn = kind
  return lastPart
}

export const readText = (path: string): string | undefined => {
  const file = files.get(path)
  return file?.bytes.toString('utf8', 0, file.size)
}

/** Writes a file from outside of the processes. */
export function writeText(path: string, text: string): void {
  const bytes = Buffer.from(text)
  files.set(path, { ino: nextIno++, bytes, size: bytes.length, mtimeMs: ++now, links: 1 })
}

export const deleteFile = (path: string): boolean => files.delete(path)

const isInMemory = (path: unknown): path is string => typeof path === 'string' && path.startsWith(root)
const isFolder = (path: string) => path === root

function failure(code: string, path: string): never {
  throw Object.assign(new Error(`${code}: ${path}`), { code })
}

function append(target: OpenFile, bytes: Buffer): void {
  const { file } = target
  const start = target.appends ? file.size : target.position
  const end = start + bytes.length
  if (end > file.bytes.length) {
    const larger = Buffer.alloc(Math.max(4096, 2 * end))
    file.bytes.copy(larger, 0, 0, file.size)
    file.bytes = larger
  }
  bytes.copy(file.bytes, start)
  file.size = Math.max(file.size, end)
  file.mtimeMs = ++now
  target.position = end
}

function statsOf(file: MemoryFile | undefined, isBig: boolean | undefined) {
  const number = (value: number) => (isBig ? BigInt(value) : value)
  const { ino = 0, size = 0, mtimeMs = 0, links = 1 } = file ?? {}
  return {
    dev: number(1),
    ino: number(ino),
    size: number(size),
    nlink: number(links),
    mtimeMs: number(mtimeMs),
    mtimeNs: number(mtimeMs),
    isFile: () => file !== undefined,
    isDirectory: () => file === undefined,
  }
}

function openMemory(path: string, flags: string): number {
  if (isFolder(path)) return failure('EISDIR', path)
  if (isKilled) return failure('EIO', path)
  let file = files.get(path)
  const [creates, isExclusive] = [/[aw]/.test(flags), flags.includes('x')]
  if (!file && !creates) return failure('ENOENT', path)
  if (file && isExclusive) return failure('EEXIST', path)
  if (!file) {
    file = { ino: nextIno++, bytes: Buffer.alloc(0), size: 0, mtimeMs: ++now, links: 1 }
    files.set(path, file)
  }
  const descriptor = nextDescriptor++
  open.set(descriptor, { file, appends: flags.startsWith('a'), position: 0 })
  return descriptor
}

function readMemory({ file }: OpenFile, buffer: Buffer, offset: number, length: number, position: number): number {
  const end = Math.min(file.size, position + length)
  return position >= end ? 0 : file.bytes.copy(buffer, offset, position, end)
}

function writeMemory(target: OpenFile, bytes: Buffer, offset: number): number {
  const length = bytes.length - offset
  const part = step('write')
  // A part below 1 always lacks a byte, which is a write that did not return.
  const written = part === 1 ? length : Math.min(length - 1, Math.floor(part * length))
  if (written > 0) append(target, bytes.subarray(offset, offset + written))
  return part === 1 ? length : failure('EIO', 'killed')
}

/** A descriptor of a process that was killed belongs to no file any more. */
const openFile = (descriptor: number): OpenFile => open.get(descriptor) ?? failure('EBADF', String(descriptor))

/** Functions of `node:fs`, for files in memory and, for other paths, on the disk. */
export function filesWithMemory(real: Fs) {
  const inMemory = (descriptor: number) => descriptor >= firstDescriptor
  return {
    openSync: (path: string, flags = 'r', mode?: number) =>
      isInMemory(path) ? openMemory(path, flags) : real.openSync(path, flags, mode),
    closeSync: (descriptor: number) =>
      inMemory(descriptor) ? void open.delete(descriptor) : real.closeSync(descriptor),
    readSync: (descriptor: number, buffer: Buffer, offset: number, length: number, position: number) =>
      inMemory(descriptor)
        ? readMemory(openFile(descriptor), buffer, offset, length, position)
        : real.readSync(descriptor, buffer, offset, length, position),
    writeSync: (descriptor: number, bytes: Buffer, offset = 0, ...rest: number[]) =>
      inMemory(descriptor)
        ? writeMemory(openFile(descriptor), bytes, offset)
        : real.writeSync(descriptor, bytes, offset, ...rest),
    fstatSync: (descriptor: number, options?: { bigint?: boolean }) =>
      inMemory(descriptor)
        ? statsOf(openFile(descriptor).file, options?.bigint)
        : real.fstatSync(descriptor, options as object),
    statSync(path: string, options?: { bigint?: boolean; throwIfNoEntry?: boolean }) {
      if (!isInMemory(path)) return real.statSync(path, options as object)
      const file = files.get(path)
      if (file || isFolder(path)) return statsOf(file, options?.bigint)
      return options?.throwIfNoEntry === false ? undefined : failure('ENOENT', path)
    },
    fsyncSync: (descriptor: number) => (inMemory(descriptor) ? undefined : real.fsyncSync(descriptor)),
    fdatasyncSync: (descriptor: number) => (inMemory(descriptor) ? undefined : real.fdatasyncSync(descriptor)),
    fchmodSync: (descriptor: number, mode: number) =>
      inMemory(descriptor) ? undefined : real.fchmodSync(descriptor, mode),
    ftruncateSync(descriptor: number, length: number) {
      if (!inMemory(descriptor)) return real.ftruncateSync(descriptor, length)
      if (step('truncate') === 1) openFile(descriptor).file.size = length
    },
    renameSync(from: string, to: string) {
      if (!isInMemory(from)) return real.renameSync(from, to)
      // It happens or not.
      const isDone = step('rename') >= 0.5
      const file = files.get(from) ?? failure('ENOENT', from)
      if (isDone) {
        files.delete(from)
        files.set(to, file)
      }
      if (isKilled) failure('EIO', 'killed')
    },
    rmSync(path: string, options?: object) {
      if (!isInMemory(path)) return real.rmSync(path, options)
      if (isKilled) return
      const file = files.get(path)
      if (file) file.links = 0
      files.delete(path)
    },
    mkdirSync: (path: string, options?: object) => (isInMemory(path) ? undefined : real.mkdirSync(path, options)),
    realpathSync: Object.assign((path: string, options?: object) => {
      if (!isInMemory(path)) return real.realpathSync(path, options)
      return files.has(path) || isFolder(path) ? path : failure('ENOENT', path)
    }, real.realpathSync),
    readFileSync(path: string, options?: object) {
      if (!isInMemory(path)) return real.readFileSync(path, options as object)
      const file = files.get(path) ?? failure('ENOENT', path)
      const bytes = Buffer.from(file.bytes.subarray(0, file.size))
      return options === undefined ? bytes : bytes.toString('utf8')
    },
    appendFileSync(path: string, text: string, options?: object) {
      if (!isInMemory(path)) return real.appendFileSync(path, text, options)
      const descriptor = openMemory(path, 'a')
      writeMemory(openFile(descriptor), Buffer.from(text), 0)
      open.delete(descriptor)
    },
  }
}
