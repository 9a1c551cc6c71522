// Batches as a workflow author would write them, a server that counts, and the journals that they leave.

import { readFileSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import { type Arrival, type SandboxServer, type ServerOptions, startSandboxServer } from '../../src/sandbox/server.ts'
import { invoice, item } from './invoices.ts'

/** Installation ids. */
export const installations = (count: number) => Array.from({ length: count }, (_, index) => `icfg_${index + 1}`)

export type Make = (installation: string, name: string) => object

const { integrationConfigurationId: _, externalId: __, ...bill } = invoice

/** The record is known at the server by its name. */
export const bills: Make = (integrationConfigurationId, name) => ({
  integrationConfigurationId,
  ...bill,
  items: [{ ...item, name }],
})
export const usage: Make = (integrationConfigurationId, name) => ({
  integrationConfigurationId,
  eod: bill.period.end,
  period: bill.period,
  billing: [{ ...item, name }],
  usage: [],
})

/** Records of so many installations in turn; the name of each is its line. */
export const records = (make: Make, count: number, among: readonly string[]) =>
  Array.from({ length: count }, (_, index) => make(among[index % among.length] ?? '', `line ${index + 1}`))

export const ndjson = (lines: readonly object[]) => `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`

/** The line of the batch file that a request came from, by its name. */
export function lineOf({ body }: Arrival): number {
  const [, line] = /"line (\d+)"/.exec(JSON.stringify(body ?? null)) ?? []
  return Number(line)
}

export const installationOf = ({ path }: Arrival) => path.split('/')[3] ?? ''
export const hasWorked = ({ worked }: Arrival) => worked !== undefined && worked < 300

/** What was sent for each line, in the order in which it arrived. */
export function byLine(arrivals: readonly Arrival[]): Map<number, Arrival[]> {
  const lines = new Map<number, Arrival[]>()
  for (const arrival of arrivals.filter(({ method }) => method !== 'GET')) {
    const line = lineOf(arrival)
    const list = lines.get(line) ?? []
    list.push(arrival)
    lines.set(line, list)
  }
  return lines
}

/** A server that is closed after the test. */
export async function listening(options: ServerOptions = {}): Promise<SandboxServer> {
  const server = await startSandboxServer(options)
  onTestFinished(server.close)
  return server
}

export interface JournalEvent {
  readonly event?: string
  readonly line: number
  readonly status?: string
  readonly message?: string
  readonly [field: string]: unknown
}

/** A journal's lines. @throws where one is no JSON */
export const readJournal = (path: string): JournalEvent[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

/** What a journal says of each line in the end. Torn lines of killed processes say nothing. */
export function endings(path: string): Map<number, JournalEvent> {
  const last = new Map<number, JournalEvent>()
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    if (!/^\{.*\}$/.test(text)) continue
    const event = JSON.parse(text) as JournalEvent
    if (event.line !== undefined) last.set(event.line, event)
  }
  return last
}

/** Numbers from 0 to 1, the same for a seed each time (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}
