// Every output: one row each, from which action.yml and the documentation are generated (`npm run docs`).

import { Failure } from '../failure.ts'
import { invoiceStates } from '../operations/invoice-state.ts'
import { status as resourceStatus } from '../operations/plan.ts'
import type { Runner } from '../runtime.ts'
import type { Secrets } from '../secrets.ts'
import { oneLine } from './log.ts'

/** The outputs, in the order of action.yml. The comment above each says what it holds, there and in the README. */
export const outputNames = [
  /** The SDK's name of the operation. */
  'operation',
  /**
   * The state of the thing operated on: an invoice's state, a resource's status, accepted, validated, duplicate, or
   * failed; for a batch succeeded, partial or failed; for trackInvoices settled, open, attention or failed.
   */
  'status',
  /**
   * The API's response body as JSON, secret fields redacted; null if the response is empty; for a batch, its counts; for
   * trackInvoices, count and amount by state.
   */
  'result',
  /** The status code of the last response. */
  'httpStatus',
  /** Vercel's id of the request (x-vercel-id), for its support. */
  'requestId',
  /** How many attempts the request took. */
  'attempts',
  /** Set if the step fails: Vercel's own code if it gave one, otherwise ours. */
  'errorCode',
  /** Set if the step fails: what was refused, what refused it, and what to do. */
  'errorMessage',
  /** Invoice operations: the invoice's id. */
  'invoiceId',
  /** Invoice operations: the invoice's externalId. */
  'externalId',
  /** exchangeSsoToken only. Masked. */
  'idToken',
  /** exchangeSsoToken and rotateInstallationCredential. Masked. */
  'accessToken',
  /** exchangeSsoToken only. Masked. */
  'refreshToken',
  /** The digest of the request or the batch: sha256: and 64 hexadecimal digits. expect-digest approves it. */
  'digest',
  /**
   * The money that the request is about, or in a dry run the whole batch: a decimal. For a batch and for mergeJournals:
   * what was billed, refunded or reported by now, earlier runs of the journal included.
   */
  'amount',
  /** Batches: the records of this shard. trackInvoices: the invoices, and the records without an invoice id. */
  'total',
  /** Batches: the records that succeeded in this run. */
  'succeeded',
  /** Batches: the records that failed in this run, including those with an unknown outcome. */
  'failed',
  /** Batches: the records that had succeeded in an earlier run, and those that on-gone: skip skips. */
  'skipped',
  /** Batches: the path of the journal. */
  'journalFile',
  /** trackInvoices: how many invoices are paid. */
  'paid',
  /** trackInvoices: how many invoices are notpaid or overdue. */
  'unpaid',
  /** The path of the table that report-file asks for. */
  'reportFile',
] as const

export type OutputName = (typeof outputNames)[number]
export type Outputs = Readonly<Partial<Record<OutputName, string>>>

/** The outputs whose values are secret: they are written exactly or not at all. */
const tokenOutputs: readonly string[] = ['idToken', 'accessToken', 'refreshToken'] satisfies readonly OutputName[]

/** The values of `status` that are not secret, even if a secret is the same word. */
const statusWords: ReadonlySet<string> = new Set([
  ...['accepted', 'validated', 'duplicate', 'failed', 'succeeded', 'partial', 'settled', 'open', 'attention'],
  ...invoiceStates,
  ...resourceStatus.values,
])

/** Linux passes at most 128 KiB in an environment variable, and a step may quote the message there. */
const maxMessageBytes = 64 * 1024
const cutMark = ' … (cut)'

/**
 * Writes outputs. Each but `result` becomes one line of visible text without secrets; `errorMessage` may have several
 * lines, and has 64 KiB at most. A token is written as it is, or left out if it is not visible ASCII on one line.
 *
 * @returns the tokens that were left out, and a failure if any output could not be written; the others are
 */
export function writeOutputs(
  runner: Pick<Runner, 'setOutput'>,
  outputs: Outputs,
  secrets: Pick<Secrets, 'scrub'>,
): { readonly leftOut: readonly string[]; readonly failure?: Failure } {
  const leftOut: string[] = []
  const failed: string[] = []
  let cause: unknown
  for (const [name, value] of Object.entries(outputs)) {
    if (value === undefined) continue
    try {
      const text = outputText(name, value, secrets)
      if (text === undefined) leftOut.push(name)
      else runner.setOutput(name, text)
    } catch (error) {
      failed.push(name)
      cause ??= error
    }
  }
  if (failed.length === 0) return { leftOut }
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = `The ${failed.length === 1 ? 'output' : 'outputs'} ${failed.join(', ')} could not be written: ${reason}`
  return { leftOut, failure: new Failure('output_failed', message, { cause }) }
}

/** The text of an output; undefined if it is a token that cannot be an output. */
function outputText(name: string, value: string, secrets: Pick<Secrets, 'scrub'>): string | undefined {
  if (name === 'result') return value
  if (tokenOutputs.includes(name)) return /^[!-~]+$/.test(value) ? value : undefined
  if (name === 'status') return statusText(value, secrets)
  const clean = secrets.scrub(value)
  return name === 'errorMessage' ? cutMessage(clean.split(/\r?\n/).map(oneLine).join('\n')) : oneLine(clean)
}

/** A status as it is shown: a word of ours or of the API's as it is, another one on one line and without secrets. */
export const statusText = (status: string, secrets: Pick<Secrets, 'scrub'>): string =>
  statusWords.has(status) ? status : oneLine(secrets.scrub(status))

/** Never cuts through a character. */
function cutMessage(message: string): string {
  const bytes = Buffer.from(message)
  if (bytes.length <= maxMessageBytes) return message
  let end = maxMessageBytes - Buffer.byteLength(cutMark)
  while (((bytes[end] as number) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end) + cutMark
}
