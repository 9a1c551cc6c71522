// Checks the whole batch before the first record is sent.

import { type Diagnostic, Failure } from '../../failure.ts'
import { quotePath } from '../../format.ts'
import { isRefund } from '../../operations/operation.ts'
import type { BatchFile } from './batch-file.ts'
import { BatchProblems } from './batch-problems.ts'
import { formatProblem } from './file-format.ts'
import { addKeys, reportRepeats } from './find-repeats.ts'
import { KeyHashes } from './key-hashes.ts'
import { type Line, readLines } from './lines.ts'
import { parseRecord } from './parse-record.ts'
import { type BatchRecord, type Identity, identify, readRecord, recordKey } from './record.ts'
import { RecordStates } from './record-states.ts'
import { type InvoiceName, RefundedInvoices } from './refunded-invoices.ts'
import { Repeats } from './repeats.ts'
import { isInShard, type Shard } from './shard.ts'
import { Turns } from './turns.ts'

export interface BatchCheckResult {
  /** Records of the shard. */
  readonly total: number
  readonly warnings: readonly Diagnostic[]
  /** For the journal of earlier runs; undefined in the first run. */
  readonly recordStates: RecordStates | undefined
  /** Whether the batch may have several refunds of an invoice; undefined if it has no refunds. */
  readonly hasSeveralRefunds: ((invoice: InvoiceName) => boolean) | undefined
}

/** Gets each record of the whole file that was checked, in order, with the warnings of its check. */
export type OnRecord = (record: BatchRecord, identity: Identity, warnings: readonly Diagnostic[]) => void

export interface BatchCheckOptions {
  /** Whether a journal of earlier runs exists. */
  readonly isResumed: boolean
  /** Whether a warning is an error. */
  readonly failsOnWarning?: boolean
  /** Warnings about other files of the step, which are errors too with `failsOnWarning`. */
  readonly otherWarnings?: readonly Diagnostic[]
  /** Called for each record without errors; other records may still have some. */
  readonly onRecord?: OnRecord
  /** Cancels the check. */
  readonly signal: AbortSignal
}

/**
 * Checks every line of the file, those of other shards too.
 *
 * @throws {Failure} with every problem, each with its line; or `cancelled`
 */
export async function checkBatch(
  file: BatchFile,
  shard: Shard,
  { isResumed, failsOnWarning = false, otherWarnings, onRecord, signal }: BatchCheckOptions,
): Promise<BatchCheckResult> {
  const problems = new BatchProblems(file.path)
  const wrongFormat = formatProblem(file.source, file.path)
  if (wrongFormat) {
    problems.addError(wrongFormat.message, wrongFormat.line)
    problems.refuse(failsOnWarning)
  }
  const repeats = new Repeats()
  const keys = new KeyHashes()
  const refunds = isRefund(file.context.shape.operation) ? new RefundedInvoices() : undefined
  const turns = new CancellableTurns(signal)
  let isEmpty = true
  let total = 0

  for (const line of readLines(file.source)) {
    if (problems.isFull) break
    if (turns.isDue(line)) await turns.take()
    isEmpty = false
    const { record, warnings } = checkLine(line, file, repeats, problems)
    const isCounted = record && isInShard(shard, record.installation)
    if (isCounted) total++
    if (record) refunds?.add(invoiceOf(record))
    const identity = record && (onRecord || (isResumed && isCounted)) ? identify(record) : undefined
    if (record && identity) onRecord?.(record, identity, warnings)
    if (!isResumed) continue
    if (isCounted && identity) keys.add(recordKey(identity))
    else keys.addNothing()
  }

  if (isEmpty) problems.addError(`the batch file ${quotePath(file.path)} has no records`)
  await reportRepeats(repeats, file, problems, turns)
  problems.refuse(failsOnWarning, otherWarnings)
  await turns.take()
  return {
    total,
    warnings: problems.warnings,
    recordStates: isResumed ? new RecordStates(keys) : undefined,
    hasSeveralRefunds: refunds?.repeated(),
  }
}

const invoiceOf = ({ installation, request }: BatchRecord): InvoiceName => ({
  installation,
  invoiceId: request.params.invoiceId as string,
})

/** Checks a line. @returns its record, undefined if the line has errors, and its warnings */
function checkLine(
  line: Line,
  file: BatchFile,
  repeats: Repeats,
  problems: BatchProblems,
): { readonly record: BatchRecord | undefined; readonly warnings: readonly Diagnostic[] } {
  const { number } = line
  if (!('text' in line)) {
    problems.addError(`the record ${line.problem}`, number)
    return { record: undefined, warnings: [] }
  }
  const source = parseRecord(line.text)
  const check = file.newCheck()
  const record = source.errors.length > 0 ? undefined : readRecord(number, source.value, file.context, check)
  const hasWarnings = source.warnings.length > 0 || check.warnings.length > 0
  if (!record || hasWarnings) problems.addRecord(number, source, check)
  addKeys(repeats, source.value, record, file)
  return { record, warnings: hasWarnings ? [...source.warnings, ...check.warnings] : [] }
}

/** Turns that end the check when the step is cancelled. */
class CancellableTurns extends Turns {
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    super()
    this.#signal = signal
  }

  /** @throws {Failure} `cancelled` */
  override async take(): Promise<void> {
    await super.take()
    if (!this.#signal.aborted) return
    throw new Failure('cancelled', 'The batch was cancelled while its file was checked, and nothing was sent', {
      hint: 'Run it again with the same batch file and journal',
    })
  }
}
