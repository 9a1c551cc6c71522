// Stores the new tokens of many installations in a file like `tokens-file`.

import {
  type BigIntStats,
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Failure } from '../failure.ts'
import { fileFix } from '../file-fix.ts'
import type { Lock } from '../file-lock.ts'
import { quote } from '../format.ts'
import type { Encryption } from '../payload/age.ts'
import { type Identities, isAgeFile } from '../payload/age-format.ts'
import { openAgeFile } from '../payload/file.ts'
import { lockPath, realPathOf, syncFolder } from './path-lock.ts'
import { readTokens, type Tokens } from './tokens.ts'

/** The file of the input `new-tokens-file`: a JSON object of installation ids and tokens, readable by its owner only. */
export class TokensFile {
  /** The real path: a symbolic link stays, and the file that it leads to is replaced. */
  readonly #path: string
  readonly #lock: Lock
  /** Set if the file is encrypted. */
  readonly #key: Identities | undefined
  /** Of the next write, prepared in advance so that the write holds up the process. */
  #encryption: Promise<Encryption> | undefined
  /** What the file had when it was read last. */
  #kept: Tokens
  readonly #added = new Map<string, string>()
  /** Identifies the file that was read or written last; undefined if it did not exist. */
  #version: string | undefined
  /** The write that the next token shares. */
  #pendingWrite: Promise<void> | undefined
  /** Resolves when the write that is under way has ended, with success or not. */
  #currentWrite: Promise<void> = Promise.resolve()

  private constructor(path: string, lock: Lock, key: Identities | undefined, { tokens, version }: FileContent) {
    this.#path = path
    this.#lock = lock
    this.#key = key
    this.#prepareEncryption()
    this.#kept = tokens
    this.#version = version
  }

