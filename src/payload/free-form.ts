// Free-form data: JSON that is sent as it is written, in which only what cannot be sent is an error.

import type { Diagnostic, Path } from '../failure.ts'
import { kindOf } from './kinds.ts'
import { isReference } from './references.ts'
import { isObject } from './schema.ts'
import { nameExpressionProblem, payloadExpressionProblem, unicodeProblem } from './text-problems.ts'

interface Problems {
  readonly errors: Diagnostic[]
  readonly warnings: Diagnostic[]
}

/** Reports the GitHub expressions in a value that is refused for another reason, in its texts and field names. */
export function reportExpressions(value: unknown, path: Path, errors: Diagnostic[]): void {
  if (typeof value === 'string') {
    const message = payloadExpressionProblem(value)
    if (message) errors.push({ path, message })
  }
  if (typeof value !== 'object' || value === null) return
  for (const [name, entry] of Object.entries(value)) {
    const inside = [...path, Array.isArray(value) ? Number(name) : name]
    const message = nameExpressionProblem(name)
    if (message) errors.push({ path: inside, message, at: 'key' })
    reportExpressions(entry, inside, errors)
  }
}

/** Reports everything in a value that cannot be sent: GitHub expressions, and what JSON cannot represent. Also warns of references, which are not resolved here. */
export function checkJson(value: unknown, path: Path, problems: Problems): void {
  checkInside(value, [...path], problems)
}

/** @param path  of the value; it is changed while the values inside are checked, because a copy for each takes memory */
function checkInside(value: unknown, path: (string | number)[], problems: Problems): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    problems.errors.push({ path: [...path], message: 'must be a finite number' })
  }
  const problem = typeof value === 'string' ? (payloadExpressionProblem(value) ?? unicodeProblem(value)) : undefined
  if (problem) problems.errors.push({ path: [...path], message: problem })
  if (typeof value !== 'object' || value === null) return
  if (isReference(value)) {
    const message = 'looks like a reference, but free-form data is sent as written'
    problems.warnings.push({ path: [...path], message })
  }
  for (const [name, entry] of Object.entries(value)) {
    path.push(Array.isArray(value) ? Number(name) : name)
    const message = name === '__proto__' ? 'is a name that cannot be sent' : nameExpressionProblem(name)
    if (message) problems.errors.push({ path: [...path], message, at: 'key' })
    if (name !== '__proto__') checkInside(entry, path, problems)
    path.pop()
  }
}

/**
 * Checks the fields of an open object beyond the known ones. They may stand beside the known ones or, as in the SDK's
 * types, within `additionalProperties`.
 *
 * @returns all of them together
 */
export function checkAdditionalFields(
  { additionalProperties = {}, ...beside }: Record<string, unknown>,
  known: readonly string[],
  path: Path,
  problems: Problems,
): Record<string, unknown> {
  checkJson(beside, path, problems)
  const inside = [...path, 'additionalProperties']
  if (!isObject(additionalProperties)) {
    problems.errors.push({ path: inside, message: `must be an object, not ${kindOf(additionalProperties)}` })
    return beside
  }
  for (const name of Object.keys(additionalProperties)) {
    if (Object.hasOwn(beside, name) || known.includes(name)) {
      const message = 'is also a field beside `additionalProperties`; remove one of the two'
      problems.errors.push({ path: [...inside, name], message, at: 'key' })
    }
  }
  checkJson(additionalProperties, inside, problems)
  return { ...additionalProperties, ...beside }
}
