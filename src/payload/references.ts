// `{"$env": "NAME"}` and `{"$file": "path"}`: values that stay out of JSON quoting and out of the log.

import { quote } from '../format.ts'
import { isObject } from './schema.ts'

/** What a payload may refer to. */
export interface ReferenceSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** @throws {Error} with a sentence that says why the file cannot be read */
  readonly readFile: (path: string) => string
}

/** Whether a value is meant to be a reference; it may still be a wrong one. */
export const isReference = (value: unknown): value is Record<string, unknown> =>
  isObject(value) && (Object.hasOwn(value, '$env') || Object.hasOwn(value, '$file'))

/** The text that a reference stands for, or what is wrong with it. */
export function resolve(
  reference: Record<string, unknown>,
  { env, readFile }: ReferenceSources,
): { text: string } | { problem: string } {
  const kind = Object.hasOwn(reference, '$env') ? '$env' : '$file'
  const name = reference[kind]
  if (Object.keys(reference).length > 1)
    return { problem: `is a reference, which has no other field than ${quote(kind)}` }
  if (typeof name !== 'string' || name === '') {
    return { problem: `is a reference: ${kind} must be ${kind === '$env' ? 'the name of a variable' : 'a path'}` }
  }
  if (kind === '$env') {
    const text = env[name]
    // Not `undefined` alone: an environment has a prototype, and `constructor` is no variable.
    if (typeof text === 'string') return { text }
    return {
      problem: `refers to the environment variable ${quote(name)}, which is not set; set it with \`env:\` on the step`,
    }
  }
  try {
    // One newline, as editors and `echo` put it at the end of a file.
    return { text: readFile(name).replace(/\r?\n$/, '') }
  } catch (error) {
    return { problem: `refers to the file ${quote(name)}, which cannot be read: ${(error as Error).message}` }
  }
}
