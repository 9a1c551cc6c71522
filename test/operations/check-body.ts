// Checks a body against an operation's schema and then, if it has no errors, with the operation's rules.

import { type OperationName, operationNamed } from '../../src/operations/catalogue.ts'
import { check } from '../../src/payload/check.ts'
import { type CheckSources, newCheck, sentenceOf } from '../payload/checking.ts'

export async function checkBody(name: OperationName, body: unknown, sources: CheckSources = {}) {
  const { body: schema, rules } = operationNamed(name)
  if (!schema) throw new Error(`${name} has no body`)
  const context = newCheck(sources)
  const value = check(schema, body, [], context)
  if (context.errors.length === 0) {
    rules?.(value as never, {
      error: (path, message) => context.errors.push({ path, message }),
      warn: (path, message) => context.warnings.push({ path, message }),
      now: context.now,
    })
  }
  const { errors, warnings, secrets } = context
  return { value, errors: errors.map(sentenceOf), warnings: warnings.map(sentenceOf), secrets }
}
