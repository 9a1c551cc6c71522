// Every output: one row each, from which action.yml and the documentation are generated (`npm run docs`).

import type { Runner } from '../runtime.ts'

/** Each output with what it holds, for action.yml and the README. */
export const outputTable = {
  operation: "The SDK's name of the operation.",
  status:
    "The state of the thing operated on: an invoice's state, a resource's status, accepted, validated, duplicate, or failed; for a batch succeeded, partial or failed.",
  result:
    "The API's response body as JSON, secret fields redacted; null if the response is empty; for a batch, its counts.",
  httpStatus: 'The status code of the last response.',
  requestId: "Vercel's id of the request (x-vercel-id), for its support.",
  attempts: 'How many attempts the request took.',
  errorCode: "Set if the step fails: Vercel's own code if it gave one, otherwise ours.",
  errorMessage: 'Set if the step fails: what was refused, by whom, and what to do.',
  invoiceId: "Invoice operations: the invoice's id.",
  externalId: "Invoice operations: the invoice's externalId.",
  idToken: 'exchangeSsoToken only. Masked.',
  accessToken: 'exchangeSsoToken and rotateInstallationCredential. Masked.',
  refreshToken: 'exchangeSsoToken only. Masked.',
  digest: 'The digest of the request: sha256: and 64 hexadecimal digits. expect-digest approves it.',
  amount: 'The money that the request is about: a decimal.',
  total: 'Batches: the records of this shard.',
  succeeded: 'Batches: the records that succeeded in this run.',
  failed: 'Batches: the records that failed in this run, including those with an unknown outcome.',
  skipped: 'Batches: the records that had succeeded in an earlier run.',
  journalFile: 'Batches: the path of the journal.',
} as const

export type OutputName = keyof typeof outputTable
export const outputNames = Object.keys(outputTable) as OutputName[]
export type Outputs = Readonly<Partial<Record<OutputName, string>>>

export function writeOutputs(runner: Pick<Runner, 'setOutput'>, outputs: Outputs): void {
  for (const [name, value] of Object.entries(outputs)) if (value !== undefined) runner.setOutput(name, value)
}
