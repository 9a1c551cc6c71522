// Where the journal of a batch is, and its first line.

import { createHash } from 'node:crypto'
import { readSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Operation } from '../../operations/catalogue.ts'
import { formatShard, type Shard } from '../records/shard.ts'
import type { JournalHeader } from './journal.ts'

/** What a journal is for. */
export interface JournalSubject {
  readonly operation: Operation
  readonly shard: Shard
  /** Where requests go: a host, or `sandbox`. */
  readonly api: string
  /** The input `external-id`. */
  readonly externalId: string
}

export const headerOf = ({ operation, shard, api, externalId }: JournalSubject): JournalHeader => ({
  journal: 'vercel-marketplace',
  version: 1,
  operation: operation.sdkName,
  shard: formatShard(shard),
  api,
  ...(operation.retry === 'idempotency-key' && { externalId }),
})

/**
 * The journal's path: the input `journal-file`, or a name that depends on everything by which batches differ.
 *
 * @param file  the batch file, open
 */
export function journalPath(
  subject: JournalSubject & { readonly journalFile: string | undefined },
  file: number,
  { workspace, env }: { readonly workspace: string; readonly env: NodeJS.ProcessEnv },
): string {
  if (subject.journalFile !== undefined) return resolve(workspace, subject.journalFile)
  const digest = createHash('sha256').update(JSON.stringify(headerOf(subject)))
  const chunk = Buffer.allocUnsafe(1 << 18)
  for (let position = 0; ; ) {
    const length = readSync(file, chunk, 0, chunk.length, position)
    if (length === 0) break
    position += length
    digest.update(chunk.subarray(0, length))
  }
  const name = `vercel-marketplace-${subject.operation.name}-${digest.digest('hex').slice(0, 16)}.ndjson`
  return join(env.RUNNER_TEMP || tmpdir(), name)
}
