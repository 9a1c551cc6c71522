// The outputs of a step. action.yml declares the same; a test holds the two together.

import { setOutput } from '@actions/core'

export const outputNames = [
  'operation',
  'status',
  'result',
  'httpStatus',
  'requestId',
  'attempts',
  'errorCode',
  'errorMessage',
  'invoiceId',
  'externalId',
  'idToken',
  'accessToken',
  'refreshToken',
  'total',
  'succeeded',
  'failed',
  'skipped',
  'journalFile',
] as const

export type OutputName = (typeof outputNames)[number]
export type Outputs = Readonly<Partial<Record<OutputName, string>>>

export function writeOutputs(outputs: Outputs): void {
  for (const [name, value] of Object.entries(outputs)) if (value !== undefined) setOutput(name, value)
}
