// Texts of any characters, for properties. fast-check's unit `binary` makes a table of all characters, which takes each
// worker two seconds.

import fc from 'fast-check'

/** The characters of a range of code points. */
const charsBetween = (min: number, max: number) =>
  fc.integer({ min, max }).map((code) => String.fromCodePoint(code), codeOf)

/** @throws {Error} if it is not a single character */
function codeOf(char: unknown): number {
  const [only, ...more] = typeof char === 'string' ? char : ''
  if (only === undefined || more.length > 0) throw new Error('not a character')
  return only.codePointAt(0) ?? 0
}

/** A character, but no half of a surrogate pair. */
const anyChar = fc.oneof(
  { weight: 4, arbitrary: charsBetween(0, 0x7f) },
  { weight: 2, arbitrary: charsBetween(0x80, 0x7ff) },
  { weight: 1, arbitrary: charsBetween(0x2000, 0x206f) },
  { weight: 2, arbitrary: charsBetween(0x800, 0xd7ff) },
  { weight: 1, arbitrary: charsBetween(0xe000, 0xffff) },
  { weight: 2, arbitrary: charsBetween(0x1_0000, 0x10_ffff) },
)

/** A text of any characters. */
export const unicodeText = (length: fc.StringSharedConstraints = {}): fc.Arbitrary<string> =>
  fc.string({ ...length, unit: anyChar })
