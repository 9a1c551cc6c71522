// Merges the journals of a batch's shards into one report.

import type { MergeInputs } from '../inputs/read-own.ts'
import type { StepReport } from '../report/step-report.ts'
import type { StepContext } from './context.ts'

/** @throws {Failure} if a journal is missing, or if the journals do not fit together */
export async function runMergeTask(
  { journals }: MergeInputs,
  { workspace }: Pick<StepContext, 'workspace'>,
): Promise<StepReport> {
  const { mergeJournals } = await import('../batch/journal/merge.ts')
  const { report, failure } = mergeJournals(journals, workspace)
  return { batch: report, ...(failure ? { failure } : { outcome: { status: 'succeeded' } }) }
}
