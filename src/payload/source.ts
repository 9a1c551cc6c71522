// A payload's text as a value whose every part can be found again in the text.

import type { Diagnostic, Path, Position } from '../failure.ts'

export interface Source {
  /** The value as it stands in the text; undefined where there are errors. */
  readonly value: unknown
  readonly errors: readonly Diagnostic[]
  readonly warnings: readonly Diagnostic[]
  /** Where a path's value or key stands; undefined where the text has no such path. */
  readonly locate: (path: Path, at: 'key' | 'value') => Position | undefined
}

/** The largest payload, in bytes, inline or in a file. */
export const maxBytes = 10 * 1024 * 1024
