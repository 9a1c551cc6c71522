// The value of a payload, with the position of each of its parts in the text.

import type { Diagnostic, Path, Position } from '../failure.ts'

/** A parsed text. */
export interface Source {
  /** The parsed value; undefined if there are errors. */
  readonly value: unknown
  readonly errors: readonly Diagnostic[]
  readonly warnings: readonly Diagnostic[]
  /** The position of a path's value or key; undefined if the text does not contain the path. */
  readonly locate: (path: Path, at: 'key' | 'value') => Position | undefined
}

/** The largest payload, in bytes, inline or in a file. */
export const maxPayloadBytes = 10 * 1024 * 1024