  /**
   * Opens a file, or creates it, and locks it. It keeps the tokens that the file contains: they may be the only copies
   * from an earlier run.
   *
   * @param path  relative to the workspace, as the step gives it
   * @param key   opens the file if it is encrypted with age, and encrypts it from now on; without a key the file is plain
   * @throws {Failure} if the file is in use, cannot be read or written, or contains anything but tokens
   */
  static async open(workspace: string, path: string, key?: Identities): Promise<TokensFile> {
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
      const file = new TokensFile(realPath, lock, key, await readContent(realPath, path, key))
      // Writes the file now, so that one that cannot be written fails the batch before a token is rotated.
      await file.#write()
      return file
    } catch (error) {
      lock?.release()
      if (error instanceof Failure) throw error
      throw fileUnusable(path, `cannot be written: ${(error as Error).message}`, fileFix(error))
    }
  }

  /**
   * Adds a token. Tokens that are added in the same turn of the event loop, or while another write is under way, share one
   * write. The write holds up the process, so that no other token is issued before these ones are stored;
   * the responses that arrive meanwhile are read in the next turn, and share the next write.
   *
   * @returns a promise that resolves once the file contains the token
   * @throws {Error} if the file cannot be written; the message says what to do
   */
  add(installation: string, token: string): Promise<void> {
    this.#added.set(installation, token)
    this.#pendingWrite ??= this.#writeSoon()
    return this.#pendingWrite
  }

  /** Releases the file, once all tokens that were added are written. */
  async close(): Promise<void> {
    await this.#pendingWrite?.catch(() => {})
    await this.#currentWrite
    this.#lock.release()
  }

  async #writeSoon(): Promise<void> {
    await this.#currentWrite
    await this.#encryption?.catch(() => {})
    await nextTurn()
    // What is added from now on may be too late for this write.
    this.#pendingWrite = undefined
    const write = this.#write()
    this.#currentWrite = write.catch(() => {})
    try {
      await write
    } catch (error) {
      const fix = error instanceof Failure ? error.hint : fileFix(error)
      throw new Error(`${(error as Error).message}. ${fix}`, { cause: error })
    }
  }

  #prepareEncryption(): void {
    const key = this.#key
    if (!key) return
    this.#encryption = import('../payload/age.ts').then(({ prepareEncryption }) => prepareEncryption(key))
    // It is reported by the write that needs it.
    this.#encryption.catch(() => {})
  }

  /** Writes all tokens. No turn of the event loop passes, unless another run has written the file. */
  async #write(): Promise<void> {
    let bytes: Buffer
    do {
      // Where the lock does not hold, such as between two machines, another run may have written the file.
      if (currentVersion(this.#path) !== this.#version) await this.#keepForeignTokens()
      const tokens = Object.fromEntries([...this.#kept, ...this.#added])
      bytes = Buffer.from(`${JSON.stringify(tokens, null, 2)}\n`)
      if (this.#encryption) {
        bytes = await (await this.#encryption)(bytes)
        this.#prepareEncryption()
      }
    } while (currentVersion(this.#path) !== this.#version)
    this.#replace(bytes)
  }

  /** Replaces the file atomically, so that it is complete at any time. */
  #replace(bytes: Buffer): void {
    // The name is always the same, so that the next run deletes the temporary file of a killed one.
    const temporaryPath = `${this.#path}.tmp`
    rmSync(temporaryPath, { force: true })
    const descriptor = openSync(temporaryPath, 'wx', 0o600)
    try {
      // The umask applies to the mode in `openSync`, but not to this one.
      fchmodSync(descriptor, 0o600)
      for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written)
      fsyncSync(descriptor)
      renameSync(temporaryPath, this.#path)
      this.#version = versionOf(fstatSync(descriptor, { bigint: true }))
    } catch (error) {
      rmSync(temporaryPath, { force: true })
      throw error
    } finally {
      closeSync(descriptor)
    }
    syncFolder(dirname(this.#path))
  }

  async #keepForeignTokens(): Promise<void> {
    const { tokens, version } = await readContent(this.#path, this.#path, this.#key)
    this.#kept = new Map([...this.#kept, ...tokens])
    this.#version = version
  }
}

/**
 * The warning about a file that exists and is not encrypted, although there is a key.
 *
 * @param path  relative to the workspace, as the step gives it
 * @returns undefined if there is nothing to warn of; a file that cannot be read is refused when it is opened
 */
export function plainTokensWarning(workspace: string, path: string): string | undefined {
  let content: Buffer
  try {
    content = readFileSync(resolve(workspace, path))
  } catch {
    return undefined
  }
  if (isAgeFile(content) || content.toString('utf8', 0, 4096).trim() === '') return undefined
  return `new-tokens-file ${quote(path)} is not encrypted, although \`tokens-key\` is set: the batch keeps its tokens, and encrypts the file. Delete other copies of it`
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
async function readContent(absolutePath: string, path: string, key: Identities | undefined): Promise<FileContent> {
  const { file, version } = readVersion(absolutePath, path)
  let text = file.toString('utf8')
  if (isAgeFile(file)) {
    try {
      text = (await openAgeFile(file, key, file.length)).toString('utf8')
    } catch (error) {
      throw fileUnusable(path, `cannot be read: ${(error as Error).message}`, 'Or give another path')
    }
  }
  if (text.trim() === '') return { tokens: new Map(), version }
  const { tokens, problems } = readTokens(text, `new-tokens-file ${quote(path)}`)
  if (problems.length === 0) return { tokens, version }
  throw fileUnusable(path, 'contains something other than tokens, which would be lost', 'Give another path')
}

function readVersion(
  absolutePath: string,
  path: string,
): { readonly file: Buffer; readonly version: string | undefined } {
  try {
    const version = currentVersion(absolutePath)
    return { file: version === undefined ? Buffer.alloc(0) : readFileSync(absolutePath), version }
  } catch (error) {
    throw fileUnusable(path, `cannot be read: ${(error as Error).message}`, fileFix(error))
  }
}

const fileUnusable = (path: string, reason: string, hint: string) =>
  new Failure('invalid_input', `new-tokens-file ${quote(path)} ${reason}`, { hint })
