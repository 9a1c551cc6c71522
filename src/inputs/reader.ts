// Reads the text of inputs, and parses it by the table.

import type { Limits } from '../delivery/retry.ts'
import type { Wait } from '../delivery/wait-for.ts'
import { Failure } from '../failure.ts'
import type { Runner } from '../runtime.ts'
import { type InputName, type InputValues, inputNames, rowOf } from './table.ts'

export type InputReader = Pick<Runner, 'getInput'>

/** The text of an input, trimmed; its default if it is not given. */
export function textOf({ getInput }: InputReader, name: InputName): string {
  const { keepsBlanks, default: defaultText = '' } = rowOf(name)
  const text = getInput(name)
  if (text.trim() === '') return defaultText
  return keepsBlanks ? text : text.trim()
}

/**
 * Tells which inputs are given. The runner sets defaults, so an input with its default value cannot be distinguished from
 * one that is not given.
 */
export const isGivenIn = (reader: InputReader) => (name: string) =>
  textOf(reader, name as InputName) !== (rowOf(name as InputName).default ?? '')

/** Parses every input. The values are complete only if there are no problems. */
export function readValues(reader: InputReader): { readonly values: InputValues; readonly problems: string[] } {
  const problems: string[] = []
  const values = inputNames.flatMap((name) => {
    const text = textOf(reader, name)
    if (text === '') return []
    const parsed = rowOf(name).parse(text)
    if ('value' in parsed) return [[name, parsed.value]]
    problems.push(...parsed.problems.map((problem) => `Input \`${name}\` ${problem}`))
    return []
  })
  return { values: Object.fromEntries(values) as InputValues, problems }
}

export const limitsOf = (values: InputValues): Limits => ({
  maxAttempts: values['max-attempts'],
  attemptTimeoutMs: values['attempt-timeout'],
  retryTimeoutMs: values['retry-timeout'],
})

export function waitOf(values: InputValues): Wait | undefined {
  const states = values['wait-for']
  return states && { states, timeoutMs: values['wait-timeout'], intervalMs: values['wait-interval'] }
}

export const invalidInputs = (problems: readonly string[]) =>
  new Failure('invalid_input', problems.join('\n'), { diagnostics: problems.map((message) => ({ message })) })
