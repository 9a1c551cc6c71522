// Stores the new tokens of many installations in a file like `tokens-file`.

import {
  type BigIntStats,
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Failure } from '../failure.ts'
import { fileFix } from '../file-fix.ts'
import { isFileAt, type Lock, takeLock } from '../file-lock.ts'
import { quote } from '../format.ts'
import { replaceFile } from '../replace-file.ts'
import { readTokens, type Tokens } from './tokens.ts'

/** The file of the input `new-tokens-file`: a JSON object of installation ids and tokens, readable by its owner only. */
export class TokensFile {
  /** The real path: a symbolic link stays, and the file that it leads to is replaced. */
  readonly #path: string
  readonly #lock: Lock
  /** What the file had when it was read last. */
  #kept: Tokens
  readonly #added = new Map<string, string>()
  /** Identifies the file that was read or written last; undefined if it did not exist. */
  #version: string | undefined
  #pendingWrite: Promise<void> | undefined

  private constructor(path: string, lock: Lock, { tokens, version }: FileContent) {
    this.#path = path
    this.#lock = lock
    this.#kept = tokens
    this.#version = version
  }

  /**
   * Opens a file, or creates it, and locks it. It keeps the tokens that the file contains: they may be the only copies
   * from an earlier run.
   *
   * @param path  relative to the workspace, as the step gives it
   * @throws {Failure} if the file is in use, cannot be read or written, or contains anything but tokens
   */
  static async open(workspace: string, path: string): Promise<TokensFile> {
    const absolutePath = resolve(workspace, path)
    let lock: Lock | undefined
    try {
      const realPath = realPathOf(absolutePath)
      lock = await lockPath(`${realPath}.lock`)
      if (!lock) {
        throw fileUnusable(
          path,
          'is in use by another run, and two runs would overwrite the tokens of each other',
          'Wait until that run has ended, or give each run its own file',
        )
      }
      const file = new TokensFile(realPath, lock, readContent(realPath, path))
      // Writes the file now, so that one that cannot be written fails the batch before a token is rotated.
      file.#write()
      return file
    } catch (error) {
      lock?.release()
      if (error instanceof Failure) throw error
      throw fileUnusable(path, `cannot be written: ${(error as Error).message}`, fileFix(error))
    }
  }

  /**
   * Adds a token. Tokens that are added in the same turn of the event loop share one write. The write holds up the
   * process, so that no other token is issued before these ones are stored; the responses that arrive meanwhile are read
   * in the next turn, and share the next write.
   *
   * @returns a promise that resolves once the file contains the token
   * @throws {Error} if the file cannot be written; the message says what to do
   */
  add(installation: string, token: string): Promise<void> {
    this.#added.set(installation, token)
    this.#pendingWrite ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#pendingWrite = undefined
        try {
          resolve(this.#write())
        } catch (error) {
          const fix = error instanceof Failure ? error.hint : fileFix(error)
          reject(new Error(`${(error as Error).message}. ${fix}`, { cause: error }))
        }
      })
    })
    return this.#pendingWrite
  }

  /** Releases the file, once no token is being added. */
  close(): void {
    this.#lock.release()
  }

  /** Replaces the file atomically, so that it is complete at any time. */
  #write(): void {
    this.#keepForeignTokens()
    // The name is always the same, so that the next run deletes the temporary file of a killed one.
    const temporaryPath = `${this.#path}.tmp`
    rmSync(temporaryPath, { force: true })
    const descriptor = openSync(temporaryPath, 'wx', 0o600)
    try {
      // The umask applies to the mode in `openSync`, but not to this one.
      fchmodSync(descriptor, 0o600)
      const tokens = Object.fromEntries([...this.#kept, ...this.#added])
      const bytes = Buffer.from(`${JSON.stringify(tokens, null, 2)}\n`)
      for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written)
      fsyncSync(descriptor)
      replaceFile(temporaryPath, this.#path)
      this.#version = versionOf(fstatSync(descriptor, { bigint: true }))
    } catch (error) {
      rmSync(temporaryPath, { force: true })
      throw error
    } finally {
      closeSync(descriptor)
    }
    syncFolder(dirname(this.#path))
  }

  /** Where the lock does not hold, such as between two machines, another run may have written the file. */
  #keepForeignTokens(): void {
    if (currentVersion(this.#path) === this.#version) return
    const { tokens } = readContent(this.#path, this.#path)
    this.#kept = new Map([...this.#kept, ...tokens])
  }
}

interface FileContent {
  readonly tokens: Tokens
  readonly version: string | undefined
}

/** Identifies a file and its content. */
const versionOf = ({ dev, ino, size, mtimeNs }: BigIntStats): string => [dev, ino, size, mtimeNs].join()

/** @returns undefined if the file does not exist */
function currentVersion(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats && versionOf(stats)
}

/** @throws {Failure} if the file cannot be read, or contains anything but tokens */
function readContent(absolutePath: string, path: string): FileContent {
  try {
    const version = currentVersion(absolutePath)
    const text = version === undefined ? '' : readFileSync(absolutePath, 'utf8')
    if (text.trim() === '') return { tokens: new Map(), version }
    const { tokens, problems } = readTokens(text, `new-tokens-file ${quote(path)}`)
    if (problems.length === 0) return { tokens, version }
  } catch (error) {
    throw fileUnusable(path, `cannot be read: ${(error as Error).message}`, fileFix(error))
  }
  throw fileUnusable(path, 'contains something other than tokens, which would be lost', 'Give another path')
}

/** The path without symbolic links, of a file that may not exist. */
function realPathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    // Creates the file where a symbolic link leads to.
    closeSync(openSync(path, 'a', 0o600))
    return realpathSync(path)
  }
}

/**
 * Takes the lock of a path, which may lead to another file after each write. The file of the lock is deleted when it is
 * released; one that a killed process left behind is locked by nobody.
 *
 * @returns undefined if another process has the lock
 */
async function lockPath(path: string): Promise<Lock | undefined> {
  for (;;) {
    const descriptor = openSync(path, 'a+', 0o600)
    const lock = await takeLock(descriptor, path)
    // The process that had the lock has deleted the file, if it ended in between.
    if (lock && isFileAt(path, descriptor)) {
      const release = () => {
        rmSync(path, { force: true })
        closeSync(descriptor)
        lock.release()
      }
      return { release }
    }
    closeSync(descriptor)
    if (!lock) return undefined
    lock.release()
  }
}

/** Makes the name of a replaced file survive a loss of power. Windows cannot, and some file systems need not. */
function syncFolder(path: string): void {
  try {
    const descriptor = openSync(path, 'r')
    try {
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch {}
}

const fileUnusable = (path: string, reason: string, hint: string) =>
  new Failure('invalid_input', `new-tokens-file ${quote(path)} ${reason}`, { hint })
