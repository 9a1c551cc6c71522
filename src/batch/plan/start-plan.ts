// Starts the plan of a batch, and applies its guards.

import type { Diagnostic, Failure } from '../../failure.ts'
import type { Operation } from '../../operations/operation.ts'
import type { BatchFile } from '../records/batch-file.ts'
import type { Shard } from '../records/shard.ts'
import { findEarlierBatch } from './earlier-amounts.ts'
import { type BatchGuards, type BrokenGuard, brokenGuards, brokenGuardsFailure } from './guards.ts'
import { type BatchPlan, PlanBuilder } from './plan.ts'

export interface PlanSubject extends BatchGuards {
  readonly operation: Operation
  /** The base URL of the API; undefined for the sandbox. */
  readonly baseUrl: string | undefined
  /** The input `external-id`. */
  readonly externalId: string
  readonly shard: Shard
  readonly dryRun: boolean
  /** The journals of an earlier batch: paths or globs. */
  readonly compareWith: readonly string[] | undefined
}

export interface GuardedPlan extends BatchPlan {
  readonly broken: readonly BrokenGuard[]
}

/**
 * Starts a plan.
 *
 * @returns what builds it, and warnings about the journals to compare with
 * @throws {Failure} if these journals cannot be used
 */
export function startPlan(
  subject: PlanSubject,
  { workspace, random }: { readonly workspace: string; readonly random: () => number },
): { readonly builder: PlanBuilder; readonly warnings: readonly Diagnostic[] } {
  const { operation, baseUrl, externalId, shard, dryRun, maxAmount, maxTotal, maxChange, compareWith } = subject
  const earlier = compareWith && findEarlierBatch(compareWith, workspace, operation)
  const builder = new PlanBuilder({
    operation,
    baseUrl,
    externalId,
    shard,
    maxAmount,
    maxChange,
    earlier,
    measuresAmounts: dryRun || [maxAmount, maxTotal, compareWith].some((guard) => guard !== undefined),
    isShown: dryRun,
    random,
  })
  return { builder, warnings: earlier?.warnings ?? [] }
}

/**
 * Finishes a plan, and applies the guards.
 *
 * @returns the plan, and why the batch must not be sent, if it must not
 * @throws {Failure} if a journal to compare with cannot be read
 */
export function finishPlan(
  builder: PlanBuilder,
  guards: BatchGuards,
  file: BatchFile,
): { readonly plan: GuardedPlan; readonly failure: Failure | undefined } {
  const plan = builder.finish(file)
  const broken = brokenGuards(plan, guards)
  return { plan: { ...plan, broken }, failure: brokenGuardsFailure(broken, file.path) }
}
