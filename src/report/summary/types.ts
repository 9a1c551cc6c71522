// The data of a request's summary, and the sections that operations add.

import type { RotationResult } from '../../credentials/complete-rotation.ts'
import type { Operation } from '../../operations/operation.ts'
import type { HtmlContent } from './html.ts'

/** The data of a summary. Secrets are already removed; all texts are untrusted. */
export interface RequestSummary {
  readonly operation: Operation
  /** The output `status`. */
  readonly status: string
  readonly params: Readonly<Record<string, string>>
  /** The request's body, as the payload writes it. */
  readonly body?: unknown
  /** The API's response, parsed. */
  readonly result?: unknown
  readonly httpStatus?: number
  readonly requestId?: string
  readonly attempts?: number
  /** How long the step took, in milliseconds. */
  readonly ms?: number
  readonly rotation?: RotationResult
  /** Set if the request was found to be made already: by an attempt of this step, or before it. */
  readonly duplicate?: 'this step' | 'earlier'
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

/** Shows an operation's request and response. */
export type SummarySection = (report: RequestSummary) => HtmlContent

/** A section for each operation of a family. The compiler reports a missing one. */
export type SectionsOf<Definitions> = { readonly [Name in keyof Definitions]: SummarySection }
