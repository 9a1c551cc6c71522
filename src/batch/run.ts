// The overview of a batch: check every line, open the journal, send the remaining records, count the outcomes.

import { TokensFile } from '../credentials/tokens-file.ts'
import type { CutProblem } from '../cut-variables.ts'
import type { Endpoint } from '../delivery/deliver.ts'
import type { OnDuplicate } from '../delivery/refund.ts'
import type { Limits } from '../delivery/retry.ts'
import { type Diagnostic, type Failure, toFailure } from '../failure.ts'
import type { TakeLock } from '../file-lock.ts'
import { countOf, formatCount, quotePath } from '../format.ts'
import type { Clock } from '../runtime.ts'
import { hasContent } from './journal/journal-file.ts'
import { journalHeader, journalPath } from './journal/journal-path.ts'
import type { Ledger } from './journal/ledger.ts'
import { openBatchJournal } from './journal/open-journal.ts'
import { type BatchReport, Tally } from './journal/tally.ts'
import { type FileInputs, openFiles } from './open-files.ts'
import { describePlan } from './plan/describe-plan.ts'
import type { BatchPlan } from './plan/plan.ts'
import { finishPlan, type GuardedPlan, type PlanSubject, startPlan } from './plan/start-plan.ts'
import type { BatchFile } from './records/batch-file.ts'
import { closeSource } from './records/byte-source.ts'
import { type BatchCheckResult, checkBatch } from './records/check-batch.ts'
import { formatShard, type Shard } from './records/shard.ts'
import { warningDiagnostics } from './records/warning-kinds.ts'
import { type BatchReporter, openReporter, reportRun } from './report/batch-reporter.ts'
import type { OnGone } from './sending/prepared-record.ts'
import { sendBatch } from './sending/send-batch.ts'

export interface BatchInputs extends PlanSubject, FileInputs {
  readonly onDuplicate: OnDuplicate
  readonly onGone: OnGone
  readonly limits: Limits
  /** Maximum number of requests in flight. */
  readonly concurrency: number
  readonly shard: Shard
  readonly journalFile: string | undefined
  readonly maxFailures: number | undefined
  /** Path of the report, as the step gives it. */
  readonly reportFile: string | undefined
  readonly revokesPrevious: boolean
  /** Whether a warning of the check is an error. */
  readonly failsOnWarning: boolean
  /** Where requests go, as the journal records it: origin and base path, or `sandbox`. */
  readonly api: string
}

export interface BatchContext {
  readonly env: NodeJS.ProcessEnv
  /** Set on systems that can pass on a variable in part. */
  readonly cutProblem?: CutProblem | undefined
  readonly workspace: string
  /** Secrets that belong to no record, such as a proxy's password. */
  readonly extraSecrets: readonly string[]
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  /** Cancels the batch: no further record is started. */
  readonly signal: AbortSignal
  /** Aborts requests in flight. */
  readonly abort: AbortSignal
  /** Removes the secrets of the step from a text. */
  readonly scrub: (text: string) => string
  readonly log: { readonly info: (line: string) => void }
  /** Gets a line for each attempt; undefined if debug logging is off. */
  readonly debug: ((line: string) => void) | undefined
  readonly warn: (diagnostics: readonly Diagnostic[]) => void
  /** How the journal and the file of new tokens are locked; by the operating system by default. */
  readonly takeLock?: TakeLock | undefined
  /** Opens the connection to the API. */
  readonly open: () => Promise<Omit<Endpoint, 'token'>>
}

/** How far a batch got, and how it ended. */
export interface BatchResult {
  /** Missing if the batch file was refused. */
  readonly report?: BatchReport
  /** What the batch is about; missing if the batch file was refused. */
  readonly plan?: GuardedPlan
  readonly warnings: readonly Diagnostic[]
  readonly failure?: Failure
}

/** Runs a batch. It does not throw: the result has the failure. */
export async function runBatch(inputs: BatchInputs, context: BatchContext): Promise<BatchResult> {
  const { path, shard } = inputs
  const { env, cutProblem, workspace, log, warn } = context
  let file: BatchFile | undefined
  let reporter: BatchReporter | undefined
  try {
    const opened = await openFiles(inputs, { env, cutProblem, workspace, now: context.clock.now })
    file = opened.file
    const journalFile = journalPath(inputs, file.source, context)
    const isResumed = !inputs.dryRun && hasContent(journalFile)
    const { builder, warnings: planWarnings } = startPlan(inputs, context)
    reporter = openReporter(inputs, context, journalFile)
    const checked = await checkBatch(file, shard, {
      isResumed,
      failsOnWarning: inputs.failsOnWarning,
      otherWarnings: opened.warnings,
      onRecord(record, identity, warnings) {
        builder.add(record, identity, warnings)
        reporter?.add(record, identity)
      },
      signal: context.signal,
    })
    const warnings = [...opened.warnings, ...planWarnings, ...checked.warnings]
    warn(warnings)
    const inShard = shard.count > 1 ? ` in shard ${formatShard(shard)}` : ''
    log.info(`${path}: ${countOf(checked.total, 'record')}${inShard}, all checked`)
    builder.addFileWarnings(checked.warnings)
    const { plan, failure } = finishPlan(builder, inputs, file)
    if (inputs.dryRun) {
      for (const line of describePlan(plan)) log.info(line)
      const use = failure ? '' : ': to send exactly this, set expect-digest'
      log.info(`digest ${plan.digest}${use}`)
    }
    if (inputs.dryRun || failure) {
      const reportFile = inputs.dryRun ? reporter?.finishPlan() : undefined
      return {
        report: { ...newReport(inputs, checked), ...(reportFile !== undefined && { reportFile }) },
        plan,
        warnings,
        ...(failure && { failure }),
      }
    }
    const { report, lostTokens, ...sent } = await sendChecked(inputs, context, { file, checked, plan }, journalFile)
    const { problems, ...written } = reportRun(reporter, {
      journalFile: report.journalFile,
      file,
      signal: context.signal,
    })
    const sentWarnings = [...lostTokens, ...warningDiagnostics(report.tally.warnings, path), ...problems]
    warn(sentWarnings)
    return { ...sent, report: { ...report, ...written }, plan, warnings: [...warnings, ...sentWarnings] }
  } catch (error) {
    return { warnings: [], failure: toFailure(error) }
  } finally {
    reporter?.discard()
    if (file) closeSource(file.source)
  }
}

