// Why a step fails, and what is wrong with what it was given. The codes are in failure-register.ts.

import type { failures } from './failure-register.ts'
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

/** `items[0].total`; names that are not identifiers are quoted. */
export const formatPath = (path: Path = []): string =>
  path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`
      if (!/^[A-Za-z_$][\w$-]{0,59}$/.test(part)) return `[${quote(part)}]`
      return index === 0 ? part : `.${part}`
    })
    .join('')

/** A code of the register. For an HTTP status the code is the status itself, such as `http_404`. */
export type FailureCode = keyof typeof failures | `http_${number}`

export interface FailureDetails {
  /** One for each annotation; a failure without them is shown by its message. */
  readonly diagnostics?: readonly Diagnostic[]
  /** What to do, if the message does not say it. */
  readonly hint?: string | undefined
  /** Vercel's own code; the output `errorCode` shows it instead of ours. */
  readonly vercelCode?: string | undefined
  readonly cause?: unknown
}

/** The reason for a failed step. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: FailureCode
  readonly diagnostics: readonly Diagnostic[]
  readonly hint: string | undefined
  readonly vercelCode: string | undefined

  constructor(code: FailureCode, message: string, details: FailureDetails = {}) {
    super(message, { cause: details.cause })
    this.code = code
    this.diagnostics = details.diagnostics ?? []
    this.hint = details.hint
    this.vercelCode = details.vercelCode
  }

  /** What the output `errorCode` and journals show: Vercel's own code where it gave one. */
  get errorCode(): string {
    return this.vercelCode ?? this.code
  }

  /** The message with its hint: `Message. Hint`. */
  get text(): string {
    return this.hint ? `${this.message}. ${this.hint}` : this.message
  }

  /** The same failure with another message or hint. */
  with({ message = this.message, hint = this.hint }: { message?: string; hint?: string | undefined }): Failure {
    const { code, diagnostics, vercelCode, cause } = this
    return new Failure(code, message, { diagnostics, hint, vercelCode, cause })
  }
}

/** Any error as a failure: one that is not a `Failure` is a defect of the action. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  const message = `The action itself failed: ${error instanceof Error ? error.message : String(error)}`
  return new Failure('internal_error', message, {
    hint: 'Please report this; with debug logging (ACTIONS_STEP_DEBUG) the log shows where',
    cause: error,
  })
}
