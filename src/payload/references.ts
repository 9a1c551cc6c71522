// References: `{"$env": "NAME"}` and `{"$file": "path"}`, which need no JSON quoting and do not appear in the log.

import type { CutProblem } from '../cut-variables.ts'
import { quote, quotePath } from '../format.ts'
import { isObject } from './schema.ts'
import { expressionProblem } from './text-problems.ts'

/** What references are resolved from. */
export interface ReferenceSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Set on systems that can pass on a variable in part. */
  readonly cutProblem?: CutProblem | undefined
  /** @throws {Error} whose message completes the sentence "… cannot be read: " */
  readonly readFile: (path: string) => string
}

/**
 * Variables with which the runner passes inputs and credentials to actions, in any case, because Windows ignores it.
 * See https://docs.github.com/actions/reference/workflows-and-actions/variables
 */
const runnerVariable = /^(INPUT_|ACTIONS_|GITHUB_TOKEN$|RUNNER_.*TOKEN)/i

/** Whether a value is meant as a reference. It may still be invalid. */
export const isReference = (value: unknown): value is Record<string, unknown> =>
  isObject(value) && (Object.hasOwn(value, '$env') || Object.hasOwn(value, '$file'))

/** The text that a reference resolves to, or what is wrong with the reference. */
export function resolve(
  reference: Record<string, unknown>,
  { env, cutProblem, readFile }: ReferenceSources,
): { text: string } | { problem: string } {
  const kind = Object.hasOwn(reference, '$env') ? '$env' : '$file'
  const name = reference[kind]
  if (Object.keys(reference).length > 1)
    return { problem: `is a reference and must have no field besides ${quote(kind)}` }
  if (typeof name !== 'string' || name === '') {
    return { problem: `is a reference: ${kind} must be ${kind === '$env' ? 'the name of a variable' : 'a path'}` }
  }
  const expression = expressionProblem(name)
  if (expression) return { problem: expression }
  if (kind === '$env') {
    const variable = `refers to the environment variable ${quote(name)}, which `
    if (runnerVariable.test(name)) {
      return { problem: `${variable}belongs to the runner; set a variable with another name with \`env:\` on the step` }
    }
    const text = env[name]
    // Compare the type, not only with `undefined`: an environment has a prototype with names such as `constructor`.
    if (typeof text !== 'string') return { problem: `${variable}is not set; set it with \`env:\` on the step` }
    const cut = cutProblem?.(name, text)
    return cut ? { problem: variable + cut } : { text }
  }
  try {
    // Editors and `echo` end a file with one newline.
    return { text: readFile(name).replace(/\r?\n$/, '') }
  } catch (error) {
    return { problem: `refers to the file ${quotePath(name)}, which cannot be read: ${(error as Error).message}` }
  }
}
