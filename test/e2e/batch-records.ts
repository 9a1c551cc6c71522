// Records of batches, what a server received of them, and their journals. It works without Vitest, so that scripts use it too.

import { readFileSync } from 'node:fs'
import type { Arrival } from '../../src/sandbox/server.ts'
import { invoice, item } from './invoices.ts'

/** Returns the ids of this number of installations. */
export const installations = (count: number) => Array.from({ length: count }, (_, index) => `icfg_${index + 1}`)

/** Makes the record of an installation. The server sees the name in the request. */
export type MakeRecord = (installation: string, name: string) => object

const { integrationConfigurationId: _, externalId: __, ...bill } = invoice

export const bills: MakeRecord = (integrationConfigurationId, name) => ({
  integrationConfigurationId,
  ...bill,
  // Vercel bills a plan once in a period.
  items: [{ ...item, billingPlanId: name, name }],
})
export const usage: MakeRecord = (integrationConfigurationId, name) => ({
  integrationConfigurationId,
  eod: bill.period.end,
  period: bill.period,
  billing: [{ ...item, name }],
  usage: [],
})

/** Returns `count` records, of the given installations in turn. The name of each record contains its line. */
export const records = (make: MakeRecord, count: number, among: readonly string[]) =>
  Array.from({ length: count }, (_, index) => make(among[index % among.length] ?? '', `line ${index + 1}`))

export const ndjson = (lines: readonly object[]) => `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`

/** Returns the line of the batch file that a request came from. */
export function lineOf({ body }: Arrival): number {
  const [, line] = /"line (\d+)"/.exec(JSON.stringify(body ?? null)) ?? []
  return Number(line)
}

export const installationOf = ({ path }: Arrival) => path.split('/')[3] ?? ''
export const hasWorked = ({ worked }: Arrival) => worked !== undefined && worked < 300

/** Returns the requests of each line, except reads, in the order in which they arrived. */
export function arrivalsByLine(arrivals: readonly Arrival[]): Map<number, Arrival[]> {
  const lines = new Map<number, Arrival[]>()
  for (const arrival of arrivals.filter(({ method }) => method !== 'GET')) {
    const line = lineOf(arrival)
    const list = lines.get(line) ?? []
    list.push(arrival)
    lines.set(line, list)
  }
  return lines
}

export interface JournalEvent {
  readonly event?: string
  readonly line: number
  readonly status?: string
  readonly message?: string
  readonly [field: string]: unknown
}

/** Reads the lines of a journal. @throws {SyntaxError} if a line is not JSON */
export const readJournal = (path: string): JournalEvent[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

/** Returns the last event of each record of a journal, by line. Skips lines that a killed process left incomplete. */
export function lastEvents(path: string): Map<number, JournalEvent> {
  const last = new Map<number, JournalEvent>()
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    if (!/^\{.*\}$/.test(text)) continue
    const event = JSON.parse(text) as JournalEvent
    if (event.line !== undefined) last.set(event.line, event)
  }
  return last
}
