// The report of merged journals: which records it has, and what is left when it fails.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeMergeReport } from '../../../src/batch/report/merge-report.ts'
import { operationNamed } from '../../../src/operations/catalogue.ts'
import { countOpenFiles, newFolder } from '../files.ts'
import { begun, header, journalText, sent, succeeded } from '../journals.ts'
import { readCsv } from './csv.ts'

/** A journal of a shard with records at these lines. */
const journal = (shard: string, records: Record<string, number>) =>
  journalText(
    { ...header, shard },
    begun(4),
    ...Object.entries(records).flatMap(([id, line]) => [sent(id, { line }), succeeded(id, { line })]),
  )

/** Merges journals of these texts. */
function merged(journals: readonly string[]) {
  const workspace = newFolder()
  for (const [number, text] of journals.entries()) writeFileSync(join(workspace, `${number}.ndjson`), text)
  const operation = operationNamed('submitInvoice')
  const write = () =>
    writeMergeReport({ patterns: ['*.ndjson'], path: 'report.csv', workspace, operation, scrub: (text) => text })
  return { workspace, write }
}

const linesIn = (report: string) => readCsv(readFileSync(report, 'utf8')).map(({ line }) => Number(line))

test('records come in the order of their lines, once for each shard, and nothing stays open', () => {
  const before = process.platform === 'linux' ? countOpenFiles() : 0
  const one = journal('1/2', { a: 1, b: 4 })
  const { workspace, write } = merged([one, journal('2/2', { a: 2, c: 3 }), journal('1/2', { a: 1 })])
  expect(write()).toBe(join(workspace, 'report.csv'))
  expect(linesIn(join(workspace, 'report.csv'))).toEqual([1, 2, 3, 4])
  if (process.platform === 'linux') expect(countOpenFiles()).toBe(before)
})

test('a journal that cannot be read leaves no part of a report, and nothing open', () => {
  const before = process.platform === 'linux' ? countOpenFiles() : 0
  const { workspace, write } = merged([journal('1/1', { a: 1, b: 2 }), 'no journal\n'])
  expect(write).toThrow(/^was not written by this action$/)
  expect(readdirSync(workspace).sort()).toEqual(['0.ndjson', '1.ndjson'])
  if (process.platform === 'linux') expect(countOpenFiles()).toBe(before)
})
