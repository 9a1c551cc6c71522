// Why a step fails, and what is wrong with what it was given.

import { quote } from './format.ts'

/** A place in a payload: field names and list indices from the top. */
export type Path = readonly (string | number)[]

/** 1-based, as editors and annotations count. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** One problem, ready to be shown: what is wrong, where, and how to fix it. */
export interface Diagnostic {
  /** A sentence that says what is wrong and what to do. It never contains the value of a secret. */
  readonly message: string
  /** Where in the payload; missing or empty for a problem of the whole. */
  readonly path?: Path
  /** `key` if the field's name is the problem, not its value. */
  readonly at?: 'key'
  /** Set if the position is known without looking up the path. */
  readonly position?: Position
  /** Relative to the workspace. */
  readonly file?: string
}

/** `items[0].total`; names that are no identifiers are quoted. */
export const formatPath = (path: Path = []): string =>
  path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`
      if (!/^[A-Za-z_$][\w$-]{0,59}$/.test(part)) return `[${quote(part)}]`
      return index === 0 ? part : `.${part}`
    })
    .join('')

/** The reason for a failed step. */
export class Failure extends Error {
  override readonly name = 'Failure'
  /** Vercel's own code, or one of ours such as `invalid_payload`. */
  readonly code: string
  /** One for each annotation; a failure without them is shown by its message. */
  readonly findings: readonly Diagnostic[]
  /** What to do, where the message does not say it. */
  readonly hint: string | undefined

  constructor(
    code: string,
    message: string,
    {
      findings = [],
      hint,
      cause,
    }: { findings?: readonly Diagnostic[]; hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause })
    this.code = code
    this.findings = findings
    this.hint = hint
  }
}
