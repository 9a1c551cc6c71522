// Refunds that occur twice in a batch: the same invoice, reason and total.

import Big from 'big.js'
import type { Diagnostic } from '../../failure.ts'
import { isRefund } from '../../operations/operation.ts'
import { type BatchFile, rereadRecord } from './batch-file.ts'
import { KeyHashes } from './key-hashes.ts'
import { readLines } from './lines.ts'
import type { BatchRecord } from './record.ts'

/** A text that is equal for equal refunds; undefined for other operations. */
function refundKey({ request: { operation, params, body } }: BatchRecord): string | undefined {
  if (!isRefund(operation)) return undefined
  const { integrationConfigurationId, invoiceId } = params
  return JSON.stringify([integrationConfigurationId, invoiceId, body?.reason, new Big(String(body?.total)).toFixed()])
}

/** Collects the refunds of a batch. It keeps hashes only, 8 bytes for each refund. */
export class RepeatedRefunds {
  readonly #hashes = new KeyHashes()

  add(record: BatchRecord): void {
    const key = refundKey(record)
    if (key !== undefined) this.#hashes.add(key)
  }

  /** An error for each refund that repeats an earlier one, unless both records have their own `id`. It reads the file again. */
  *diagnostics(file: BatchFile): Generator<Diagnostic> {
    const mayBeRepeated = this.#hashes.duplicates()
    if (!mayBeRepeated) return
    const firstRecords = new Map<string, { readonly line: number; readonly hasId: boolean }>()
    for (const line of readLines(file.descriptor)) {
      const record = 'text' in line ? rereadRecord(line, file) : undefined
      const key = record && refundKey(record)
      if (!record || key === undefined || !mayBeRepeated(key)) continue
      const hasId = record.ownId !== undefined
      const first = firstRecords.get(key)
      if (!first) firstRecords.set(key, { line: line.number, hasId })
      else if (!hasId || !first.hasId) {
        yield {
          message: `the record refunds the same invoice with the same reason and total as line ${first.line}: remove one, or give each its own \`id\` to send both`,
          file: file.path,
          position: { line: line.number, column: 1 },
        }
      }
    }
  }
}