const newReport = ({ path, operation }: BatchInputs, { total }: BatchCheckResult): BatchReport => ({
  path,
  operation: operation.sdkName,
  total,
  skipped: 0,
  tally: new Tally(),
})

const describeSkipped = ({ succeeded, gone }: Ledger): string =>
  `${formatCount(succeeded)} succeeded before and ${succeeded === 1 ? 'is' : 'are'} skipped${gone > 0 ? `, ${formatCount(gone)} no longer ${gone === 1 ? 'exists' : 'exist'}` : ''}`

/** @param rotated  how many records were rotated in earlier runs */
const describeLostTokens = (path: string, rotated: number): string =>
  `new-tokens-file ${quotePath(path)} had no tokens, and ${countOf(rotated, 'record')} ${rotated === 1 ? 'was' : 'were'} rotated in earlier runs: their new tokens are in the file that those runs wrote. Check that you have them, and keep the file together with the journal`

/** A batch that may be sent. */
interface CheckedBatch {
  readonly file: BatchFile
  readonly checked: BatchCheckResult
  readonly plan: BatchPlan
}

/** Sends the records of a checked batch that did not succeed in an earlier run. */
async function sendChecked(
  inputs: BatchInputs,
  context: BatchContext,
  { file, checked, plan: { shardAmount } }: CheckedBatch,
  journalFile: string,
): Promise<{
  readonly report: BatchReport
  /** A warning about tokens of earlier runs. */
  readonly lostTokens: readonly Diagnostic[]
  readonly failure?: Failure
}> {
  const { clock, log } = context
  const started = clock.monotonic()
  const report = { ...newReport(inputs, checked), plannedAmount: shardAmount }
  const { total, recordStates, hasSeveralRefunds } = checked
  const lostTokens: Diagnostic[] = []
  try {
    const journal = await openBatchJournal(
      journalFile,
      journalHeader(inputs),
      { recordStates, hasSeveralRefunds, signal: context.signal, takeLock: context.takeLock },
      file,
    )
    const skipped = journal.succeeded
    let failure: Failure | undefined
    let newTokens: TokensFile | undefined
    try {
      const begun = {
        event: 'begun',
        at: clock.now().toISOString(),
        batch: file.path,
        total,
        ...(shardAmount !== undefined && { amount: shardAmount }),
      } as const
      journal.writer.append(begun)
      journal.ledger.apply(begun)
      if (recordStates) log.info(`resuming ${journalFile}: ${describeSkipped(journal.ledger)}`)
      const { newTokensFile, revokesPrevious } = inputs
      if (newTokensFile !== undefined) {
        newTokens = await TokensFile.open(context.workspace, newTokensFile, inputs.tokensKey, context)
        if (newTokens.isEmpty && skipped > 0) lostTokens.push({ message: describeLostTokens(newTokensFile, skipped) })
      }
      failure = await sendBatch({
        operation: inputs.operation,
        limits: inputs.limits,
        onDuplicate: inputs.onDuplicate,
        onGone: inputs.onGone,
        failsOnWarning: inputs.failsOnWarning,
        externalId: inputs.externalId,
        concurrency: inputs.concurrency,
        shard: inputs.shard,
        maxFailures: inputs.maxFailures,
        rotation: newTokens && { newTokens, revokesPrevious },
        file,
        journal,
        recordStates,
        tally: report.tally,
        total,
        remaining: total - skipped,
        keepsJournal: inputs.journalFile !== undefined,
        clock,
        random: context.random,
        signal: context.signal,
        abort: context.abort,
        log,
        debug: context.debug,
        extraSecrets: context.extraSecrets,
        open: context.open,
      })
    } catch (error) {
      failure = toFailure(error)
    } finally {
      await newTokens?.close()
      journal.close()
    }
    const ms = clock.monotonic() - started
    const sent = { ...report, skipped, ledger: journal.ledger, journalFile, ms }
    return { report: sent, lostTokens, ...(failure && { failure }) }
  } catch (error) {
    return { report, lostTokens, failure: toFailure(error) }
  }
}
