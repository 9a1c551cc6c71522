// A journal that does not match its batch, and the failure that explains the difference.

import { type Diagnostic, Failure } from '../../failure.ts'
import { countOf, quote, quotePath } from '../../format.ts'
import { Secrets } from '../../secrets.ts'
import { type BatchFile, rereadRecord } from '../records/batch-file.ts'
import { readLines } from '../records/lines.ts'
import { redactedRecord } from '../records/record.ts'
import type { SentEvent } from './journal-format.ts'

/** How many records of the journal a mismatch lists. */
export const maxMismatchedRecords = 10

/** How much of a request is shown, and how much of it before the first difference. */
const maxDifferenceChars = 300
const maxCharsBeforeDifference = 50
/** Requests that differ within this many characters are shown from their beginning. */
const maxCharsFromStart = 200

/** Thrown if the journal has records that the batch does not have. */
export class JournalMismatch extends Error {
  /** The first of them, at least one and at most `maxMismatchedRecords`. */
  readonly records: readonly SentEvent[]
  readonly hasNothingInCommon: boolean

  constructor(records: readonly SentEvent[], hasNothingInCommon: boolean) {
    super('The journal belongs to another batch')
    this.records = records
    this.hasNothingInCommon = hasNothingInCommon
  }
}

export const otherJournalHint = 'Use another `journal-file`'

/** A failure with the code `journal_unusable`. */
export const journalUnusable = (message: string, hint: string, diagnostics: readonly Diagnostic[] = []) =>
  new Failure('journal_unusable', message, { hint, diagnostics })

/** A record as the batch file has it now. */
interface CurrentRecord {
  readonly line: number
  readonly request: unknown
}

/** The failure for a mismatch. It reads the batch file to show how records have changed. */
export function explainMismatch(path: string, mismatch: JournalMismatch, file: BatchFile): Failure {
  const ids = new Set(mismatch.records.map(({ id }) => id))
  const currentRecords = new Map<string, CurrentRecord>()
  for (const line of readLines(file.source)) {
    const record = 'text' in line ? rereadRecord(line, file) : undefined
    if (record?.ownId === undefined || !ids.has(record.ownId)) continue
    const secrets = new Secrets()
    secrets.add([record.token, ...record.secrets])
    currentRecords.set(record.ownId, { line: record.line, request: secrets.scrub(requestText(redactedRecord(record))) })
  }
  return mismatchFailure(path, mismatch, currentRecords)
}

/**
 * The failure for a mismatch.
 *
 * @param currentRecords  records of the batch file by their own ids
 */
export function mismatchFailure(
  path: string,
  { records, hasNothingInCommon }: JournalMismatch,
  currentRecords: ReadonlyMap<string, CurrentRecord>,
): Failure {
  const changed = records.filter(({ id, digest }) => digest !== undefined && currentRecords.has(id))
  if (changed.length > 0) {
    const diagnostics = changed.map(({ id, line, request }) => {
      const current = currentRecords.get(id) as CurrentRecord
      const [before, after] = excerptsAtDifference(request, current.request)
      return {
        message: `the record ${quote(id)} has changed: it was sent as ${before} (line ${line} then), and is ${after} now (line ${current.line}); give the new record its own id`,
      }
    })
    return journalUnusable('Records of the journal have changed, and nothing was sent', '', diagnostics)
  }
  if (hasNothingInCommon)
    return journalUnusable(
      `The journal ${quotePath(path)} belongs to another batch file: it shares no record with this one`,
      `${otherJournalHint}. If it is the same batch with changed records, restore them instead: the batch would be sent again from the start, and Vercel recognizes only invoices whose \`externalId\` is still the same`,
    )
  const first = records[0] as SentEvent
  const count =
    records.length < maxMismatchedRecords
      ? countOf(records.length, 'record')
      : `${maxMismatchedRecords} or more records`
  return journalUnusable(
    `The journal ${quotePath(path)} has ${count} that the batch file does not have, the first from line ${first.line} (installation ${first.installation})`,
    'Records may be added to a batch, but not changed or removed: restore them. With another `journal-file` the batch is sent again from the start, and Vercel recognizes only invoices whose `externalId` is still the same',
  )
}

const requestText = (request: unknown) => (typeof request === 'string' ? request : JSON.stringify(request ?? null))

/** Excerpts of two requests. Both start at the same place, shortly before the first difference. */
function excerptsAtDifference(...requests: [unknown, unknown]): [string, string] {
  const [before, after] = requests.map(requestText) as [string, string]
  let same = 0
  while (same < before.length && before[same] === after[same]) same++
  const start = same < maxCharsFromStart ? 0 : same - maxCharsBeforeDifference
  const end = start + maxDifferenceChars
  const excerpt = (text: string) => `${start > 0 ? '…' : ''}${text.slice(start, end)}${text.length > end ? '…' : ''}`
  return [excerpt(before), excerpt(after)]
}
