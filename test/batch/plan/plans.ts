// Plans of batches, and the earlier batches that they are compared with.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JournalEvent } from '../../../src/batch/journal/journal-format.ts'
import type { EarlierBatch } from '../../../src/batch/plan/earlier-amounts.ts'
import type { BatchPlan } from '../../../src/batch/plan/plan.ts'
import { type BatchFile, rereadRecord } from '../../../src/batch/records/batch-file.ts'
import { readLines } from '../../../src/batch/records/lines.ts'
import { type BatchRecord, type Identity, identify } from '../../../src/batch/records/record.ts'
import { findOperation, type Operation, type OperationName } from '../../../src/operations/catalogue.ts'
import { newCheck } from '../../payload/checking.ts'
import { begun, header, journalText, sent, succeeded } from '../journals.ts'
import { recordContext } from '../records.ts'
import { linesOf } from './batch-step.ts'

/** A plan of one invoice, with changes. */
export const planOf = ({
  operation = 'submitInvoice',
  ...change
}: Partial<Omit<BatchPlan, 'operation'>> & { operation?: OperationName } = {}): BatchPlan => ({
  operation: findOperation(operation) as Operation,
  records: 1,
  installations: 1,
  digest: 'sha256:1',
  amount: '5.00',
  positiveAmount: '5.00',
  shardAmount: '5.00',
  tests: 0,
  largest: [],
  aboveMaxAmount: { count: 0, first: [] },
  warnings: [],
  comparison: undefined,
  ...change,
})

/** The events of a record that succeeded. */
export const paid = (id: string, installation: string, amount?: string): JournalEvent[] => [
  sent(id, { installation, ...(amount !== undefined && { amount }) }),
  succeeded(id, { installation }),
]

/** Writes the journals of an earlier batch. @param journals  the shard and the events of each */
export function earlierBatch(
  folder: string,
  ...journals: readonly { readonly shard?: string; readonly events: readonly JournalEvent[] }[]
): EarlierBatch {
  const paths = journals.map(({ shard = '1/1', events }, index) => {
    const path = join(folder, `earlier-${index + 1}.ndjson`)
    writeFileSync(path, journalText({ ...header, shard }, begun(1), ...events))
    return path
  })
  return { paths, warnings: [] }
}

/** A batch file of records, in memory. @param text  its content, if that differs from the records */
export const batchFileOf = (records: readonly object[], text = linesOf(records)): BatchFile => ({
  source: Buffer.from(text),
  path: 'batch.ndjson',
  context: recordContext('submitInvoice'),
  newCheck,
})

/** The records of a batch file, as they are added to a plan. */
export function recordsOf(file: BatchFile): { readonly record: BatchRecord; readonly identity: Identity }[] {
  return [...readLines(file.source)].map((line) => {
    const record = rereadRecord(line as { number: number; text: string }, file) as BatchRecord
    return { record, identity: identify(record) }
  })
}
