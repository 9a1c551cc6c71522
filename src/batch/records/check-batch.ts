// The whole batch is checked before the first record is sent.

import { type Diagnostic, Failure, formatPath } from '../../failure.ts'
import { formatCount, quote } from '../../format.ts'
import type { Check } from '../../payload/check.ts'
import { parseJson } from '../../payload/parse.ts'
import { isObject } from '../../payload/schema.ts'
import type { Source } from '../../payload/source.ts'
import { KeyHashes, type RecordStates } from './key-hashes.ts'
import { readLines } from './lines.ts'
import { type BatchRecord, identify, type RecordContext, readRecord, recordKey } from './record.ts'
import { isInShard, type Shard } from './shard.ts'

export interface BatchCheck {
  readonly recordContext: RecordContext
  /** An open file. */
  readonly file: number
  /** Its path as the step gives it. */
  readonly path: string
  readonly shard: Shard
  readonly newCheck: () => Check
  /** Whether the records are to be held against a journal. */
  readonly isResumed: boolean
}

export interface BatchCheckResult {
  /** Records of the shard. */
  readonly total: number
  readonly warnings: readonly Diagnostic[]
  readonly recordStates: RecordStates | undefined
}

/** More than these are not looked for. */
const maxDiagnostics = 1000

/** @throws {Failure} with every problem, each with its line */
export function checkBatch(examination: BatchCheck): BatchCheckResult {
  const { file, path, shard, isResumed } = examination
  const errors: Diagnostic[] = []
  const warnings: Diagnostic[] = []
  const ids = new KeyHashes()
  const keys = new KeyHashes()
  let records = 0
  let total = 0

  for (const line of readLines(file)) {
    if (errors.length >= maxDiagnostics) break
    records++
    if ('problem' in line) {
      errors.push({ message: `the record ${line.problem}`, file: path, position: { line: line.number, column: 1 } })
      continue
    }
    const { record, source, context } = readLine(line, examination)
    const place = positionInLine(source, path, line.number)
    errors.push(...[...source.errors, ...context.errors].map(place))
    if (warnings.length < maxDiagnostics) warnings.push(...[...source.warnings, ...context.warnings].map(place))
    const id = idOf(source.value)
    if (id !== undefined) ids.add(id)
    if (!record || !isInShard(shard, record.installation)) continue
    total++
    if (isResumed) keys.add(recordKey(identify(record)))
  }

  if (records === 0) throw batchRefused([{ message: `the batch file ${quote(path)} has no records`, file: path }])
  errors.push(...duplicateIds(ids, examination))
  if (errors.length > 0) throw batchRefused(errors)
  return { total, warnings, recordStates: isResumed ? keys.toRecordStates() : undefined }
}

interface ReadLine {
  readonly record: BatchRecord | undefined
  readonly source: Source
  readonly context: Check
}

function readLine(
  { number, text }: { number: number; text: string },
  { recordContext, newCheck }: BatchCheck,
): ReadLine {
  const source = parseJson(text)
  const context = newCheck()
  const record = source.errors.length > 0 ? undefined : readRecord(number, source.value, recordContext, context)
  return { record, source, context }
}

/** The id of a record's own, also of one that is not right. */
const idOf = (value: unknown): string | undefined =>
  isObject(value) && typeof value.id === 'string' && value.id !== '' ? value.id : undefined

/** Ids that come twice, each with both of its lines. They are read again, since only their hashes were kept. */
function* duplicateIds(ids: KeyHashes, { file, path }: BatchCheck): Generator<Diagnostic> {
  const isSuspect = ids.duplicates()
  if (!isSuspect) return
  const lines = new Map<string, number>()
  for (const line of readLines(file)) {
    const id = 'text' in line ? idOf(parseJson(line.text).value) : undefined
    if (id === undefined || !isSuspect(id)) continue
    const first = lines.get(id)
    if (first === undefined) lines.set(id, line.number)
    else {
      const message = `${formatPath(['id'])} ${quote(id)} is that of line ${first} too; the journal could not tell them apart`
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

function batchRefused(findings: readonly Diagnostic[]): Failure {
  const many = findings.length >= maxDiagnostics ? `${formatCount(maxDiagnostics)} problems and maybe more` : 'problems'
  return new Failure('invalid_payload', `The batch file has ${many}, and nothing was sent`, { findings })
}
