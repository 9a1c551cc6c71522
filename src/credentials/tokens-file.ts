// New tokens of many installations, in a file like `tokens-file`.

import { closeSync, fchmodSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { Failure } from '../failure.ts'
import { quote } from '../format.ts'
import { readTokens } from './tokens.ts'

export class TokensFile {
  readonly #path: string
  readonly #tokens: Map<string, string>
  #soon: Promise<void> | undefined

  /**
   * Takes up a file, or begins one. What it has is kept: it may be all that is left of an earlier run.
   *
   * @param path  relative to the workspace, as the step gives it
   * @throws {Failure} where it cannot be read or written, or there is something else than tokens in it
   */
  constructor(workspace: string, path: string) {
    this.#path = resolve(workspace, path)
    this.#tokens = new Map(readExisting(this.#path, path))
    // Whether it can be written shows before anything is rotated.
    try {
      this.#write()
    } catch (error) {
      throw tokensFileUnusable(path, `cannot be written: ${(error as Error).message}`)
    }
  }

  /** Adds a token; resolves once the file has it. Those that come at once are written at once. */
  add(installation: string, token: string): Promise<void> {
    this.#tokens.set(installation, token)
    this.#soon ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#soon = undefined
        try {
          resolve(this.#write())
        } catch (error) {
          reject(error)
        }
      })
    })
    return this.#soon
  }

  /** There is always a whole file: the old one, or the new one in its place. */
  #write(): void {
    // The name is the same each time, so that the next run clears away what a killed one has left of it.
    const next = `${this.#path}.tmp`
    rmSync(next, { force: true })
    const file = openSync(next, 'wx', 0o600)
    try {
      // Whatever the umask is.
      fchmodSync(file, 0o600)
      const bytes = Buffer.from(`${JSON.stringify(Object.fromEntries(this.#tokens), null, 2)}\n`)
      for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written)
      fsyncSync(file)
      renameSync(next, this.#path)
    } catch (error) {
      rmSync(next, { force: true })
      throw error
    } finally {
      closeSync(file)
    }
  }
}

function readExisting(full: string, path: string): ReadonlyMap<string, string> {
  let text: string
  try {
    text = readFileSync(full, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw tokensFileUnusable(path, `cannot be read: ${(error as Error).message}`)
  }
  if (text.trim() === '') return new Map()
  const { tokens, problems } = readTokens(text, `new-tokens-file ${quote(path)}`)
  if (problems.length > 0) throw tokensFileUnusable(path, 'has something else than tokens in it, which would be lost')
  return tokens
}

const tokensFileUnusable = (path: string, reason: string) =>
  new Failure('invalid_input', `new-tokens-file ${quote(path)} ${reason}`, { hint: 'Give another path' })
