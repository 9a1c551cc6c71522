// Runs a single request: builds it from the payload, and sends it unless it is a dry run.

import type { RequestInputs } from '../inputs/read.ts'
import { requestPath } from '../operations/request.ts'
import type { StepReport } from '../report/step-report.ts'
import type { StepContext } from './context.ts'
import { prepareRequest } from './prepare-request.ts'

/**
 * Runs a single request, or only checks it in a dry run.
 *
 * @returns the report, with the failure if there is one
 */
export async function runRequestTask(inputs: RequestInputs, context: StepContext): Promise<StepReport> {
  const { operation, destination, dryRun } = inputs
  const { log } = context
  const prepared = await prepareRequest(inputs, context)
  const { request, hasChosenKey = false, digest, amount, warnings, failure } = prepared
  const report: StepReport = {
    ...(request && { request }),
    ...(digest !== undefined && { digest }),
    ...(amount !== undefined && { amount }),
    warnings,
    ...(failure && { failure }),
    sandbox: destination.sandbox,
    dryRun,
  }
  if (!request || failure) return report
  if (operation.secretsOf) {
    const { droppedSecretsWarning } = await import('../operations/dropped-secrets.ts')
    const droppedSecrets = droppedSecretsWarning(request)
    if (droppedSecrets) log.info(droppedSecrets)
  }
  if (dryRun) {
    const redactedBody = JSON.stringify(request.redacted() ?? null)
    const api = destination.sandbox ? '' : destination.baseUrl.replace(/\/+$/, '')
    const to = destination.sandbox ? ' to the sandbox' : ''
    log.info(`${operation.method} ${api}${requestPath(request)} would be sent${to} with ${redactedBody}`)
    log.info(`digest ${digest}: to send exactly this, set expect-digest`)
    return { ...report, outcome: { status: 'validated' } }
  }
  const { sendRequest } = await import('./send-request.ts')
  const result = await sendRequest({ request, hasChosenKey }, inputs, context)
  return { ...report, ...result, warnings: [...warnings, ...(result.warnings ?? [])] }
}
