// The report of a run: from the journal, for the records of its shard.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { recordKey } from '../../../src/batch/records/record.ts'
import {
  type BatchReporter,
  openReporter,
  type ReportInputs,
  reportRun,
} from '../../../src/batch/report/batch-reporter.ts'
import { openTrackingTable } from '../../../src/batch/report/tracking-table.ts'
import { findOperation, type Operation } from '../../../src/operations/catalogue.ts'
import { countOpenFiles, newFolder } from '../files.ts'
import { begun, header, journalText, sent, succeeded } from '../journals.ts'
import { billOf, linesOf } from '../plan/batch-step.ts'
import { batchFileOf, recordsOf } from '../plan/plans.ts'
import { recordContext } from '../records.ts'
import { readCsv } from './csv.ts'

const inputs: ReportInputs = {
  operation: findOperation('submitInvoice') as Operation,
  externalId: 'auto',
  shard: { index: 1, count: 1 },
  dryRun: false,
  compareWith: undefined,
  reportFile: 'report.csv',
  path: 'batch.ndjson',
  tokensFile: undefined,
  newTokensFile: undefined,
}

const installations = ['icfg_1', 'icfg_2', 'icfg_3', 'icfg_4']
const records = installations.map((id) => billOf(id, '1.00'))
const ended = { requestId: 'undefined', message: 'accepted' }

/** Reports a run that has sent the second record. @param file  as it is when the report is written */
function reported(change: Partial<ReportInputs> = {}, file = batchFileOf(records), sentChange: object = {}) {
  const workspace = newFolder()
  const journalFile = join(workspace, 'journal.ndjson')
  const reporter = openReporter({ ...inputs, ...change }, { workspace, scrub: (text) => text }, journalFile)
  const added = recordsOf(batchFileOf(records))
  for (const { record, identity } of added) reporter?.add(record, identity)
  const identity = added[1]?.identity ?? { id: '' }
  expect(recordKey(identity)).not.toBe('')
  const event = sent(identity.id, { line: 2, installation: 'icfg_2', ...identity, ...sentChange })
  writeFileSync(journalFile, journalText(header, begun(4), event, succeeded(identity.id, { ...identity, ...ended })))
  const { signal } = new AbortController()
  const result = reportRun(reporter, { journalFile, file, signal })
  const path = join(workspace, 'report.csv')
  return { ...result, workspace, rows: existsSync(path) ? readCsv(readFileSync(path, 'utf8')) : undefined }
}

const statuses = (rows: Record<string, string>[] | undefined) =>
  rows?.map(({ line, installation, status }) => `${line} ${installation} ${status}`)

test('each record of the shard has a row, and nothing stays open', () => {
  const before = process.platform === 'linux' ? countOpenFiles() : 0
  const { rows, problems } = reported()
  expect(problems).toEqual([])
  expect(statuses(rows)).toEqual([
    '1 icfg_1 not started',
    '2 icfg_2 accepted',
    '3 icfg_3 not started',
    '4 icfg_4 not started',
  ])
  const shards = [1, 2].map((index) => reported({ shard: { index, count: 2 } }).rows?.map(({ line }) => line) ?? [])
  expect(shards.flat().sort()).toEqual(['1', '2', '3', '4'])
  expect(shards.every((lines) => lines.length < 4)).toBe(true)
  if (process.platform === 'linux') expect(countOpenFiles()).toBe(before)
})

test('a line that has changed meanwhile has its number only', () => {
  const [first, second, , fourth] = records.map((record) => linesOf([record]))
  expect(statuses(reported({}, batchFileOf(records, `${first}${second}{\n${fourth}`)).rows)).toEqual([
    '1 icfg_1 not started',
    '2 icfg_2 accepted',
    '3  not started',
    '4 icfg_4 not started',
  ])
})

test('a token in a cell is redacted', () => {
  const { rows } = reported({}, undefined, { externalId: 'key-fallback-token-1', amount: '1.00' })
  expect(rows?.[1]).toMatchObject({ externalId: 'key-***-1', line: '2', installation: 'icfg_2', amount: '1.00' })
})

test('without a token that could be in its cells, a row stays as it is', () => {
  const file = (change: object) => ({
    ...batchFileOf(records),
    context: { ...recordContext('submitInvoice'), ...change },
  })
  const rowOf = (change: object) => reported({}, file(change), { externalId: 'key-1', amount: '1.00' }).rows?.[1]
  const row = { externalId: 'key-1', status: 'accepted', requestId: 'undefined', message: 'accepted' }
  expect(rowOf({ defaultToken: undefined })).toMatchObject(row)
  expect(rowOf({ defaultToken: 'accepted' })).toMatchObject(row)
})

test('the rows of a run are counted as they are added', () => {
  const reporter = openReporter(inputs, { workspace: newFolder(), scrub: (text) => text }, 'journal.ndjson')
  for (const { record, identity } of recordsOf(batchFileOf(records))) reporter?.add(record, identity)
  expect(reporter?.rows).toBe(4)
  reporter?.discard()
})

test('without a report, or without a journal, nothing is written', () => {
  const { workspace, problems, ...rest } = reported({ reportFile: undefined })
  expect({ problems, rows: rest.rows }).toEqual({ problems: [], rows: undefined })
  expect(readdirSync(workspace)).toEqual(['journal.ndjson'])
  const { signal } = new AbortController()
  const unused = { finishRun: () => 'report.csv' } as unknown as BatchReporter
  expect(reportRun(unused, { journalFile: undefined, file: batchFileOf([]), signal })).toEqual({ problems: [] })
})

test('a cancelled step writes a report only if that is quick', () => {
  const after = (rows: number, signal: AbortSignal) =>
    reportRun({ rows, finishRun: () => 'report.csv' } as unknown as BatchReporter, {
      journalFile: 'journal.ndjson',
      file: batchFileOf([]),
      signal,
    })
  const written = { reportFile: 'report.csv', problems: [] }
  expect(after(20_000, AbortSignal.abort())).toEqual(written)
  expect(after(20_001, new AbortController().signal)).toEqual(written)
  expect(after(20_001, AbortSignal.abort())).toEqual({
    problems: [
      {
        message:
          'The step was cancelled, so `report-file` was not written. The journal has all outcomes: journal.ndjson',
      },
    ],
  })
})

test('a discarded report leaves nothing', () => {
  const workspace = newFolder()
  const reporter = openReporter(inputs, { workspace, scrub: (text) => text }, 'journal.ndjson')
  expect(readdirSync(workspace)).toHaveLength(1)
  reporter?.discard()
  expect(readdirSync(workspace)).toEqual([])
})

test('a table of invoices never replaces the file of tokens', () => {
  const workspace = newFolder()
  const options = {
    workspace,
    path: 'tokens.json',
    journals: [],
    tokensFile: 'tokens.json',
    scrub: (text: string) => text,
  }
  expect(() => openTrackingTable(options)).toThrow(
    'Input `report-file` is the file of `tokens-file`, which the report would replace: give another path',
  )
  expect(readdirSync(workspace)).toEqual([])
})
