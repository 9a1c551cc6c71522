// Reads the file of the input `new-tokens-file`.

import { type BigIntStats, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { Failure } from '../failure.ts'
import { fileFix } from '../file-fix.ts'
import { quotePath } from '../format.ts'
import { type Identities, isAgeFile } from '../payload/age-format.ts'
import { readTokens, type Tokens } from './tokens.ts'

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
  return `new-tokens-file ${quotePath(path)} is not encrypted, although \`tokens-key\` is set: the batch keeps its tokens, and encrypts the file. Delete other copies of it`
}

export interface FileContent {
  readonly tokens: Tokens
  readonly version: string | undefined
}

/** Identifies a file and its content. */
export const versionOf = ({ dev, ino, size, mtimeNs }: BigIntStats): string => [dev, ino, size, mtimeNs].join()

/** @returns undefined if the file does not exist */
export function currentVersion(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats && versionOf(stats)
}

/** @throws {Failure} if the file cannot be read, or contains anything but tokens */
export async function readContent(
  absolutePath: string,
  path: string,
  key: Identities | undefined,
): Promise<FileContent> {
  const { file, version } = readVersion(absolutePath, path)
  let text = file.toString('utf8')
  if (isAgeFile(file)) {
    try {
      const { openAgeFile } = await import('../payload/age.ts')
      text = (await openAgeFile(file, key)).toString('utf8')
    } catch (error) {
      throw fileUnusable(path, `cannot be read: ${(error as Error).message}`, 'Or give another path')
    }
  }
  if (text.trim() === '') return { tokens: new Map(), version }
  const { tokens, problems } = readTokens(text, `new-tokens-file ${quotePath(path)}`)
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

export const fileUnusable = (path: string, reason: string, hint: string) =>
  new Failure('invalid_input', `new-tokens-file ${quotePath(path)} ${reason}`, { hint })
