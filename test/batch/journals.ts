// Builds and reads journals.

import { closeSync, openSync } from 'node:fs'
import type {
  BegunEvent,
  JournalEvent,
  JournalHeader,
  NotSentEvent,
  OutcomeEvent,
  SentEvent,
} from '../../src/batch/journal/journal-format.ts'
import { LineChain } from '../../src/batch/journal/line-chain.ts'
import { readJournal } from '../../src/batch/journal/read-journal.ts'
import { KeyHashes } from '../../src/batch/records/key-hashes.ts'
import { recordKey } from '../../src/batch/records/record.ts'
import { RecordStates } from '../../src/batch/records/record-states.ts'

export const header: JournalHeader = {
  journal: 'vercel-marketplace',
  version: 1,
  operation: 'submitInvoice',
  shard: '1/1',
  api: 'https://api.vercel.com',
  externalId: 'auto',
}
const at = '2025-03-15T12:00:00.000Z'
const installation = 'icfg_1'

export const begun = (total: number): BegunEvent => ({ event: 'begun', at, batch: 'batch.ndjson', total })
export const sent = (id: string, change: Partial<SentEvent> = {}): SentEvent => ({
  event: 'sent',
  id,
  line: 1,
  installation,
  at,
  ...change,
})
export const notSent = (id: string): NotSentEvent => ({ event: 'not_sent', id, line: 1, installation, at })
export const outcome = (
  id: string,
  event: OutcomeEvent['event'],
  change: Partial<OutcomeEvent> = {},
): OutcomeEvent => ({
  event,
  id,
  line: 1,
  installation,
  at,
  ...change,
})
export const succeeded = (id: string, change: Partial<OutcomeEvent> = {}): OutcomeEvent =>
  outcome(id, 'succeeded', { status: 'accepted', attempts: 1, ms: 10, ...change })

/** The text of a journal. */
export function journalText(...lines: (JournalHeader | JournalEvent)[]): string {
  const chain = new LineChain()
  return lines.map((line) => `${chain.seal(JSON.stringify(line))}\n`).join('')
}

/** The text of a journal that an earlier version has written, without checksums. */
export const earlierText = (...lines: (JournalHeader | JournalEvent)[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('')

/** The header and all events of a journal. */
export function readWholeJournal(path: string): { header: JournalHeader; events: JournalEvent[] } {
  const descriptor = openSync(path, 'r')
  try {
    const { header, events } = readJournal(descriptor)
    return { header, events: [...events] }
  } finally {
    closeSync(descriptor)
  }
}

/** The states of records that were never sent. */
export function newRecordStates(...records: { id: string; digest?: string }[]): RecordStates {
  const keys = new KeyHashes()
  for (const record of records) keys.add(recordKey(record))
  return new RecordStates(keys)
}
