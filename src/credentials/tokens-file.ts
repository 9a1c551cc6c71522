// Stores the new tokens of many installations in a file like `tokens-file`.

import { closeSync, fchmodSync, fstatSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Failure } from '../failure.ts'
import { fileFix, fileNameProblem } from '../file-fix.ts'
import type { Lock, TakeLock } from '../file-lock.ts'
import { quotePath } from '../format.ts'
import { makeFolder } from '../make-folder.ts'
import type { Encryption } from '../payload/age.ts'
import type { Identities } from '../payload/age-format.ts'
import { removeTemporary, replaceFile } from '../replace-file.ts'
import { lockPath, realPathOf, syncFolder } from './path-lock.ts'
import type { Tokens } from './tokens.ts'
import { currentVersion, type FileContent, fileUnusable, readContent, versionOf } from './tokens-file-content.ts'

/** Writes can follow each other faster than the keys of one are made. */
const preparedEncryptions = 4

/** What a file of tokens depends on besides its content; that of this process by default. */
interface SystemOfFile {
  readonly takeLock?: TakeLock | undefined
  readonly platform?: NodeJS.Platform
}

/** The file of the input `new-tokens-file`: a JSON object of installation ids and tokens, readable by its owner only. */
export class TokensFile {
  /** The real path: a symbolic link stays, and the file that it leads to is replaced. */
  readonly #path: string
  readonly #lock: Lock
  /** Set if the file is encrypted. */
  readonly #key: Identities | undefined
  /** Those of the next writes, prepared in advance so that a write holds up the process. */
  readonly #encryptions: Promise<Encryption>[] = []
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
    this.#prepareEncryptions()
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
  static async open(
    workspace: string,
    path: string,
    key?: Identities,
    { takeLock, platform = process.platform }: SystemOfFile = {},
  ): Promise<TokensFile> {
    const absolutePath = resolve(workspace, path)
    const problem = fileNameProblem(path, platform)
    if (problem) throw fileUnusable(path, `cannot be written: ${problem}`, 'Use a name without a colon')
    let lock: Lock | undefined
    try {
      makeFolder(dirname(absolutePath))
      const realPath = realPathOf(absolutePath)
      lock = await lockPath(`${realPath}.lock`, takeLock)
      if (!lock) {
        throw new Failure(
          'file_in_use',
          `new-tokens-file ${quotePath(path)} is in use by another run, and two runs would overwrite the tokens of each other`,
          { hint: 'Wait until that run has ended, or give each run its own file' },
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

  get isEmpty(): boolean {
    return this.#kept.size === 0 && this.#added.size === 0
  }

  /** The token that the file has for an installation. */
  get(installation: string): string | undefined {
    return this.#added.get(installation) ?? this.#kept.get(installation)
  }

  /** Releases the file, once all tokens that were added are written. */
  async close(): Promise<void> {
    await this.#pendingWrite?.catch(() => {})
    await this.#currentWrite
    this.#lock.release()
  }

  async #writeSoon(): Promise<void> {
    await this.#currentWrite
    await this.#encryptions[0]?.catch(() => {})
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

  #prepareEncryptions(): void {
    const key = this.#key
    if (!key) return
    while (this.#encryptions.length < preparedEncryptions) {
      const encryption = import('../payload/age.ts').then(({ prepareEncryption }) => prepareEncryption(key))
      // It is reported by the write that needs it.
      encryption.catch(() => {})
      this.#encryptions.push(encryption)
    }
  }

  /** Writes all tokens. No turn of the event loop passes, unless another run has written the file. */
  async #write(): Promise<void> {
    let bytes: Buffer
    do {
      // Where the lock does not hold, such as between two machines, another run may have written the file.
      if (currentVersion(this.#path) !== this.#version) await this.#keepForeignTokens()
      const tokens = Object.fromEntries([...this.#kept, ...this.#added])
      bytes = Buffer.from(`${JSON.stringify(tokens, null, 2)}\n`)
      const encryption = this.#encryptions.shift()
      if (encryption) {
        bytes = await (await encryption)(bytes)
        this.#prepareEncryptions()
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
      // Before the file gets its new name: after that, Wine does not tell its drive.
      const version = versionOf(fstatSync(descriptor, { bigint: true }))
      replaceFile(temporaryPath, this.#path)
      this.#version = version
    } catch (error) {
      removeTemporary(temporaryPath)
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
