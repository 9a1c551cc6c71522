// What a family's file says of its operations.

import type { Path } from '../failure.ts'
import type { Infer, Schema } from '../payload/schema.ts'

/** Reports what a schema cannot say: what one field means for another. Paths are those of the body. */
export interface RuleReporter {
  readonly error: (path: Path, message: string) => void
  readonly warn: (path: Path, message: string) => void
  readonly now: Date
}

export interface Description {
  /** The body's fields; without it the operation sends none. */
  readonly body?: Schema
  /** Looks at a body that its schema has let through. */
  readonly rules?: (body: never, findings: RuleReporter) => void
}

/** Ties each rule to the type of its body. */
export const operation = <S extends Schema>(description: {
  readonly body: S
  readonly rules?: (body: Infer<S>, findings: RuleReporter) => void
}) => description
