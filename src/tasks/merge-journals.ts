// Merges the journals of a batch's shards into one report.

import type { MergeInputs } from '../inputs/read.ts'
import { loadOperationByName } from '../operations/load.ts'
import type { StepReport } from '../report/step-report.ts'
import type { StepContext } from './context.ts'

/** @throws {Failure} if a journal is missing, or if the journals do not fit together */
export async function runMergeTask(
  { journals }: MergeInputs,
  { workspace }: Pick<StepContext, 'workspace'>,
): Promise<StepReport> {
  const { mergeJournals } = await import('../batch/journal/merge.ts')
  const { amountOfBatch } = await import('../batch/journal/tally.ts')
  const { report, api, failure } = mergeJournals(journals, workspace)
  const amount = amountOfBatch(report, await loadOperationByName(report.operation))
  return {
    batch: report,
    sandbox: api === 'sandbox',
    ...(amount !== undefined && { amount }),
    ...(failure ? { failure } : { outcome: { status: 'succeeded' } }),
  }
}
