// The path of a batch's journal, and its header.

import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileNameProblem } from '../../file-fix.ts'
import type { Operation } from '../../operations/operation.ts'
import { type ByteSource, readAt } from '../records/byte-source.ts'
import { formatShard, type Shard } from '../records/shard.ts'
import { unopened } from './journal-file.ts'
import type { JournalHeader } from './journal-format.ts'

/** The batch that a journal belongs to. */
export interface JournalSubject {
  readonly operation: Operation
  readonly shard: Shard
  /** Where requests go: origin and base path, or `sandbox`. */
  readonly api: string
  /** The input `external-id`. */
  readonly externalId: string
}

/** The first line of a batch's journal. */
export const journalHeader = ({ operation, shard, api, externalId }: JournalSubject): JournalHeader => ({
  journal: 'vercel-marketplace',
  version: 1,
  operation: operation.sdkName,
  shard: formatShard(shard),
  api,
  ...(operation.retry === 'idempotency-key' && { externalId }),
})

/**
 * The journal's path: the input `journal-file`, or a path in `RUNNER_TEMP` whose name depends on the header and on the
 * content of the batch file.
 *
 * @param batch  the content of the batch file
 * @returns an absolute path
 * @throws {Error} from Node, if the batch file cannot be read
 * @throws {Failure} if Windows would write the journal where nobody looks for it
 */
export function journalPath(
  subject: JournalSubject & { readonly journalFile: string | undefined },
  batch: ByteSource,
  { workspace, env }: { readonly workspace: string; readonly env: NodeJS.ProcessEnv },
  platform: NodeJS.Platform = process.platform,
): string {
  if (subject.journalFile !== undefined) {
    const problem = fileNameProblem(subject.journalFile, platform)
    if (problem) throw unopened(subject.journalFile, problem, 'Use a name without a colon')
    return resolve(workspace, subject.journalFile)
  }
  const digest = createHash('sha256').update(JSON.stringify(journalHeader(subject)))
  const chunk = Buffer.allocUnsafe(1 << 18)
  for (let position = 0; ; ) {
    const length = readAt(batch, chunk, position)
    if (length === 0) break
    position += length
    digest.update(chunk.subarray(0, length))
  }
  const name = `vercel-marketplace-${subject.operation.name}-${digest.digest('hex').slice(0, 16)}.ndjson`
  return join(env.RUNNER_TEMP || tmpdir(), name)
}
