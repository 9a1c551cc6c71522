// The second reading of a batch file in which keys seem to be repeated: which lines repeat which.

import type { Diagnostic } from '../../failure.ts'
import { formatCount } from '../../format.ts'
import { isObject } from '../../payload/schema.ts'
import type { BatchFile } from './batch-file.ts'
import type { BatchProblems } from './batch-problems.ts'
import { readLines } from './lines.ts'
import { parseRecord } from './parse-record.ts'
import { type BatchRecord, readRecord } from './record.ts'
import { billedKeys, idKey, isRepeat, requestKey, type UniqueKey } from './repeat-rules.ts'
import type { KeyHolder, Repeats, SuspectedKeys } from './repeats.ts'
import type { Turns } from './turns.ts'

/** A record's own id, also if the record has errors. */
const idOf = (value: unknown): string | undefined =>
  isObject(value) && typeof value.id === 'string' && value.id !== '' ? value.id : undefined

/** The keys that must be unique: of the line's id, and of its record if it has no errors. */
function* uniqueKeys(
  value: unknown,
  record: BatchRecord | undefined,
  { context: { externalId } }: BatchFile,
): Generator<UniqueKey> {
  const id = idOf(value)
  if (id !== undefined) yield idKey(id)
  const key = record && requestKey(record, externalId)
  if (key) yield key
}

/** The first reading: adds the keys of a line. */
export function addKeys(repeats: Repeats, value: unknown, record: BatchRecord | undefined, file: BatchFile): void {
  for (const { key } of uniqueKeys(value, record, file)) repeats.add(key)
  if (!record) return
  const billed = billedKeys(record)
  // Items of one invoice may be alike.
  for (const key of billed.length > 1 ? new Set(billed) : billed) repeats.add(key)
}

/** Reports what is repeated. It reads the file again, because only hashes of the keys were kept. */
export async function reportRepeats(
  repeats: Repeats,
  file: BatchFile,
  problems: BatchProblems,
  turns: Turns,
): Promise<void> {
  const suspects = repeats.suspects()
  if (!suspects) return
  const billed = new RepeatedItems()
  for (const line of readLines(file.source)) {
    if (problems.isFull) break
    if (turns.isDue(line)) await turns.take()
    if (!('text' in line)) continue
    const { value } = parseRecord(line.text)
    const context = { ...file.context, alreadyChecked: true }
    const record = isObject(value) ? readRecord(line.number, value, context, file.newCheck()) : undefined
    const holder = { line: line.number, hasId: idOf(value) !== undefined }
    for (const unique of uniqueKeys(value, record, file)) {
      const first = suspects.firstWith(unique.key, holder)
      if (first && isRepeat(unique, first, holder)) problems.addError(unique.message(first.line), line.number)
    }
    if (record) billed.look(record, holder, suspects)
  }
  const warning = billed.diagnostic(file.path)
  if (warning) problems.addWarning(warning)
}

/** How many repeated items a warning names. */
const maxNamedItems = 5

/** What a batch bills more than once, in one warning however often it occurs. */
class RepeatedItems {
  readonly #named: { readonly index: number; readonly line: number; readonly first: number }[] = []
  #count = 0

  look(record: BatchRecord, holder: KeyHolder, suspects: SuspectedKeys): void {
    const { line } = holder
    for (const [index, key] of billedKeys(record).entries()) {
      const first = suspects.firstWith(key, holder)?.line
      if (first === undefined || first === line) continue
      this.#count++
      if (this.#named.length < maxNamedItems) this.#named.push({ index, line, first })
    }
  }

  diagnostic(file: string): Diagnostic | undefined {
    const [first] = this.#named
    if (!first) return undefined
    const places = this.#named.map(({ index, line, first }) => `items[${index}] of line ${line} (as in line ${first})`)
    const more = this.#count - places.length
    if (more > 0) places.push(`${formatCount(more)} more`)
    const isOne = this.#count === 1
    const subject = isOne ? '1 item has' : `${formatCount(this.#count)} items have`
    const message = `${subject} the same resource, plan and period as an item of an earlier invoice of the installation, and Vercel bills these once: ${places.join(', ')}. Remove ${isOne ? 'it, or correct its period' : 'them, or correct their periods'}`
    return { message, file, position: { line: first.line, column: 1 } }
  }
}
