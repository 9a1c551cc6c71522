// Runs checks, and gives their problems as a user sees them.

import { expect } from 'vitest'
import type { CutProblem } from '../../src/cut-variables.ts'
import { type Diagnostic, formatPath } from '../../src/failure.ts'
import { type Check, check } from '../../src/payload/check.ts'
import type { Schema } from '../../src/payload/schema.ts'

/** What a check reads from. */
export interface CheckSources {
  readonly env?: Record<string, string>
  readonly files?: Record<string, string>
  readonly cutProblem?: CutProblem
  readonly now?: Date
}

/** The current time of every check, unless a test sets its own. */
export const fixedNow = new Date('2025-03-15T12:00:00Z')

export const newCheck = ({ env = {}, files = {}, cutProblem, now = fixedNow }: CheckSources = {}): Check => ({
  env,
  cutProblem,
  readFile: (path) => {
    const text = files[path]
    if (text === undefined) throw new Error('the file does not exist')
    return text
  },
  now,
  errors: [],
  warnings: [],
  secrets: [],
})

/** `items[0].total is missing` */
export const sentenceOf = ({ path, message }: Diagnostic) => `${formatPath(path)} ${message}`.trim()

/** Checks the value of a field named `field`. */
export function checked(schema: Schema, value: unknown, sources: CheckSources = {}) {
  const context = newCheck(sources)
  const result = check(schema, value, ['field'], context)
  const { errors, warnings, secrets } = context
  return { value: result, errors: errors.map(sentenceOf), warnings: warnings.map(sentenceOf), secrets }
}

/** The one problem of a value, without the field's name. */
export function refusal(schema: Schema, value: unknown): string {
  const { errors } = checked(schema, value)
  expect(errors).toHaveLength(1)
  return (errors[0] as string).replace(/^field /, '')
}
