// The overview of tracking: read the journals, ask for their invoices, and say what is known.

import { loadTokens } from '../../credentials/tokens.ts'
import { type Diagnostic, type Failure, toFailure } from '../../failure.ts'
import { countOf } from '../../format.ts'
import { limitOldGeneration } from '../sending/heap.ts'
import { Tracking, type TrackingContext, type TrackingInputs } from './ask-invoices.ts'
import { InvoiceTable } from './invoice-table.ts'
import { type JournalsRead, readJournals } from './read-journals.ts'
import type { TrackedInvoice } from './tracked-invoice.ts'
import { describeTally, type TrackingReport, trackingReport } from './tracking-report.ts'

export interface TrackingResult {
  /** Missing if nothing could be asked. */
  readonly report?: TrackingReport
  readonly warnings: readonly Diagnostic[]
  readonly failure?: Failure
}

/** Tracks the invoices of journals. It does not throw: the result has the failure. */
export async function trackInvoices(inputs: TrackingInputs, context: TrackingContext): Promise<TrackingResult> {
  const { env, cutProblem, workspace, signal, log, warn } = context
  limitOldGeneration()
  let table: InvoiceTable | undefined
  const warnings: Diagnostic[] = []
  try {
    const { tokens, warnings: tokenWarnings } = await loadTokens(inputs, workspace, cutProblem)
    warnings.push(...tokenWarnings)
    table = new InvoiceTable(env.RUNNER_TEMP || undefined)
    const read = await readJournals({
      patterns: inputs.journals,
      workspace,
      operation: context.submission.sdkName,
      api: inputs.api,
      table,
      signal,
    })
    warnings.push(...read.warnings)
    if (table.count === 0 && !signal.aborted)
      warnings.push({ message: 'The journals have no invoices: nothing to track' })
    warn(warnings)
    if (!signal.aborted) log.info(describeJournals(read, table))
    const found = await new Tracking(inputs, context, table, tokens).run()
    log.info(describeTally(found.tally))
    await context.consumeRows?.(rowsOf(table))
    const report = trackingReport({ ...read, ...found })
    return { report, warnings, ...(found.failure && { failure: found.failure }) }
  } catch (error) {
    return { warnings, failure: toFailure(error) }
  } finally {
    table?.close()
  }
}

function describeJournals({ journals, withoutInvoice }: JournalsRead, { count }: InvoiceTable): string {
  const others = withoutInvoice > 0 ? `; ${countOf(withoutInvoice, 'record')} without an invoice` : ''
  return `${countOf(journals, 'journal')}: ${countOf(count, 'invoice')} to track${others}`
}

/** The rows of a report, in which the state of an invoice that could not be read is `unknown`, as in the result. */
function* rowsOf(table: InvoiceTable): Generator<TrackedInvoice> {
  for (const [, row] of table.rows()) yield row.status === 'unreadable' ? { ...row, status: 'unknown' } : row
}
