// Journals as runs leave them behind.

import { closeSync, openSync } from 'node:fs'
import {
  type Begun,
  type Event,
  type Header,
  type Outcome,
  readJournal,
  type Sent,
} from '../../src/batch/journal/journal.ts'
import { Roll, type Standing } from '../../src/batch/records/key-hashes.ts'
import { keyOf } from '../../src/batch/records/record.ts'

export const header: Header = {
  journal: 'vercel-marketplace',
  version: 1,
  operation: 'submitInvoice',
  shard: '1/1',
  api: 'api.vercel.com',
  externalId: 'auto',
}
const at = '2025-03-15T12:00:00.000Z'
const installation = 'icfg_1'

export const begun = (total: number): Begun => ({ event: 'begun', at, batch: 'batch.ndjson', total })
export const sent = (id: string, change: Partial<Sent> = {}): Sent => ({
  event: 'sent',
  id,
  line: 1,
  installation,
  at,
  ...change,
})
export const outcome = (id: string, event: Outcome['event'], change: Partial<Outcome> = {}): Outcome => ({
  event,
  id,
  line: 1,
  installation,
  at,
  ...change,
})
export const succeeded = (id: string, change: Partial<Outcome> = {}): Outcome =>
  outcome(id, 'succeeded', { status: 'accepted', attempts: 1, ms: 10, ...change })

/** A journal's text. */
export const textOf = (...lines: (Header | Event)[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('')

/** Everything that a journal says. */
export function contentOf(path: string): { header: Header; events: Event[] } {
  const file = openSync(path, 'r')
  try {
    const { header, events } = readJournal(file)
    return { header, events: [...events] }
  } finally {
    closeSync(file)
  }
}

/** The records of a batch file, before the journal has said anything. */
export function standingOf(...records: { id: string; digest?: string }[]): Standing {
  const roll = new Roll()
  for (const record of records) roll.add(keyOf(record))
  return roll.seal()
}
