// The access tokens of many installations: a JSON object, installation id → token.

import { type Diagnostic, Failure, formatPath } from '../failure.ts'
import { quote } from '../format.ts'
import { readTextFile } from '../payload/file.ts'
import { kindOf } from '../payload/kinds.ts'
import { parseJson } from '../payload/parse.ts'
import { isObject } from '../payload/schema.ts'
import { segmentProblem } from '../payload/text-problems.ts'
import { tokenProblem } from './access-token.ts'

export type Tokens = ReadonlyMap<string, string>

/** How long a list of tokens may be: enough for a million. */
const maxTokensBytes = 256 * 1024 * 1024

const maxTokens = 4_000_000

/**
 * Loads the tokens of a batch.
 *
 * @throws {Failure} with everything that is wrong with the list
 */
export function loadTokens(
  { tokens, tokensFile }: { readonly tokens: string | undefined; readonly tokensFile: string | undefined },
  workspace: string,
): Tokens {
  if (tokens === undefined && tokensFile === undefined) return new Map()
  const source = tokens === undefined ? `tokens-file ${quote(tokensFile ?? '')}` : 'input `tokens`'
  let text = tokens ?? ''
  if (tokensFile !== undefined) {
    try {
      text = readTextFile(workspace, tokensFile, maxTokensBytes)
    } catch (error) {
      throw new Failure('invalid_input', `${source} cannot be read: ${(error as Error).message}`)
    }
  }
  const { tokens: list, problems } = readTokens(text, source)
  if (problems.length > 0) {
    throw new Failure('invalid_input', `${source} contains errors`, { diagnostics: problems })
  }
  return list
}

/**
 * Reads a list of tokens.
 *
 * @param source  how problems name it, such as "input `tokens`"
 * @returns the tokens, and what is wrong, without the value of any
 */
export function readTokens(text: string, source: string): { readonly tokens: Tokens; readonly problems: Diagnostic[] } {
  const tokens = new Map<string, string>()
  const { value, errors } = parseJson(text, maxTokens)
  if (errors.length > 0) {
    // The text itself is not quoted: it is full of secrets.
    const problems = errors.map(({ path = [], position }) => ({
      message: `${source} is not a JSON object of installation ids and tokens, each id once${placeOf(path, position)}`,
    }))
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
      prefixed('has an id that', segmentProblem(installation)) ??
      (typeof token === 'string' ? tokenProblem(token) : `must be text, not ${kindOf(token)}`)
    if (problem) problems.push({ message: `${source}: ${formatPath([installation])} ${problem}` })
    else tokens.set(installation, token as string)
  }
  return { tokens, problems }
}

const prefixed = (prefix: string, problem: string | undefined) => (problem ? `${prefix} ${problem}` : undefined)

function placeOf(path: readonly (string | number)[], position: { line: number; column: number } | undefined): string {
  const where = path.length > 0 ? `${formatPath(path)}, ` : ''
  return position ? ` (${where}line ${position.line}, column ${position.column})` : ''
}
