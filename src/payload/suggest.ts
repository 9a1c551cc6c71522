// Suggestions for mistyped names.

import leven from 'leven'
import type { Diagnostic, Path } from '../failure.ts'
import type { ObjectSchema } from './schema.ts'
import { nameExpressionProblem } from './text-problems.ts'

/** Suggestions stop after this many errors: comparing names is slow, and only the first few errors are shown. */
const maxSuggestions = 100

/** Reports an unknown field, with the known one that was probably meant. */
export function reportUnknown(
  name: string,
  fields: ObjectSchema['fields'],
  path: Path,
  { errors }: { readonly errors: Diagnostic[] },
): void {
  const expression = nameExpressionProblem(name)
  if (expression) {
    errors.push({ path: [...path, name], message: expression, at: 'key' })
    return
  }
  const known = Object.keys(fields)
  const near = errors.length < maxSuggestions ? suggestion(name, known) : ''
  const hint = near || (known.length > 0 ? `; known here: ${known.join(', ')}` : '')
  errors.push({ path: [...path, name], message: `is not a known field${hint}`, at: 'key' })
}

/** ``; did you mean `x`?`` if a known name is similar, else an empty text. */
export function suggestion(name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  return near === undefined ? '' : `; did you mean \`${near}\`?`
}

/**
 * The known name that is most similar to another one. Case, dashes, underscores and spaces do not count, and about 40 %
 * of the characters may differ.
 *
 * @returns undefined if no name is similar enough
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const wanted = withoutSpelling(name.slice(0, 200))
  const [best] = known
    .map((candidate) => ({ candidate, distance: leven(wanted, withoutSpelling(candidate)) }))
    .sort((a, b) => a.distance - b.distance)
  return best && best.distance <= Math.max(1, Math.floor(Math.max(wanted.length, 3) / 2.5)) ? best.candidate : undefined
}

/** Whether two different names differ only in case, dashes, underscores and spaces, such as `Request_Body` and `requestBody`. */
export const isMisspelling = (name: string, known: string): boolean =>
  name !== known && withoutSpelling(name) === withoutSpelling(known)

const withoutSpelling = (name: string) => name.replace(/[-_\s]/g, '').toLowerCase()
