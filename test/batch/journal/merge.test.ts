import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { JournalEvent, JournalHeader } from '../../../src/batch/journal/journal.ts'
import { mergeJournals } from '../../../src/batch/journal/merge.ts'
import { newFolder } from '../files.ts'
import { begun, header, outcome, sent, succeeded, textOf } from '../journals.ts'

type Journals = Record<string, { shard?: string; change?: Partial<JournalHeader>; events: JournalEvent[] }>

/** A workspace with journals. */
function workspaceOf(journals: Journals): string {
  const workspace = newFolder()
  for (const [name, { shard = '1/1', change, events }] of Object.entries(journals)) {
    mkdirSync(dirname(join(workspace, name)), { recursive: true })
    writeFileSync(join(workspace, name), textOf({ ...header, shard, ...change }, ...events))
  }
  return workspace
}

function merge(journals: Journals, patterns: readonly string[] = Object.keys(journals)) {
  const { report, failure } = mergeJournals(patterns, workspaceOf(journals))
  const { total, tally } = report
  const { succeeded, failed, unknown } = tally
  return { total, succeeded, failed, unknown, left: total - succeeded - failed, report, failure }
}

const one = (...events: JournalEvent[]) => merge({ journal: { events } })
const done = (id: string) => [sent(id, { amount: '1.50' }), succeeded(id)]

test('the journals of all shards give one set of counts', () => {
  const { report, failure, ...counts } = merge({
    b: { shard: '2/2', events: [begun(1), ...done('c')] },
    a: { shard: '1/2', events: [begun(2), ...done('a'), ...done('b')] },
  })
  expect(counts).toEqual({ total: 3, succeeded: 3, failed: 0, unknown: 0, left: 0 })
  expect(report).toMatchObject({ path: '2 journals', operation: 'submitInvoice', skipped: 0 })
  expect(report.tally.amount.toFixed()).toBe('4.5')
  expect(failure).toBeUndefined()
})

test.each<[what: string, events: JournalEvent[], counts: object, message: string]>([
  [
    'that failed',
    [begun(2), ...done('a'), sent('b'), outcome('b', 'failed')],
    { failed: 1 },
    'Of 2 records 1 failed. ',
  ],
  [
    'sent without an outcome has failed, and its fate is unknown',
    [begun(2), ...done('a'), sent('b')],
    { failed: 1, unknown: 1 },
    'Of 2 records 1 failed. ',
  ],
  ['that was not started', [begun(3), ...done('a')], { failed: 0, left: 2 }, 'Of 3 records 2 were not started. '],
  [
    'of both kinds',
    [begun(3), ...done('a'), sent('b'), outcome('b', 'failed')],
    { failed: 1, left: 1 },
    'Of 3 records 1 failed and 1 was not started. ',
  ],
])('the step fails with a record %s', (_, events, counts, message) => {
  const { failure, ...found } = one(...events)
  expect(found).toMatchObject(counts)
  expect(failure).toMatchObject({ code: 'batch_failed', message: expect.stringContaining(message) })
})

describe('a journal that was resumed', () => {
  test.each<[what: string, events: JournalEvent[], counts: object]>([
    [
      'after a failure',
      [begun(1), sent('a'), outcome('a', 'failed'), begun(1), ...done('a')],
      { succeeded: 1, failed: 0, left: 0 },
    ],
    [
      'after a crash',
      [begun(1), sent('a'), begun(1), sent('a', { resumed: true }), succeeded('a')],
      { succeeded: 1, failed: 0, left: 0 },
    ],
    [
      'and found what had been sent',
      [begun(1), sent('a'), outcome('a', 'unknown'), begun(1), succeeded('a')],
      { succeeded: 1, failed: 0, left: 0 },
    ],
    [
      'and failed again',
      [begun(1), sent('a'), outcome('a', 'failed'), begun(1), sent('a'), outcome('a', 'failed')],
      { succeeded: 0, failed: 1, left: 0 },
    ],
    ['with records added', [begun(1), ...done('a'), begun(2), ...done('b')], { total: 2, succeeded: 2, left: 0 }],
  ])('%s counts each record once', (_, events, counts) => {
    expect(one(...events)).toMatchObject(counts)
  })
})

