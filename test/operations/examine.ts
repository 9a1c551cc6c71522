// What an operation says of a body: its schema, then, where that has no errors, its rules.

import { type OperationName, operationNamed } from '../../src/operations/catalogue.ts'
import { check } from '../../src/payload/check.ts'
import { newCheck, type Surroundings, spoken } from '../payload/checking.ts'

export async function examine(name: OperationName, body: unknown, surroundings: Surroundings = {}) {
  const { body: schema, rules } = operationNamed(name)
  if (!schema) throw new Error(`${name} has no body`)
  const context = newCheck(surroundings)
  const value = check(schema, body, [], context)
  if (context.errors.length === 0) {
    rules?.(value as never, {
      error: (path, message) => context.errors.push({ path, message }),
      warn: (path, message) => context.warnings.push({ path, message }),
      now: context.now,
    })
  }
  const { errors, warnings, secrets } = context
  return { value, errors: errors.map(spoken), warnings: warnings.map(spoken), secrets }
}
