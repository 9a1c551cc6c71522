// The access tokens of many installations: a JSON object, installation id → token.

import type { CutProblem } from '../cut-variables.ts'
import { type Diagnostic, Failure, formatPath, type Position } from '../failure.ts'
import { quote } from '../format.ts'
import { ageStartBytes, type Identities, isAgeFile } from '../payload/age-format.ts'
import { notEncrypted } from '../payload/age-key.ts'
import { readMaybeEncrypted } from '../payload/file.ts'
import { kindOf } from '../payload/kinds.ts'
import { parseJson } from '../payload/parse.ts'
import { isObject } from '../payload/schema.ts'
import { segmentProblem } from '../payload/text-problems.ts'
import { tokenProblem } from './access-token.ts'

export type Tokens = ReadonlyMap<string, string>

/** Enough for a million tokens. */
const maxTokensBytes = 256 * 1024 * 1024

/** The problems of a list start with its name: the input, or the file. */
const inputName = 'Input `tokens`'

const maxTokens = 4_000_000

/** Where the tokens of a step are: in one of the two inputs. */
export interface TokenInputs {
  /** A JSON object, installation id → token. */
  readonly tokens: string | undefined
  /** Path of a file with the same, relative to the workspace, which may be encrypted with age. */
  readonly tokensFile: string | undefined
  /** Opens an encrypted file. */
  readonly tokensKey: Identities | undefined
}

/**
 * Loads the tokens of a batch.
 *
 * @param cutProblem  set on systems that can pass on a variable in part
 * @returns the tokens, and a warning if there is a key and the file is not encrypted
 * @throws {Failure} with every problem of the list
 */
export async function loadTokens(
  inputs: TokenInputs,
  workspace: string,
  cutProblem?: CutProblem,
): Promise<{ readonly tokens: Tokens; readonly warnings: readonly Diagnostic[] }> {
  const { tokens, tokensFile, tokensKey } = inputs
  if (tokens !== undefined) return { tokens: tokensOfInput(tokens, cutProblem), warnings: [] }
  if (tokensFile === undefined) return { tokens: new Map(), warnings: [] }
  const source = `tokens-file ${quote(tokensFile)}`
  const { text, isEncrypted } = await readTokensFile(tokensFile, source, tokensKey, workspace)
  const warnings = tokensKey && !isEncrypted ? [{ message: notEncrypted(source) }] : []
  return { tokens: validTokens(text, source), warnings }
}

/** @throws {Failure} with every problem of the list */
function tokensOfInput(text: string, cutProblem: CutProblem | undefined): Tokens {
  const { tokens, problems } = readTokens(text, inputName)
  if (problems.length === 0) return tokens
  // No part of a JSON object is one, so only a list with problems is in doubt.
  const problem = cutProblem?.('INPUT_TOKENS', text)
  if (problem) throw new Failure('invalid_input', `${inputName} ${problem}`)
  return validTokens(text, inputName)
}

async function readTokensFile(path: string, source: string, key: Identities | undefined, workspace: string) {
  try {
    return await readMaybeEncrypted(workspace, path, key, maxTokensBytes, maxTokensBytes)
  } catch (error) {
    throw new Failure('invalid_input', `${source} cannot be read: ${(error as Error).message}`)
  }
}

/** @throws {Failure} with every problem of the list */
function validTokens(text: string, source: string): Tokens {
  const { tokens, problems } = readTokens(text, source)
  if (problems.length === 0) return tokens
  throw new Failure('invalid_input', `${source} contains errors`, { diagnostics: problems })
}

/**
 * Reads a list of tokens.
 *
 * @param source  how problems name the list, such as "Input `tokens`"
 * @returns the valid tokens, and the problems, which never contain a token
 */
export function readTokens(text: string, source: string): { readonly tokens: Tokens; readonly problems: Diagnostic[] } {
  const tokens = new Map<string, string>()
  if (isAgeFile(Buffer.from(text.slice(0, ageStartBytes)))) {
    const message = `${source} is encrypted with age: store it in a file, and give its path as \`tokens-file\``
    return { tokens, problems: [{ message }] }
  }
  const { value, errors } = parseJson(text, maxTokens)
  if (errors.length > 0) {
    const problems = errors.map((error) => ({ message: `${source} ${syntaxProblem(text, error)}` }))
    return { tokens, problems }
  }
  if (!isObject(value)) {
    return {
      tokens,
      problems: [{ message: `${source} must be a JSON object, installation id → token, not ${kindOf(value)}` }],
    }
  }
  const problems: Diagnostic[] = []
  for (const [installation, token] of Object.entries(value)) {
    const problem =
      installationProblem(installation) ??
      (typeof token === 'string' ? tokenProblem(token) : `must be text, not ${kindOf(token)}`)
    if (problem) problems.push({ message: `${source}: ${formatPath([installation])} ${problem}` })
    else tokens.set(installation, token as string)
  }
  return { tokens, problems }
}

function installationProblem(installation: string): string | undefined {
  const problem = segmentProblem(installation)
  return problem === undefined ? undefined : `has an id that ${problem}`
}

/** What is wrong with JSON, and where. It does not quote the text, which is full of secrets. */
function syntaxProblem(text: string, { path = [], message, position }: Diagnostic): string {
  const place = position ? ` at line ${position.line}, column ${position.column}` : ''
  // A duplicate key is the only problem that belongs to a field.
  if (path.length > 0) return `contains ${formatPath(path)} twice, the second time${place}: remove one of them`
  const culprit = position && followsComma(text, position) ? 'remove the trailing comma' : syntaxDetail(message)
  return `is not valid JSON${place}${culprit && `: ${culprit}`}. Expected {"icfg_1": "token"}`
}

/** The parser's own words, which name JSON's punctuation only: `is not valid JSON: expected a value` → `expected a value`. */
const syntaxDetail = (message: string): string => message.replace(/^is not valid JSON: /, '')

/** Whether a position is that of a closing bracket after a comma. */
function followsComma(text: string, { line, column }: Position): boolean {
  const content = text.replace(/^\ufeff/, '')
  const lineStart = content.split('\n', line - 1).reduce((length, before) => length + before.length + 1, 0)
  const offset = lineStart + column - 1
  return /^[}\]]/.test(content.slice(offset)) && content.slice(0, offset).trimEnd().endsWith(',')
}