describe('records that are alike in everything, and have no ids', () => {
  const failed = [sent('a'), outcome('a', 'failed')]
  test.each<[what: string, events: JournalEvent[], counts: object]>([
    ['that succeeded count each', [begun(2), ...done('a'), ...done('a')], { succeeded: 2, failed: 0 }],
    ['that failed count each', [begun(2), ...failed, ...failed], { succeeded: 0, failed: 2, left: 0 }],
    ['of which one failed', [begun(2), ...failed, ...done('a')], { succeeded: 1, failed: 1, left: 0 }],
    [
      'of which one failed and one is unknown, both sent again',
      [begun(2), ...failed, sent('a'), begun(2), sent('a', { resumed: true }), succeeded('a'), ...done('a')],
      { succeeded: 2, failed: 0, left: 0 },
    ],
    [
      'of which one succeeded and one is found later',
      [begun(2), sent('a'), outcome('a', 'unknown'), ...done('a'), begun(2), succeeded('a')],
      { succeeded: 2, failed: 0, left: 0 },
    ],
  ])('%s', (_, events, counts) => {
    expect(one(...events)).toMatchObject(counts)
  })
})

describe('journals that cannot be put together', () => {
  const events = [begun(1), ...done('a')]
  test.each<[what: string, journals: Journals, message: string]>([
    ['a shard is missing', { a: { shard: '1/3', events } }, 'The journal of shard 2/3, 3/3 is missing'],
    [
      'they are in different numbers of shards',
      { a: { shard: '1/2', events }, b: { shard: '2/3', events } },
      'are of batches in 2 and 3 shards',
    ],
    [
      'they are of different operations',
      { a: { shard: '1/2', events }, b: { shard: '2/2', change: { operation: 'updateInvoice' }, events } },
      'operation is "submitInvoice" and "updateInvoice"',
    ],
    [
      'they went to different places',
      { a: { shard: '1/2', events }, b: { shard: '2/2', change: { api: 'sandbox' }, events } },
      'api is "api.vercel.com" and "sandbox"',
    ],
    [
      'they have other keys',
      { a: { shard: '1/2', events }, b: { shard: '2/2', change: { externalId: 'none' }, events } },
      'externalId is "auto" and "none"',
    ],
    ['one has a shard that is none', { a: { shard: '3/2', events } }, 'has a shard that is none: "3/2"'],
    ['one ends before its batch began', { a: { events: [] } }, 'ends before its batch began'],
    [
      'two of one shard do not agree',
      { a: { events: [begun(1), sent('a'), outcome('a', 'failed')] }, b: { events } },
      'are both of shard 1/1 and do not agree about the record "a" of line 1: give the later one alone',
    ],
    [
      'two of one shard have other invoices for one record',
      {
        a: { events: [begun(1), sent('a'), succeeded('a', { invoiceId: 'i-1' })] },
        b: { events: [begun(1), sent('a'), succeeded('a', { invoiceId: 'i-2' })] },
      },
      'do not agree about the record "a"',
    ],
    [
      'two of one shard have other numbers of records that are alike',
      { a: { events }, b: { events: [begun(2), ...done('a'), ...done('a')] } },
      'do not agree about the record "a"',
    ],
  ])('because %s', (_, journals, message) => {
    expect(() => merge(journals)).toThrow(message)
  })

  test('because of many shards some are missing, names ten', () => {
    expect(() => merge({ a: { shard: '1/100', events } })).toThrow(/shard 2\/100, .*, 11\/100 and others is missing/)
  })

  test('because one is no journal, or is not there', () => {
    const workspace = workspaceOf({})
    writeFileSync(join(workspace, 'notes'), 'notes\n')
    expect(() => mergeJournals(['notes'], workspace)).toThrow(/The journal ".*notes" was not written by this action/)
    expect(() => mergeJournals(['none'], workspace)).toThrow(/The journal ".*none" cannot be read: ENOENT/)
    expect(() => mergeJournals(['none-*'], workspace)).toThrow('No journal matches "none-*"')
    expect(() => mergeJournals([], workspace)).toThrow('There are no journals')
  })
})

test('journals of one shard that agree are as one, and what either has counts', () => {
  const counts = merge({
    a: { events: [begun(3), ...done('a'), ...done('b')] },
    b: { events: [begun(3), ...done('a'), ...done('c')] },
  })
  expect(counts).toMatchObject({ total: 3, succeeded: 3, left: 0 })
})

test('journals are found by path or glob, each once, whatever is in their names', () => {
  const journals: Journals = {
    'out/1/journal.ndjson': { shard: '1/2', events: [begun(1), ...done('a')] },
    'out/2/journal.ndjson': { shard: '2/2', events: [begun(1), ...done('b')] },
    'j[1].ndjson': { events: [begun(1), ...done('a')] },
  }
  const globs = ['out/*/journal.ndjson', './out/1/journal.ndjson', 'out/{1,2}/*.ndjson']
  expect(merge(journals, globs)).toMatchObject({ total: 2, succeeded: 2 })
  expect(merge(journals, ['j[1].ndjson'])).toMatchObject({ total: 1, succeeded: 1 })
})
