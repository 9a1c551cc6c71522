// References: `{"$env": "NAME"}` and `{"$file": "path"}`, which need no JSON quoting and do not appear in the log.

import { quote } from '../format.ts'
import { isObject } from './schema.ts'
import { expressionProblem } from './text-problems.ts'

/** What references are resolved from. */
export interface ReferenceSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** @throws {Error} whose message completes the sentence "… cannot be read: " */
  readonly readFile: (path: string) => string
}

/** Whether a value is meant as a reference. It may still be invalid. */
export const isReference = (value: unknown): value is Record<string, unknown> =>
  isObject(value) && (Object.hasOwn(value, '$env') || Object.hasOwn(value, '$file'))

/** The text that a reference resolves to, or what is wrong with the reference. */
export function resolve(
  reference: Record<string, unknown>,
  { env, readFile }: ReferenceSources,
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
    const text = env[name]
    // Compare the type, not only with `undefined`: an environment has a prototype with names such as `constructor`.
    if (typeof text === 'string') return { text }
    return {
      problem: `refers to the environment variable ${quote(name)}, which is not set; set it with \`env:\` on the step`,
    }
  }
  try {
    // Editors and `echo` end a file with one newline.
    return { text: readFile(name).replace(/\r?\n$/, '') }
  } catch (error) {
    return { problem: `refers to the file ${quote(name)}, which cannot be read: ${(error as Error).message}` }
  }
}
