// The batch file: opens it, and reads its remaining records for sending.

import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { Failure } from '../../failure.ts'
import { quotePath } from '../../format.ts'
import { ageStartBytes, type Identities, isAgeFile, maxEncryptedBytes } from '../../payload/age-format.ts'
import type { Check } from '../../payload/check.ts'
import { type ByteSource, readAt } from './byte-source.ts'
import { readLines } from './lines.ts'
import { parseRecord } from './parse-record.ts'
import { type BatchRecord, type Identity, identify, type RecordContext, readRecord, recordKey } from './record.ts'
import type { PreviousOutcome, RecordStates } from './record-states.ts'
import { isInShard, type Shard } from './shard.ts'
import { Turns } from './turns.ts'

export interface BatchFile {
  /** Its content. */
  readonly source: ByteSource
  /** As the step gives it. */
  readonly path: string
  /** Of its content when it was opened; undefined if it cannot change. */
  readonly version?: string
  readonly context: RecordContext
  /** Starts the check of one record. */
  readonly newCheck: () => Check
}

/** A record to send. */
export interface RecordTask {
  readonly record: BatchRecord
  readonly identity: Identity
  readonly previous: PreviousOutcome
}

/**
 * Opens a batch file. The content of one that is encrypted with age stays in memory.
 *
 * @param path  relative to the workspace, as the step gives it
 * @param key   the identities of the input `tokens-key`
 * @throws {Failure} if it cannot be read
 */
export async function openBatchFile(
  workspace: string,
  path: string,
  key: Identities | undefined,
  { context, newCheck }: Pick<BatchFile, 'context' | 'newCheck'>,
): Promise<{ readonly file: BatchFile; readonly isEncrypted: boolean }> {
  const absolutePath = resolve(workspace, path)
  const unreadable = (reason: string) => {
    const message = `the batch file ${quotePath(path)} ${reason}`
    return new Failure('invalid_input', message, { diagnostics: [{ message }] })
  }
  const stats = statSync(absolutePath, { throwIfNoEntry: false })
  if (!stats) throw unreadable('does not exist; paths are relative to the workspace: is it checked out?')
  if (!stats.isFile()) throw unreadable('is not a regular file')
  let descriptor: number | undefined
  try {
    descriptor = openSync(absolutePath, 'r')
    const content = await decryptedContent(descriptor, absolutePath, key)
    const isEncrypted = content !== undefined
    if (isEncrypted) closeSync(descriptor)
    const version = isEncrypted ? undefined : fileVersion(descriptor)
    const file = { source: content ?? descriptor, path, context, newCheck, ...(version !== undefined && { version }) }
    return { file, isEncrypted }
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor)
    throw unreadable(`cannot be read: ${(error as Error).message}`)
  }
}

/** @returns undefined if the file is not encrypted */
async function decryptedContent(
  descriptor: number,
  path: string,
  key: Identities | undefined,
): Promise<Buffer | undefined> {
  const start = Buffer.alloc(ageStartBytes)
  readAt(descriptor, start, 0)
  if (!isAgeFile(start)) return undefined
  // Before it is read, because it can be larger than memory.
  if (fstatSync(descriptor).size > maxEncryptedBytes)
    throw new Error('it is encrypted and larger than 64 MiB: split it')
  const { openAgeFile } = await import('../../payload/age.ts')
  return openAgeFile(readFileSync(path), key)
}

/** More lines than this between two records, and the second waits for a turn of the event loop. */
const maxSkippedLines = 100

/**
 * Reads the records of a shard that are left to send, in the order of the file. The event loop gets a turn before the first
 * record, and after many lines, so that no record follows a cancellation during that time.
 *
 * @param recordStates  the previous outcomes; undefined in the first run
 * @throws {Failure} if the file has changed since it was checked
 */
export async function* remainingRecords(
  file: BatchFile,
  shard: Shard,
  recordStates: RecordStates | undefined,
): AsyncGenerator<RecordTask> {
  const turns = new Turns()
  let index = -1
  await turns.take()
  refuseChanges(file)
  for (const line of readLines(file.source)) {
    index++
    if (turns.isDue(line)) {
      refuseChanges(file)
      await turns.take()
    }
    const previous = recordStates ? recordStates.claimAt(index) : 'none'
    if (previous === undefined || previous === 'succeeded') continue
    const record = 'text' in line ? rereadRecord(line, file) : undefined
    if (!record) throw changed(`in line ${line.number}`)
    if (!isInShard(shard, record.installation)) continue
    const identity = identify(record)
    if (recordStates && !recordStates.isAt(index, recordKey(identity))) throw changed(`in line ${line.number}`)
    if (turns.lines > maxSkippedLines) {
      refuseChanges(file)
      await turns.take()
    }
    yield { record, identity, previous }
  }
  refuseChanges(file)
}

const changed = (where: string) =>
  new Failure('batch_changed', `The batch file was changed while it was read, ${where}`)

/** When the file was last written, and its size. */
const fileVersion = (descriptor: number): string => {
  const { mtimeMs, size } = fstatSync(descriptor)
  return `${mtimeMs} ${size}`
}

/** Lines that were added or changed have not been checked. */
function refuseChanges({ source, version }: BatchFile): void {
  if (version !== undefined && typeof source === 'number' && fileVersion(source) !== version)
    throw changed('after it was checked')
}

/** Reads a line that was checked before. @returns undefined if it is not a record any more */
export function rereadRecord(
  line: { readonly number: number; readonly text: string },
  { context, newCheck }: Pick<BatchFile, 'context' | 'newCheck'>,
): BatchRecord | undefined {
  // Without a value, `readRecord` returns undefined too.
  const { value } = parseRecord(line.text)
  return readRecord(line.number, value, { ...context, alreadyChecked: true }, newCheck())
}
