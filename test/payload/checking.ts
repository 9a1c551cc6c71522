// A check, and what comes out of it as a user reads it.

import { type Diagnostic, formatPath } from '../../src/failure.ts'
import { type Check, check } from '../../src/payload/check.ts'
import type { Schema } from '../../src/payload/schema.ts'

export interface Surroundings {
  readonly env?: Record<string, string>
  readonly files?: Record<string, string>
  readonly now?: Date
}

export const noon = new Date('2025-03-15T12:00:00Z')

export const newCheck = ({ env = {}, files = {}, now = noon }: Surroundings = {}): Check => ({
  env,
  readFile: (path) => {
    const text = files[path]
    if (text === undefined) throw new Error('there is no such file')
    return text
  },
  now,
  errors: [],
  warnings: [],
  secrets: [],
})

/** `items[0].total is missing` */
export const spoken = ({ path, message }: Diagnostic) => `${formatPath(path)} ${message}`.trim()

/** Holds a field's value against its schema. */
export function checked(schema: Schema, value: unknown, surroundings: Surroundings = {}) {
  const context = newCheck(surroundings)
  const result = check(schema, value, ['field'], context)
  const { errors, warnings, secrets } = context
  return { value: result, errors: errors.map(spoken), warnings: warnings.map(spoken), secrets }
}
