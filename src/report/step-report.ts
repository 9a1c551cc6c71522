// What is known of a step at its end. A step that fails early knows less.

import type { BatchReport } from '../batch/journal/tally.ts'
import type { GuardedPlan } from '../batch/plan/start-plan.ts'
import type { TrackingReport } from '../batch/tracking/tracking-report.ts'
import type { RotationResult } from '../credentials/complete-rotation.ts'
import type { Reconciled } from '../delivery/deliver.ts'
import type { Diagnostic, Failure } from '../failure.ts'
import type { HttpResponse } from '../http/transport.ts'
import type { Operation } from '../operations/operation.ts'
import type { RequestOutcome } from '../operations/outcome.ts'
import type { MarketplaceRequest } from '../operations/request.ts'

export interface StepReport {
  /** The operation's name in the SDK, or the name of one of ours. */
  readonly name?: string
  readonly operation?: Operation
  readonly request?: MarketplaceRequest
  /** The digest of the request or the batch, for `expect-digest`. */
  readonly digest?: string
  /** The money that the request, or the plan of a batch, is about: a decimal. */
  readonly amount?: string
  readonly delivery?: Reconciled
  /** The last response to a poll, if the step waited. */
  readonly polled?: HttpResponse
  readonly outcome?: RequestOutcome
  /** Where a new token was stored, and what happened to the previous one. */
  readonly rotation?: RotationResult
  readonly batch?: BatchReport
  readonly tracking?: TrackingReport
  /** The plan of a batch, if nothing of it was sent. */
  readonly plan?: GuardedPlan
  readonly warnings?: readonly Diagnostic[]
  readonly failure?: Failure
  readonly sandbox?: boolean
  readonly dryRun?: boolean
}
