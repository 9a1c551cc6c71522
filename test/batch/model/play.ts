// Plays a course: runs of a batch, as a step makes and reports them, one after the other on one machine.

import { amountOfBatch } from '../../../src/batch/journal/tally.ts'
import { type BatchResult, runBatch } from '../../../src/batch/run.ts'
import { operationNamed } from '../../../src/operations/catalogue.ts'
import { openLog } from '../../../src/report/log.ts'
import { publish } from '../../../src/report/publish.ts'
import { Secrets } from '../../../src/secrets.ts'
import { testRunner } from '../../test-runner.ts'
import { testBatchContext, testBatchInputs } from '../batch-runner.ts'
import { buildBatch, type ModelBatch, othersReason } from './batch.ts'
import { ModelClock } from './clock.ts'
import type { Course, RunChoice } from './course.ts'
import {
  deleteFile,
  killedInStep,
  readText,
  resetMachine,
  root,
  type StepKind,
  startProcess,
  wasKilled,
  writeText,
} from './machine.ts'
import { LateRequests, modelNetwork } from './network.ts'
import { VercelModel } from './vercel.ts'

export const paths = {
  batch: `${root}/batch.ndjson`,
  journal: `${root}/journal.ndjson`,
  report: `${root}/report.csv`,
  tokens: `${root}/new-tokens.json`,
  summary: `${root}/summary.md`,
}

/** What a run that was not killed has said. */
export interface RunSays {
  readonly result: BatchResult
  readonly exitCode: number
  readonly outputs: Readonly<Record<string, string>>
  /** Everything that a person or a later step can read. */
  readonly texts: readonly string[]
}

export interface PlayedRun {
  readonly choice: RunChoice
  readonly batch: ModelBatch
  readonly vercel: VercelModel
  /** In what the run was killed, if it was. */
  readonly killedIn: StepKind | undefined
  /** Undefined if the run was killed. */
  readonly says: RunSays | undefined
  /** The number of this run among those that keep the same journal, 1-based. */
  readonly runOfJournal: number
  /** How many runs with this journal were killed or cancelled by now. */
  readonly interruptions: number
  /** Whether a request that was sent with an earlier journal may still arrive, or has while this one was kept. */
  readonly hasOldRequests: boolean
}

/** No sum of the batch's own refunds has these cents, so that it cannot be taken for one of them. */
const othersTotal = '3.33'

/** How long requests in flight may continue after a cancellation: less than a slow one takes. */
const graceMs = 500

/** The run that ends a course: nothing goes wrong. */
export const quietRun: RunChoice = {
  fates: [],
  readFates: [],
  kill: undefined,
  cancelAt: undefined,
  othersRefundAt: undefined,
  losesJournal: false,
}

/** How many runs without faults follow at most: one record can have to wait for another one. */
const maxQuietRuns = 4

/**
 * Plays a course.
 *
 * @param onRun  called after each run
 * @param trace  gets a line for each run and request
 */
export async function play(
  course: Course,
  onRun: (run: PlayedRun) => void,
  trace?: (line: string) => void,
): Promise<void> {
  resetMachine()
  const clock = new ModelClock()
  const vercel = new VercelModel(course)
  const batch = buildBatch(course, vercel)
  writeText(paths.batch, batch.text)
  trace?.(`batch:\n${batch.text}`)
  const late = new LateRequests(vercel)
  vercel.onRevoke = (installation, token) => checkRevocation(vercel, installation, token)
  let runOfJournal = 0
  let interruptions = 0
  let hasOldRequests = false
  const choices = [...course.runs, ...Array.from({ length: maxQuietRuns }, () => quietRun)]
  for (const [index, choice] of choices.entries()) {
    trace?.(`run ${index + 1}${choice === quietRun ? ', without faults' : ''}`)
    if (choice === quietRun) while (late.landOne()) {}
    startProcess(choice.kill)
    const says = await runOnce({ course, choice, batch, vercel, late, clock, trace }).catch((error) => {
      if (!wasKilled()) throw error
      return undefined
    })
    const killedIn = killedInStep()
    const isInterrupted = killedIn !== undefined || choice.cancelAt !== undefined
    startProcess(undefined)
    runOfJournal++
    if (isInterrupted) interruptions++
    trace?.(`journal:\n${readText(paths.journal)}`)
    if (says) trace?.(`says: ${JSON.stringify(says.outputs)}`)
    onRun({ choice, batch, vercel, killedIn, says, runOfJournal, interruptions, hasOldRequests })
    if (choice.losesJournal) {
      deleteFile(paths.journal)
      hasOldRequests ||= [...vercel.epoch.values()].some(({ late }) => late > 0)
      vercel.startEpoch()
      runOfJournal = interruptions = 0
    }
    if (choice === quietRun && says?.result.report?.tally.failed === 0) return
  }
}

