// Checks the whole batch before the first record is sent.

import { type Diagnostic, Failure, formatPath } from '../../failure.ts'
import { formatCount, quote } from '../../format.ts'
import type { Check } from '../../payload/check.ts'
import { parseJson } from '../../payload/parse.ts'
import { isObject } from '../../payload/schema.ts'
import type { Source } from '../../payload/source.ts'
import type { BatchFile } from './batch-file.ts'
import { formatProblem } from './file-format.ts'
import { KeyHashes } from './key-hashes.ts'
import { readLines } from './lines.ts'
import { type BatchRecord, type Identity, identify, readRecord, recordKey } from './record.ts'
import { RecordStates } from './record-states.ts'
import { RepeatedRefunds } from './repeated-refunds.ts'
import { isInShard, type Shard } from './shard.ts'

export interface BatchCheckResult {
  /** Records of the shard. */
  readonly total: number
  readonly warnings: readonly Diagnostic[]
  /** For the journal of earlier runs; undefined in the first run. */
  readonly recordStates: RecordStates | undefined
}

/** Gets each record of the whole file that was checked, in order, with the warnings of its check. */
export type OnRecord = (record: BatchRecord, identity: Identity, warnings: readonly Diagnostic[]) => void

/** The check stops after this many errors. */
const maxDiagnostics = 1000

/**
 * Checks every line of the file, those of other shards too.
 *
 * @param isResumed  whether a journal of earlier runs exists
 * @param failsOnWarning  whether a warning is an error
 * @param onRecord  called for each record without errors; other records may still have some
 * @throws {Failure} with every problem, each with its line
 */
export function checkBatch(
  file: BatchFile,
  shard: Shard,
  {
    isResumed,
    failsOnWarning = false,
    onRecord,
  }: { readonly isResumed: boolean; readonly failsOnWarning?: boolean; readonly onRecord?: OnRecord },
): BatchCheckResult {
  const { path, descriptor } = file
  const wrongFormat = formatProblem(descriptor, path)
  if (wrongFormat) {
    const { line, message } = wrongFormat
    throw batchRefused([{ message, file: path, position: { line, column: 1 } }])
  }
  const errors: Diagnostic[] = []
  const warnings: Diagnostic[] = []
  const ids = new KeyHashes()
  const keys = new KeyHashes()
  const refunds = new RepeatedRefunds()
  let records = 0
  let total = 0

  for (const line of readLines(descriptor)) {
    if (errors.length >= maxDiagnostics) break
    records++
    if ('problem' in line) {
      errors.push({ message: `the record ${line.problem}`, file: path, position: { line: line.number, column: 1 } })
      continue
    }
    const { record, source, check } = readLine(line, file)
    const inFile = locateInFile(source, path, line.number)
    errors.push(...source.errors.map(aboutRecord).map(inFile), ...check.errors.map(inFile))
    if (warnings.length < maxDiagnostics) {
      warnings.push(...source.warnings.map(aboutRecord).map(inFile), ...check.warnings.map(inFile))
    }
    const id = idOf(source.value)
    if (id !== undefined) ids.add(id)
    if (!record) continue
    refunds.add(record)
    const identity = onRecord || isResumed ? identify(record) : undefined
    if (identity) onRecord?.(record, identity, [...source.warnings, ...check.warnings])
    if (!isInShard(shard, record.installation)) continue
    total++
    if (isResumed && identity) keys.add(recordKey(identity))
  }

  if (records === 0) throw batchRefused([{ message: `the batch file ${quote(path)} has no records`, file: path }])
  errors.push(...duplicateIds(ids, file))
  if (errors.length === 0) errors.push(...refunds.diagnostics(file))
  if (failsOnWarning) errors.push(...warnings)
  if (errors.length > 0) throw batchRefused(errors)
  return { total, warnings, recordStates: isResumed ? new RecordStates(keys) : undefined }
}

function readLine(
  { number, text }: { number: number; text: string },
  { context, newCheck }: BatchFile,
): { readonly record: BatchRecord | undefined; readonly source: Source; readonly check: Check } {
  const source = parseJson(text)
  const check = newCheck()
  const record = source.errors.length > 0 ? undefined : readRecord(number, source.value, context, check)
  return { record, source, check }
}

/** A record's own id, also if the record has errors. */
const idOf = (value: unknown): string | undefined =>
  isObject(value) && typeof value.id === 'string' && value.id !== '' ? value.id : undefined

/** Ids that occur twice, each with both lines. It reads the file again, because only hashes were kept. */
function* duplicateIds(ids: KeyHashes, { descriptor, path }: BatchFile): Generator<Diagnostic> {
  const mayBeDuplicate = ids.duplicates()
  if (!mayBeDuplicate) return
  const firstLines = new Map<string, number>()
  for (const line of readLines(descriptor)) {
    const id = 'text' in line ? idOf(parseJson(line.text).value) : undefined
    if (id === undefined || !mayBeDuplicate(id)) continue
    const firstLine = firstLines.get(id)
    if (firstLine === undefined) firstLines.set(id, line.number)
    else {
      const message = `${formatPath(['id'])} ${quote(id)} is also the id of line ${firstLine}: each record needs its own`
      yield { message, file: path, position: { line: line.number, column: 1 } }
    }
  }
}

/** A syntax problem as a sentence about the record. */
const aboutRecord = (problem: Diagnostic): Diagnostic =>
  (problem.path ?? []).length === 0 ? { ...problem, message: `the record ${problem.message}` } : problem

/** Adds the file, the line and the column to a problem: those of its field, or of the nearest parent that is there. */
function locateInFile(source: Source, file: string, line: number): (problem: Diagnostic) => Diagnostic {
  return ({ path = [], message, at, position }) => {
    let column = position?.column
    for (let length = path.length; column === undefined && length >= 0; length--) {
      column = source.locate(path.slice(0, length), length === path.length && at ? at : 'value')?.column
    }
    return { path, message, file, position: { line, column: column ?? 1 } }
  }
}

function batchRefused(diagnostics: readonly Diagnostic[]): Failure {
  const errors = diagnostics.length >= maxDiagnostics ? `${formatCount(maxDiagnostics)} errors or more` : 'errors'
  return new Failure('invalid_payload', `The batch file contains ${errors}, and nothing was sent`, { diagnostics })
}
