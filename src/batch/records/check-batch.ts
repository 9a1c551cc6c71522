// Checks the whole batch before the first record is sent.

import { type Diagnostic, Failure, formatPath } from '../../failure.ts'
import { formatCount, quote } from '../../format.ts'
import type { Check } from '../../payload/check.ts'
import { parseJson } from '../../payload/parse.ts'
import { isObject } from '../../payload/schema.ts'
import type { Source } from '../../payload/source.ts'
import type { BatchFile } from './batch-file.ts'
import { KeyHashes, type RecordStates } from './key-hashes.ts'
import { readLines } from './lines.ts'
import { type BatchRecord, identify, readRecord, recordKey } from './record.ts'
import { isInShard, type Shard } from './shard.ts'

export interface BatchCheckResult {
  /** Records of the shard. */
  readonly total: number
  readonly warnings: readonly Diagnostic[]
  readonly recordStates: RecordStates | undefined
}

/** The check stops after this many errors. */
const maxDiagnostics = 1000

/** @throws {Failure} with every problem, each with its line */
export function checkBatch(
  file: BatchFile,
  shard: Shard,
  { isResumed, failsOnWarning = false }: { readonly isResumed: boolean; readonly failsOnWarning?: boolean },
): BatchCheckResult {
  const { path, descriptor } = file
  const errors: Diagnostic[] = []
  const warnings: Diagnostic[] = []
  const ids = new KeyHashes()
  const keys = new KeyHashes()
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
    const place = positionInLine(source, path, line.number)
    errors.push(...[...source.errors, ...check.errors].map(place))
    if (warnings.length < maxDiagnostics) warnings.push(...[...source.warnings, ...check.warnings].map(place))
    const id = idOf(source.value)
    if (id !== undefined) ids.add(id)
    if (!record || !isInShard(shard, record.installation)) continue
    total++
    if (isResumed) keys.add(recordKey(identify(record)))
  }

  if (records === 0) throw batchRefused([{ message: `the batch file ${quote(path)} has no records`, file: path }])
  errors.push(...duplicateIds(ids, file))
  if (failsOnWarning) errors.push(...warnings)
  if (errors.length > 0) throw batchRefused(errors)
  return { total, warnings, recordStates: isResumed ? keys.toRecordStates() : undefined }
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

/** Ids that occur twice, each with both lines. The file is read again, because only hashes were kept. */
function* duplicateIds(ids: KeyHashes, { descriptor, path }: BatchFile): Generator<Diagnostic> {
  const isSuspect = ids.duplicates()
  if (!isSuspect) return
  const lines = new Map<string, number>()
  for (const line of readLines(descriptor)) {
    const id = 'text' in line ? idOf(parseJson(line.text).value) : undefined
    if (id === undefined || !isSuspect(id)) continue
    const first = lines.get(id)
    if (first === undefined) lines.set(id, line.number)
    else {
      const message = `${formatPath(['id'])} ${quote(id)} is also the id of line ${first}: each record needs its own`
      yield { message, file: path, position: { line: line.number, column: 1 } }
    }
  }
}

function positionInLine(source: Source, file: string, line: number): (problem: Diagnostic) => Diagnostic {
  return ({ path = [], message, at, position }) => {
    let column = position?.column
    for (let length = path.length; column === undefined && length >= 0; length--) {
      column = source.locate(path.slice(0, length), length === path.length && at ? at : 'value')?.column
    }
    const named = path.length === 0 ? `the record ${message}` : message
    return { path, message: named, file, position: { line, column: column ?? 1 } }
  }
}

function batchRefused(diagnostics: readonly Diagnostic[]): Failure {
  const many = diagnostics.length >= maxDiagnostics ? `${formatCount(maxDiagnostics)} errors or more` : 'errors'
  return new Failure('invalid_payload', `The batch file contains ${many}, and nothing was sent`, { diagnostics })
}
