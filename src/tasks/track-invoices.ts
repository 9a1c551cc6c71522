// Tracks the invoices of journals: asks Vercel for their states, and sends nothing else.

import type { TrackingTable } from '../batch/report/tracking-table.ts'
import { proxyPasswords } from '../http/proxy.ts'
import type { TrackInputs } from '../inputs/read-own.ts'
import { loadOperation } from '../operations/load.ts'
import { apiOf } from '../operations/request-digest.ts'
import type { StepReport } from '../report/step-report.ts'
import { delayedSignal, identitiesOf, openEndpoint, type StepContext } from './context.ts'

/** How long requests in flight may continue after a cancellation. A reading that is cut off does no harm. */
const trackingGraceMs = 1000

/**
 * Tracks invoices. The report has the failure, if there is one.
 *
 * @throws {Failure} if the file of `report-file` cannot be written, or `tokens-key` is not a key, before anything is asked
 */
export async function runTrackTask(inputs: TrackInputs, context: StepContext): Promise<StepReport> {
  const { destination, concurrency, reportFile } = inputs
  const { env, cutProblem, workspace, clock, random, signal, runner, log } = context
  const tokensKey = await identitiesOf(inputs.tokensKey)
  const { trackInvoices } = await import('../batch/tracking/track.ts')
  const table = reportFile === undefined ? undefined : await openTable(reportFile, inputs, context)
  const { report, warnings, failure } = await trackInvoices(
    {
      journals: inputs.journals,
      token: inputs.token,
      tokens: inputs.tokens,
      tokensFile: inputs.tokensFile,
      tokensKey,
      limits: inputs.limits,
      concurrency,
      wait: inputs.wait,
      failOn: inputs.failOn,
      api: apiOf(destination.sandbox ? undefined : destination.baseUrl),
    },
    {
      submission: await loadOperation('submitInvoice'),
      operation: await loadOperation('getInvoice'),
      env,
      cutProblem,
      workspace,
      extraSecrets: proxyPasswords(env),
      clock,
      random,
      signal,
      abort: delayedSignal(signal, trackingGraceMs),
      log,
      debug: runner.isDebug() ? log.debug : undefined,
      warn: (diagnostics) => log.warn(diagnostics, 'trackInvoices'),
      open: () => openEndpoint(destination, context, concurrency),
      ...(table && { consumeRows: table.write }),
    },
  )
  table?.discard()
  // What was found is reported, whether the table could be written or not.
  const stepFailure = failure ?? table?.failure()
  const path = table?.path()
  return {
    sandbox: destination.sandbox,
    warnings,
    ...(report && {
      tracking: { ...report, ...(path !== undefined && { outputs: { ...report.outputs, reportFile: path } }) },
    }),
    ...(stepFailure && { failure: stepFailure }),
  }
}

async function openTable(
  path: string,
  { journals, tokensFile }: TrackInputs,
  { workspace, secrets }: StepContext,
): Promise<TrackingTable> {
  const { openTrackingTable } = await import('../batch/report/tracking-table.ts')
  return openTrackingTable({ workspace, path, journals, tokensFile, scrub: (text) => secrets.scrub(text) })
}
