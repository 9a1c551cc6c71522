import type { Path, Position } from './payload/problem.ts'

/** Something that is wrong, ready to be shown: where it stands and what to do about it. */
export interface Finding {
  readonly message: string
  /** Relative to the workspace. */
  readonly file?: string
  readonly path?: Path
  readonly position?: Position
}

/** The reason for a failed step. */
export class Failure extends Error {
  override readonly name = 'Failure'
  /** Vercel's own code, or one of ours such as `invalid_payload`. */
  readonly code: string
  /** One for each annotation; a failure without them is shown by its message. */
  readonly findings: readonly Finding[]
  /** What to do, where the message does not say it. */
  readonly hint: string | undefined

  constructor(
    code: string,
    message: string,
    { findings = [], hint, cause }: { findings?: readonly Finding[]; hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause })
    this.code = code
    this.findings = findings
    this.hint = hint
  }
}
