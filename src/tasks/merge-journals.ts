// Merges the journals of a batch's shards into one report.

import { type Failure, toFailure } from '../failure.ts'
import type { MergeInputs } from '../inputs/read-own.ts'
import { loadOperationByName } from '../operations/load.ts'
import type { StepReport } from '../report/step-report.ts'
import type { StepContext } from './context.ts'

/**
 * Merges journals. A report that cannot be written is a failure of the step, but the counts are reported all the same.
 *
 * @throws {Failure} if a journal is missing, if the journals do not fit together, or if the report would replace one
 */
export async function runMergeTask(
  { journals, reportFile }: MergeInputs,
  { workspace, secrets }: Pick<StepContext, 'workspace' | 'secrets'>,
): Promise<StepReport> {
  const { mergeJournals } = await import('../batch/journal/merge.ts')
  const { amountOfBatch } = await import('../batch/journal/tally.ts')
  if (reportFile !== undefined) {
    const { requireOwnFile } = await import('../batch/report/own-file.ts')
    requireOwnFile(reportFile, { workspace, files: {}, journals: { 'journal-file': journals } })
  }
  const { api, ...merged } = mergeJournals(journals, workspace)
  const operation = await loadOperationByName(merged.report.operation)
  const amount = amountOfBatch(merged.report, operation)
  const written = await writeReport()
  const failure = merged.failure ?? written.failure
  const report = { ...merged.report, ...(written.path !== undefined && { reportFile: written.path }) }
  return {
    batch: report,
    sandbox: api === 'sandbox',
    ...(amount !== undefined && { amount }),
    ...(failure ? { failure } : { outcome: { status: 'succeeded' } }),
  }

  async function writeReport(): Promise<{ readonly path?: string; readonly failure?: Failure }> {
    if (!operation || reportFile === undefined) return {}
    const { writeMergeReport } = await import('../batch/report/merge-report.ts')
    const scrub = (text: string) => secrets.scrub(text)
    try {
      return { path: writeMergeReport({ patterns: journals, path: reportFile, workspace, operation, scrub }) }
    } catch (error) {
      return { failure: toFailure(error) }
    }
  }
}
