// What a summary is made of, and how an operation adds to it.

import type { RotationResult } from '../../credentials/complete-rotation.ts'
import type { Operation } from '../../operations/operation.ts'
import type { HtmlContent } from './html.ts'

/** What a summary is made of. Nothing in it is secret any more; everything in it may be hostile. */
export interface RequestSummary {
  readonly operation: Operation
  /** The output `status`. */
  readonly status: string
  readonly params: Readonly<Record<string, string>>
  /** The request's body, as the payload spells it. */
  readonly body?: unknown
  /** The API's answer, parsed. */
  readonly result?: unknown
  readonly httpStatus?: number
  readonly requestId?: string
  readonly attempts?: number
  /** How long the step took, in milliseconds. */
  readonly ms?: number
  readonly rotation?: RotationResult
  readonly sandbox: boolean
  readonly dryRun: boolean
  readonly warnings: readonly string[]
  readonly failure?: {
    readonly code: string
    readonly message: string
    readonly hint?: string
    readonly problems: readonly string[]
  }
}

/** What an operation's request and answer look like, for people. */
export type SummarySection = (report: RequestSummary) => HtmlContent

/** A section for each operation of a family, so that the compiler asks for that of a new one. */
export type SectionsOf<Definitions> = { readonly [Name in keyof Definitions]: SummarySection }
