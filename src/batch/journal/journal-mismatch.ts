// A journal that does not fit its batch, and the failure that says why.

import { type Diagnostic, Failure } from '../../failure.ts'
import { countOf, quote } from '../../format.ts'
import { type BatchFile, rereadRecord } from '../records/batch-file.ts'
import { readLines } from '../records/lines.ts'
import { redactedRecord } from '../records/record.ts'
import type { SentEvent } from './journal.ts'

/** Thrown for a journal that has records which the batch does not have: ten of them at most. */
export class JournalMismatch extends Error {
  readonly records: readonly SentEvent[]
  readonly hasNothingInCommon: boolean

  constructor(records: readonly SentEvent[], hasNothingInCommon: boolean) {
    super('The journal belongs to another batch')
    this.records = records
    this.hasNothingInCommon = hasNothingInCommon
  }
}

export const otherJournalHint = 'Use another `journal-file`'

export const journalUnusable = (message: string, hint: string, diagnostics: readonly Diagnostic[] = []) =>
  new Failure('journal_unusable', message, { hint, diagnostics })

/** The failure for a mismatch, with the changed records as the batch file has them now. */
export function explainMismatch(path: string, mismatch: JournalMismatch, file: BatchFile): Failure {
  const wanted = new Set(mismatch.records.map(({ id }) => id))
  const inFile = new Map<string, { line: number; request: unknown }>()
  for (const line of readLines(file.descriptor)) {
    const record = 'text' in line ? rereadRecord(line, file) : undefined
    if (record?.ownId === undefined || !wanted.has(record.ownId)) continue
    inFile.set(record.ownId, { line: record.line, request: redactedRecord(record) })
  }
  return mismatchFailure(path, mismatch, inFile)
}

/** The failure for a journal that has other records than the batch. */
export function mismatchFailure(
  path: string,
  { records, hasNothingInCommon }: JournalMismatch,
  inFile: ReadonlyMap<string, { line: number; request: unknown }>,
): Failure {
  const changed = records.filter(({ id, digest }) => digest !== undefined && inFile.has(id))
  if (changed.length > 0) {
    const diagnostics = changed.map(({ id, line, request }) => {
      const now = inFile.get(id)
      const [was, is] = firstDifference(request, now?.request)
      return {
        message: `the record ${quote(id)} has changed: it was sent as ${was} (line ${line} then), and is ${is} now (line ${now?.line}); give the new record its own id`,
      }
    })
    return journalUnusable('Records of the journal have changed, and nothing was sent', '', diagnostics)
  }
  if (hasNothingInCommon)
    return journalUnusable(
      `The journal ${quote(path)} belongs to another batch file: it shares no record with this one`,
      otherJournalHint,
    )
  const [first] = records
  return journalUnusable(
    `The journal ${quote(path)} has ${records.length < 10 ? countOf(records.length, 'record') : '10 or more records'} that the batch file does not have, the first from line ${first?.line} (installation ${first?.installation})`,
    `Records may be added to a batch, but not changed or removed: restore them, or use another \`journal-file\``,
  )
}

const requestText = (request: unknown) => (typeof request === 'string' ? request : JSON.stringify(request ?? null))

/** Two requests, each from shortly before the place where they differ. */
function firstDifference(...requests: [unknown, unknown]): [string, string] {
  const [one, two] = requests.map(requestText) as [string, string]
  let same = 0
  while (same < one.length && one[same] === two[same]) same++
  const start = same < 200 ? 0 : same - 50
  const show = (text: string) =>
    `${start > 0 ? '…' : ''}${text.slice(start, start + 300)}${text.length > start + 300 ? '…' : ''}`
  return [show(one), show(two)]
}
