// The whole batch is checked before the first record is sent.

import { type Diagnostic, Failure, formatPath } from '../../failure.ts'
import { formatCount, quote } from '../../format.ts'
import type { Check } from '../../payload/check.ts'
import { parseJson } from '../../payload/parse.ts'
import { isObject } from '../../payload/schema.ts'
import type { Source } from '../../payload/source.ts'
import { Roll, type Standing } from './key-hashes.ts'
import { readLines } from './lines.ts'
import { type BatchRecord, identify, keyOf, type Reading, readRecord } from './record.ts'
import { isInShard, type Shard } from './shard.ts'

export interface Examination {
  readonly reading: Reading
  /** An open file. */
  readonly file: number
  /** Its path as the step gives it. */
  readonly path: string
  readonly shard: Shard
  readonly newCheck: () => Check
  /** Whether the records are to be held against a journal. */
  readonly isResumed: boolean
}

export interface Examined {
  /** Records of the shard. */
  readonly total: number
  readonly warnings: readonly Diagnostic[]
  readonly standing: Standing | undefined
}

/** More than these are not looked for. */
const mostFindings = 1000

/** @throws {Failure} with every problem, each with its line */
export function examine(examination: Examination): Examined {
  const { file, path, shard, isResumed } = examination
  const errors: Diagnostic[] = []
  const warnings: Diagnostic[] = []
  const ids = new Roll()
  const keys = new Roll()
  let records = 0
  let total = 0

  for (const line of readLines(file)) {
    if (errors.length >= mostFindings) break
    records++
    if ('problem' in line) {
      errors.push({ message: `the record ${line.problem}`, file: path, position: { line: line.number, column: 1 } })
      continue
    }
    const { record, source, context } = read(line, examination)
    const place = placeIn(source, path, line.number)
    errors.push(...[...source.errors, ...context.errors].map(place))
    if (warnings.length < mostFindings) warnings.push(...[...source.warnings, ...context.warnings].map(place))
    const id = idOf(source.value)
    if (id !== undefined) ids.add(id)
    if (!record || !isInShard(shard, record.installation)) continue
    total++
    if (isResumed) keys.add(keyOf(identify(record)))
  }

  if (records === 0) throw refused([{ message: `the batch file ${quote(path)} has no records`, file: path }])
  errors.push(...repeated(ids, examination))
  if (errors.length > 0) throw refused(errors)
  return { total, warnings, standing: isResumed ? keys.seal() : undefined }
}

interface ReadLine {
  readonly record: BatchRecord | undefined
  readonly source: Source
  readonly context: Check
}

function read({ number, text }: { number: number; text: string }, { reading, newCheck }: Examination): ReadLine {
  const source = parseJson(text)
  const context = newCheck()
  const record = source.errors.length > 0 ? undefined : readRecord(number, source.value, reading, context)
  return { record, source, context }
}

/** The id of a record's own, also of one that is not right. */
const idOf = (value: unknown): string | undefined =>
  isObject(value) && typeof value.id === 'string' && value.id !== '' ? value.id : undefined

/** Ids that come twice, each with both of its lines. They are read again, since only their hashes were kept. */
function* repeated(ids: Roll, { file, path }: Examination): Generator<Diagnostic> {
  const isSuspect = ids.repeated()
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

function placeIn(source: Source, file: string, line: number): (problem: Diagnostic) => Diagnostic {
  return ({ path = [], message, at, position }) => {
    let column = position?.column
    for (let length = path.length; column === undefined && length >= 0; length--) {
      column = source.locate(path.slice(0, length), length === path.length && at ? at : 'value')?.column
    }
    const named = path.length === 0 ? `the record ${message}` : message
    return { path, message: named, file, position: { line, column: column ?? 1 } }
  }
}

function refused(findings: readonly Diagnostic[]): Failure {
  const many = findings.length >= mostFindings ? `${formatCount(mostFindings)} problems and maybe more` : 'problems'
  return new Failure('invalid_payload', `The batch file has ${many}, and nothing was sent`, { findings })
}
