// Stores the new tokens of many installations in a file like `tokens-file`.

import { closeSync, fchmodSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { Failure } from '../failure.ts'
import { quote } from '../format.ts'
import { readTokens } from './tokens.ts'

/** The file of the input `new-tokens-file`: a JSON object of installation ids and tokens, readable by its owner only. */
export class TokensFile {
  readonly #path: string
  readonly #tokens: Map<string, string>
  #pendingWrite: Promise<void> | undefined

  /**
   * Opens a file, or creates it. It keeps the tokens that the file contains: they may be the only copies from an earlier
   * run.
   *
   * @param path  relative to the workspace, as the step gives it
   * @throws {Failure} if the file cannot be read or written, or contains anything but tokens
   */
  constructor(workspace: string, path: string) {
    this.#path = resolve(workspace, path)
    this.#tokens = new Map(readExistingTokens(this.#path, path))
    // Writes the file now, so that one that cannot be written fails the batch before a token is rotated.
    try {
      this.#write()
    } catch (error) {
      throw tokensFileUnusable(path, `cannot be written: ${(error as Error).message}`)
    }
  }

  /**
   * Adds a token. Tokens that are added in the same turn of the event loop share one write.
   *
   * @returns a promise that resolves once the file contains the token
   * @throws {Error} from Node, if the file cannot be written
   */
  add(installation: string, token: string): Promise<void> {
    this.#tokens.set(installation, token)
    this.#pendingWrite ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#pendingWrite = undefined
        try {
          resolve(this.#write())
        } catch (error) {
          reject(error)
        }
      })
    })
    return this.#pendingWrite
  }

  /** Replaces the file atomically, so that it is complete at any time. */
  #write(): void {
    // The name is always the same, so that the next run deletes the temporary file of a killed one.
    const temporaryPath = `${this.#path}.tmp`
    rmSync(temporaryPath, { force: true })
    const descriptor = openSync(temporaryPath, 'wx', 0o600)
    try {
      // The umask applies to the mode in `openSync`, but not to this one.
      fchmodSync(descriptor, 0o600)
      const bytes = Buffer.from(`${JSON.stringify(Object.fromEntries(this.#tokens), null, 2)}\n`)
      for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written)
      fsyncSync(descriptor)
      renameSync(temporaryPath, this.#path)
    } catch (error) {
      rmSync(temporaryPath, { force: true })
      throw error
    } finally {
      closeSync(descriptor)
    }
  }
}

function readExistingTokens(absolutePath: string, path: string): ReadonlyMap<string, string> {
  let text: string
  try {
    text = readFileSync(absolutePath, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw tokensFileUnusable(path, `cannot be read: ${(error as Error).message}`)
  }
  if (text.trim() === '') return new Map()
  const { tokens, problems } = readTokens(text, `new-tokens-file ${quote(path)}`)
  if (problems.length > 0) throw tokensFileUnusable(path, 'contains something other than tokens, which would be lost')
  return tokens
}

const tokensFileUnusable = (path: string, reason: string) =>
  new Failure('invalid_input', `new-tokens-file ${quote(path)} ${reason}`, { hint: 'Give another path' })
