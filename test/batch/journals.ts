// Journals as runs leave them behind.

import { closeSync, openSync } from 'node:fs'
import {
  type BegunEvent,
  type JournalEvent,
  type JournalHeader,
  type OutcomeEvent,
  readJournal,
  type SentEvent,
} from '../../src/batch/journal/journal.ts'
import { KeyHashes, type RecordStates } from '../../src/batch/records/key-hashes.ts'
import { recordKey } from '../../src/batch/records/record.ts'

export const header: JournalHeader = {
  journal: 'vercel-marketplace',
  version: 1,
  operation: 'submitInvoice',
  shard: '1/1',
  api: 'api.vercel.com',
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

/** A journal's text. */
export const textOf = (...lines: (JournalHeader | JournalEvent)[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('')

/** Everything that a journal says. */
export function contentOf(path: string): { header: JournalHeader; events: JournalEvent[] } {
  const file = openSync(path, 'r')
  try {
    const { header, events } = readJournal(file)
    return { header, events: [...events] }
  } finally {
    closeSync(file)
  }
}

/** The records of a batch file, before the journal has said anything. */
export function standingOf(...records: { id: string; digest?: string }[]): RecordStates {
  const roll = new KeyHashes()
  for (const record of records) roll.add(recordKey(record))
  return roll.toRecordStates()
}
