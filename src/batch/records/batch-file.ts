// The batch file: opened, and its remaining records read again for sending.

import { openSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { Failure } from '../../failure.ts'
import { quote } from '../../format.ts'
import type { Check } from '../../payload/check.ts'
import type { PreviousOutcome, RecordStates } from './key-hashes.ts'
import { readLines } from './lines.ts'
import { type BatchRecord, type Identity, identify, type RecordContext, readRecord, recordKey } from './record.ts'
import { isInShard, type Shard } from './shard.ts'

export interface BatchFile {
  /** Open for reading. */
  readonly descriptor: number
  /** As the step gives it. */
  readonly path: string
  /** What its lines are read with. */
  readonly context: RecordContext
  readonly newCheck: () => Check
}

/** A record that is to be sent. */
export interface RecordTask {
  readonly record: BatchRecord
  readonly identity: Identity
  readonly previous: PreviousOutcome
}

/**
 * Opens a batch file.
 *
 * @param path  relative to the workspace, as the step gives it
 * @throws {Failure} if it cannot be read
 */
export function openBatchFile(
  workspace: string,
  path: string,
  reading: Pick<BatchFile, 'context' | 'newCheck'>,
): BatchFile {
  const full = resolve(workspace, path)
  const refuse = (reason: string) => {
    const message = `the batch file ${quote(path)} ${reason}`
    return new Failure('invalid_input', message, { diagnostics: [{ message }] })
  }
  const stats = statSync(full, { throwIfNoEntry: false })
  if (!stats) throw refuse('does not exist; paths are relative to the workspace: is it checked out?')
  if (!stats.isFile()) throw refuse('is not a regular file')
  try {
    return { descriptor: openSync(full, 'r'), path, ...reading }
  } catch (error) {
    throw refuse(`cannot be read: ${(error as Error).message}`)
  }
}

/** The records of a shard that are left to send, in the order of the file. */
export function* remainingRecords(
  file: BatchFile,
  shard: Shard,
  recordStates: RecordStates | undefined,
): Generator<RecordTask> {
  for (const line of readLines(file.descriptor)) {
    const record = 'text' in line ? rereadRecord(line, file) : undefined
    if (!record) {
      throw new Failure('batch_changed', `The batch file was changed while it was read, in line ${line.number}`)
    }
    if (!isInShard(shard, record.installation)) continue
    const identity = identify(record)
    const previous = recordStates?.claim(recordKey(identity)) ?? 'none'
    if (previous !== 'succeeded') yield { record, identity, previous }
  }
}

/** Reads a line that was checked before. @returns undefined if it is not a record any more */
export function rereadRecord(
  line: { readonly number: number; readonly text: string },
  { context, newCheck }: Pick<BatchFile, 'context' | 'newCheck'>,
): BatchRecord | undefined {
  let value: unknown
  try {
    value = JSON.parse(line.text)
  } catch {
    return undefined
  }
  return readRecord(line.number, value, { ...context, alreadyChecked: true }, newCheck())
}