/** A token is revoked only after its successor is in the file. */
function checkRevocation(vercel: VercelModel, installation: string, token: string): void {
  const stored = storedTokens()[installation]
  if (stored === token || !vercel.isLive(installation, stored)) {
    vercel.violations.push(`${token} is revoked before its successor is stored`)
  }
}

export const storedTokens = (): Record<string, string> => JSON.parse(readText(paths.tokens)?.trim() || '{}')

interface RunOptions {
  readonly course: Course
  readonly choice: RunChoice
  readonly batch: ModelBatch
  readonly vercel: VercelModel
  readonly late: LateRequests
  readonly clock: ModelClock
  readonly trace: ((line: string) => void) | undefined
}

async function runOnce(options: RunOptions): Promise<RunSays | undefined> {
  const { course, choice, batch, vercel, late, clock, trace } = options
  const { kind, lateAfter } = course
  const operation = operationNamed(kind)
  const runner = testRunner()
  const secrets = new Secrets(runner.setSecret)
  const log = openLog(runner, secrets)
  const cancel = new AbortController()
  const abort = new AbortController()
  const network = modelNetwork(
    {
      vercel,
      clock,
      fates: choice.fates,
      readFates: choice.readFates,
      lateAfter,
      trace,
      onRequest(count) {
        if (count === choice.othersRefundAt) vercel.addRefund('icfg_0', 'inv_0', othersReason, othersTotal)
        if (count !== choice.cancelAt) return
        cancel.abort()
        void clock.sleep(graceMs).then(() => abort.abort())
      },
    },
    late,
  )
  const isRotation = kind === 'rotateInstallationCredential'
  const result = await runBatch(
    testBatchInputs(kind, {
      token: undefined,
      tokens: JSON.stringify(batch.tokens),
      externalId: course.externalId,
      onDuplicate: course.onDuplicate,
      onGone: course.onGone,
      limits: { maxAttempts: course.maxAttempts, attemptTimeoutMs: 1000, retryTimeoutMs: 60_000 },
      concurrency: course.concurrency,
      maxFailures: choice === quietRun ? undefined : course.maxFailures,
      reportFile: 'report.csv',
      ...(isRotation && { newTokensFile: 'new-tokens.json', revokesPrevious: course.revokesPrevious }),
    }),
    testBatchContext(
      { workspace: root, clock, send: network.send },
      {
        signal: cancel.signal,
        abort: abort.signal,
        scrub: (text) => secrets.scrub(text),
        log,
        warn: (diagnostics) => log.warn(diagnostics, kind),
      },
    ),
  )
  if (wasKilled()) return undefined
  const { report, plan, warnings, failure } = result
  const amount = report && amountOfBatch(report, operation)
  deleteFile(paths.summary)
  const exitCode = await publish(
    {
      name: kind,
      operation,
      warnings,
      ...(amount !== undefined && { amount }),
      ...(report && { batch: report }),
      ...(plan && { digest: plan.digest }),
      ...(failure ? { failure } : { outcome: { status: 'succeeded' } }),
    },
    { runner, log, secrets, env: { GITHUB_STEP_SUMMARY: paths.summary }, wantsSummary: true, ms: 0 },
  )
  if (wasKilled()) return undefined
  const { outputs, lines, errors, warnings: annotations } = runner
  return { result, exitCode, outputs, texts: [...lines, ...errors, ...annotations, ...Object.values(outputs)] }
}
