import { mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { JournalEvent, JournalHeader } from '../../../src/batch/journal/journal-format.ts'
import { mergeJournals } from '../../../src/batch/journal/merge.ts'
import { countOpenFiles, newFolder } from '../files.ts'
import { begun, header, journalText, outcome, sent, succeeded } from '../journals.ts'

type Journals = Record<string, { shard?: string; change?: Partial<JournalHeader>; events: JournalEvent[] }>

/** Creates a workspace with journals. */
function newWorkspace(journals: Journals): string {
  const workspace = newFolder()
  for (const [name, { shard = '1/1', change, events }] of Object.entries(journals)) {
    mkdirSync(dirname(join(workspace, name)), { recursive: true })
    writeFileSync(join(workspace, name), journalText({ ...header, shard, ...change }, ...events))
  }
  return workspace
}

function merge(journals: Journals, patterns: readonly string[] = Object.keys(journals)) {
  const { report, failure } = mergeJournals(patterns, newWorkspace(journals))
  const { total, tally, ledger } = report
  const { succeeded, failed } = tally
  return {
    total,
    succeeded,
    failed,
    unknown: ledger?.unknown,
    notStarted: total - (ledger?.known ?? 0),
    report,
    failure,
  }
}

const mergeOne = (...events: JournalEvent[]) => merge({ journal: { events } })
const delivered = (id: string) => [sent(id, { amount: '1.50' }), succeeded(id)]

test('the journals of all shards are merged into one set of counts', () => {
  const { report, failure, ...counts } = merge({
    b: { shard: '2/2', events: [begun(1), ...delivered('c')] },
    a: { shard: '1/2', events: [begun(2), ...delivered('a'), ...delivered('b')] },
  })
  expect(counts).toEqual({ total: 3, succeeded: 3, failed: 0, unknown: 0, notStarted: 0 })
  expect(report).toMatchObject({ path: '2 journals', operation: 'submitInvoice', skipped: 0 })
  expect(report.ledger?.billed.toFixed()).toBe('4.5')
  expect(failure).toBeUndefined()
})

test.each<[what: string, events: JournalEvent[], counts: object, message: string]>([
  [
    'failed',
    [begun(2), ...delivered('a'), sent('b'), outcome('b', 'failed')],
    { failed: 1, unknown: 0 },
    '1 of 2 records failed. Run the batch again with its journal',
  ],
  [
    'was sent without an outcome',
    [begun(2), ...delivered('a'), sent('b')],
    { failed: 1, unknown: 1 },
    '1 of 2 records has an unknown outcome. Run the batch again with its journal',
  ],
  [
    'failed and another is unknown',
    [begun(2), sent('a'), sent('b'), outcome('b', 'failed')],
    { failed: 2, unknown: 1 },
    '2 of 2 records have an unknown outcome or failed. Run the batch again with its journal',
  ],
  [
    'was not started',
    [begun(3), ...delivered('a')],
    { failed: 0, notStarted: 2 },
    '2 of 3 records were not started. Run the batch again with its journal',
  ],
  [
    'failed and another was not started',
    [begun(3), ...delivered('a'), sent('b'), outcome('b', 'failed')],
    { failed: 1, notStarted: 1 },
    '1 of 3 records failed and 1 was not started. Run the batch again with its journal',
  ],
  [
    'is unknown and many were not started',
    [begun(3000), sent('a'), sent('b'), outcome('b', 'failed'), sent('c')],
    { failed: 3, unknown: 2, notStarted: 2997 },
    '3 of 3,000 records have an unknown outcome or failed. The journal ends before its run ended: 2,997 records have no line in it, and may have been sent. If there is a longer copy of it, merge that one. Run the batch again with its journal',
  ],
])('the step fails if a record %s', (_, events, counts, message) => {
  const { failure, ...merged } = mergeOne(...events)
  expect(merged).toMatchObject(counts)
  expect(failure).toMatchObject({ code: 'batch_failed', message })
})

test('a journal that ends in the middle of its run is named: its records may have been sent', () => {
  const workspace = newWorkspace({
    a: { shard: '1/3', events: [begun(2), ...delivered('a'), ...delivered('b')] },
    b: { shard: '2/3', events: [begun(4), ...delivered('c'), ...delivered('d')] },
    c: { shard: '3/3', events: [begun(3), ...delivered('e')] },
  })
  const merged = () => mergeJournals(['a', 'b', 'c'], workspace).failure?.message
  expect(merged()).toBe('4 of 9 records were not started. Run shards 2/3, 3/3 again with their journals')
  // In the middle of a line, as a copy that was cut off or a process that was killed.
  truncateSync(join(workspace, 'b'), statSync(join(workspace, 'b')).size - 5)
  expect(merged()).toBe(
    '1 of 9 records has an unknown outcome and 2 were not started. The journal of shard 2/3 ends before its run ended: 2 records have no line in it, and may have been sent. If there is a longer copy of it, merge that one. Run shards 2/3, 3/3 again with their journals',
  )
})

test('the money of all shards is added up, and the failures of all are grouped', () => {
  const failed = (id: string, line: number) => [
    sent(id, { line, amount: '1.50' }),
    outcome(id, 'failed', { line, httpStatus: 403, code: 'forbidden', message: `No (request ${id})` }),
  ]
  const { report, failure } = merge({
    a: { shard: '1/2', events: [begun(3), ...delivered('a'), ...failed('b', 4), ...failed('c', 9)] },
    b: { shard: '2/2', events: [begun(2), ...delivered('d'), ...failed('e', 2)] },
  })
  expect(report.ledger?.billed.toFixed()).toBe('3')
  expect(report.ledger?.attempted.toFixed()).toBe('7.5')
  expect(failure?.diagnostics.map(({ message }) => message)).toEqual([
    '3 of 5 records failed. Run shards 1/2, 2/2 again with their journals',
    '3 records (lines 2, 4, 9): No',
  ])
})

test('only the shards with a record that is not done are to run again', () => {
  const { failure } = merge({
    a: { shard: '1/3', events: [begun(1), sent('a'), outcome('a', 'failed')] },
    b: { shard: '2/3', events: [begun(1), ...delivered('b')] },
    c: { shard: '3/3', events: [begun(1), ...delivered('c')] },
  })
  expect(failure?.message).toBe('1 of 3 records failed. Run shard 1/3 again with its journal')
})

test('a journal that ends in the middle of its run is named only if records have no line in it', () => {
  const { failure } = merge({
    a: { shard: '1/2', events: [begun(1), sent('a')] },
    b: { shard: '2/2', events: [begun(2), sent('b')] },
  })
  expect(failure?.message).toContain('The journal of shard 2/2 ends before its run ended: 1 record has no line in it')
})

test.skipIf(process.platform !== 'linux')('a merge leaves no file open', () => {
  const open = countOpenFiles()
  const events = [begun(2), ...delivered('a')]
  merge({ a: { events }, b: { events: [...events, ...delivered('b')] } })
  expect(() => merge({ a: { events: [] } })).toThrow('ends before its batch began')
  expect(countOpenFiles()).toBe(open)
})

test('a journal that ends in the middle of a line ends before its run, even if no request is open', () => {
  const workspace = newWorkspace({ a: { events: [begun(2), ...delivered('a'), sent('b')] } })
  const path = join(workspace, 'a')
  truncateSync(path, statSync(path).size - 10)
  expect(mergeJournals(['a'], workspace).failure?.message).toBe(
    'The journal ends before its run ended: 1 record has no line in it, and may have been sent. If there is a longer copy of it, merge that one. Run the batch again with its journal',
  )
})

test('three journals of one shard count each record once', () => {
  const { report, failure } = merge({
    a: { events: [begun(4), ...delivered('a'), ...delivered('b')] },
    b: { events: [begun(4), ...delivered('b'), ...delivered('c')] },
    c: { events: [begun(4), ...delivered('c'), ...delivered('d'), ...delivered('a')] },
  })
  expect(report.ledger).toMatchObject({ sent: 4, known: 4 })
  expect(report.ledger?.billed.toFixed()).toBe('6')
  expect(failure).toBeUndefined()
})

describe('a resumed journal', () => {
  test.each<[what: string, events: JournalEvent[], counts: object]>([
    [
      'after a failure',
      [begun(1), sent('a'), outcome('a', 'failed'), begun(1), ...delivered('a')],
      { succeeded: 1, failed: 0, notStarted: 0 },
    ],
    [
      'after a crash',
      [begun(1), sent('a'), begun(1), sent('a', { resumed: true }), succeeded('a')],
      { succeeded: 1, failed: 0, notStarted: 0 },
    ],
    [
      'after a look-up',
      [begun(1), sent('a'), outcome('a', 'unknown'), begun(1), succeeded('a')],
      { succeeded: 1, failed: 0, notStarted: 0 },
    ],
    [
      'after a second failure',
      [begun(1), sent('a'), outcome('a', 'failed'), begun(1), sent('a'), outcome('a', 'failed')],
      { succeeded: 0, failed: 1, notStarted: 0 },
    ],
    [
      'with records added',
      [begun(1), ...delivered('a'), begun(2), ...delivered('b')],
      { total: 2, succeeded: 2, notStarted: 0 },
    ],
  ])('%s counts each record once', (_, events, counts) => {
    expect(mergeOne(...events)).toMatchObject(counts)
  })
})

describe('identical records without ids', () => {
  const failed = [sent('a'), outcome('a', 'failed')]
  test.each<[what: string, events: JournalEvent[], counts: object]>([
    [
      'are counted separately if they succeeded',
      [begun(2), ...delivered('a'), ...delivered('a')],
      { succeeded: 2, failed: 0 },
    ],
    [
      'are counted separately if they failed',
      [begun(2), ...failed, ...failed],
      { succeeded: 0, failed: 2, notStarted: 0 },
    ],
    [
      'are counted separately if one failed',
      [begun(2), ...failed, ...delivered('a')],
      { succeeded: 1, failed: 1, notStarted: 0 },
    ],
    [
      'are counted separately if one failed, one is unknown, and both are sent again',
      [begun(2), ...failed, sent('a'), begun(2), sent('a', { resumed: true }), succeeded('a'), ...delivered('a')],
      { succeeded: 2, failed: 0, notStarted: 0 },
    ],
    [
      'are counted separately if one succeeded and a look-up finds the other',
      [begun(2), sent('a'), outcome('a', 'unknown'), ...delivered('a'), begun(2), succeeded('a')],
      { succeeded: 2, failed: 0, notStarted: 0 },
    ],
  ])('%s', (_, events, counts) => {
    expect(mergeOne(...events)).toMatchObject(counts)
  })
})

describe('journals that cannot be merged', () => {
  const events = [begun(1), ...delivered('a')]
  test.each<[what: string, journals: Journals, message: string]>([
    ['a shard is missing', { a: { shard: '1/3', events } }, 'The journal of shard 2/3, 3/3 is missing'],
    [
      'they are in different numbers of shards',
      { a: { shard: '1/2', events }, b: { shard: '2/3', events } },
      'are of batches in 2 and 3 shards: give the journals of one batch',
    ],
    [
      'they are of different operations',
      { a: { shard: '1/2', events }, b: { shard: '2/2', change: { operation: 'updateInvoice' }, events } },
      'operation is "submitInvoice" and "updateInvoice". Give the journals of one batch',
    ],
    [
      'they are of different APIs',
      { a: { shard: '1/2', events }, b: { shard: '2/2', change: { api: 'sandbox' }, events } },
      'api is "https://api.vercel.com" and "sandbox"',
    ],
    [
      'they have different idempotency keys',
      { a: { shard: '1/2', events }, b: { shard: '2/2', change: { externalId: 'none' }, events } },
      'externalId is "auto" and "none"',
    ],
    ['one has an invalid shard', { a: { shard: '3/2', events } }, 'has an invalid shard: "3/2"'],
    ['one ends before its batch began', { a: { events: [] } }, 'ends before its batch began'],
    [
      'two of one shard have different outcomes',
      { a: { events: [begun(1), sent('a'), outcome('a', 'failed')] }, b: { events } },
      'are both of shard 1/1 and disagree about the record "a" of line 1: give only the later one',
    ],
    [
      'two of one shard have different invoices for one record',
      {
        a: { events: [begun(1), sent('a'), succeeded('a', { invoiceId: 'i-1' })] },
        b: { events: [begun(1), sent('a'), succeeded('a', { invoiceId: 'i-2' })] },
      },
      'disagree about the record "a"',
    ],
    [
      'two of one shard have different numbers of identical records',
      { a: { events }, b: { events: [begun(2), ...delivered('a'), ...delivered('a')] } },
      'disagree about the record "a"',
    ],
  ])('are refused because %s', (_, journals, message) => {
    expect(() => merge(journals)).toThrow(message)
  })

  test.each(['1e999999999', 12, null])('are refused because an amount is not a decimal: %s', (amount) => {
    const hostile = [begun(1), sent('a', { amount: amount as string, line: 7 }), succeeded('a')]
    expect(() => merge({ a: { events: hostile } })).toThrow(
      /The journal ".*a" is damaged: line 3 has a field `amount` that must be a decimal in quotes/,
    )
  })

  test('are refused because many shards are missing, ten of which are named', () => {
    expect(() => merge({ a: { shard: '1/100', events } })).toThrow(/shard 2\/100, .*, 11\/100 and others is missing/)
    expect(() => merge({ a: { shard: '1/11', events } })).toThrow(/shard 2\/11, .*, 11\/11 is missing/)
  })

  test('are refused because one is not a journal or does not exist', () => {
    const workspace = newWorkspace({})
    writeFileSync(join(workspace, 'notes'), 'notes\n')
    expect(() => mergeJournals(['notes'], workspace)).toThrow(/The journal ".*notes" was not written by this action/)
    expect(() => mergeJournals(['none'], workspace)).toThrow(/The journal ".*none" does not exist/)
    expect(() => mergeJournals(['none-*'], workspace)).toThrow('No journal matches "none-*"')
    expect(() => mergeJournals([], workspace)).toThrow('There are no journals')
  })
})

test('a journal that cannot be used is named, with the code of the failure', () => {
  const workspace = newWorkspace({ a: { events: [] } })
  const failureOf = (pattern: string) => {
    try {
      return mergeJournals([pattern], workspace)
    } catch (error) {
      return error
    }
  }
  const code = 'journal_unusable'
  expect(failureOf('a')).toMatchObject({ code, message: expect.stringMatching(/^The journal ".*a" ends before its/) })
  expect(failureOf('b')).toMatchObject({ code, message: expect.stringMatching(/^The journal ".*b" does not exist/) })
})

test('of equal copies the last one is compared with another journal', () => {
  const events = [begun(1), ...delivered('a')]
  const other = { events: [begun(1), sent('a'), outcome('a', 'failed')] }
  expect(() => merge({ a: { events }, b: { events }, c: other })).toThrow(
    /^The journals ".*b" and ".*c" are both of shard 1\/1/,
  )
})

test('two journals that disagree are refused with the line of the record', () => {
  const line = { line: 7 }
  const events = (last: JournalEvent) => [begun(2), ...delivered('a'), sent('b', line), last]
  expect(() =>
    merge({ a: { events: events(outcome('b', 'failed', line)) }, b: { events: events(succeeded('b', line)) } }),
  ).toThrow(
    expect.objectContaining({
      code: 'journal_unusable',
      message: expect.stringMatching(
        /^The journals ".*a" and ".*b" are both of shard 1\/1 and disagree about the record "b" of line 7: give only the later one$/,
      ),
    }),
  )
})

describe('the times of records', () => {
  const timed = (id: string, ms: number) => [sent(id), succeeded(id, { ms, attempts: 3 })]
  const timesOf = (journals: Journals) => {
    const { tally } = merge(journals).report
    return { times: tally.slowest.map(({ ms }) => ms), retries: tally.retries }
  }

  test('are those of their outcomes in all shards', () => {
    const other = [
      { ...sent('d'), ms: 95, attempts: 4 },
      { ...outcome('d', 'not_sent' as 'failed', { ms: 90, attempts: 2 }) },
    ]
    const a = { shard: '1/2', events: [begun(3), ...timed('a', 70), ...timed('b', 80)] }
    const b = { shard: '2/2', events: [begun(1), ...timed('c', 60), ...other] }
    expect(timesOf({ a, b })).toEqual({ times: [80, 70, 60], retries: 6 })
  })

  test.each([
    ['the shorter first', ['a', 'b']],
    ['the longer first', ['b', 'a']],
  ])('count once if a journal is a copy of the beginning of another one: %s', (_, names) => {
    const journals: Journals = {
      a: { events: [begun(2), ...timed('a', 70)] },
      b: { events: [begun(2), ...timed('a', 70), ...timed('b', 80)] },
    }
    const ordered = Object.fromEntries(names.map((name) => [name, journals[name]])) as Journals
    expect(timesOf(ordered)).toEqual({ times: [80, 70], retries: 4 })
  })
})

test.each([0, 10])(
  'a copy from before the end of a journal counts for nothing, also if it lacks %i more bytes',
  (bytes) => {
    const failed = [begun(1), sent('a'), outcome('a', 'failed')]
    for (const names of [
      ['copy', 'whole'],
      ['whole', 'copy'],
    ]) {
      const workspace = newWorkspace({
        copy: { events: [...failed, begun(1)] },
        whole: { events: [...failed, begun(1), ...delivered('a')] },
      })
      truncateSync(join(workspace, 'copy'), statSync(join(workspace, 'copy')).size - bytes)
      const { report, failure } = mergeJournals(names, workspace)
      expect({ known: report.ledger?.known, failure }).toEqual({ known: 1, failure: undefined })
    }
  },
)

test('the planned amount is that of the last run with the most records, and of all shards if each has one', () => {
  const priced = (total: number, amount?: string) => ({ ...begun(total), ...(amount !== undefined && { amount }) })
  const planned = (...amounts: (string | undefined)[]) =>
    merge(
      Object.fromEntries(
        amounts.map((amount, index) => [
          `j${index}`,
          { shard: `${index + 1}/${amounts.length}`, events: [priced(1, amount), ...delivered(`r${index}`)] },
        ]),
      ),
    ).report.plannedAmount
  expect(planned('1.50', '2.00')).toBe('3.50')
  expect(planned('1.50', undefined)).toBeUndefined()
  const amountOf = (...runs: [total: number, amount: string, id: string][]) =>
    merge(
      Object.fromEntries(
        runs.map(([total, amount, id]) => [id, { events: [priced(total, amount), ...delivered(id)] }]),
      ),
    ).report.plannedAmount
  expect(amountOf([3, '4.50', 'a'], [2, '3.00', 'b'])).toBe('4.50')
  expect(amountOf([2, '3.00', 'a'], [3, '4.50', 'b'])).toBe('4.50')
  expect(amountOf([2, '3.00', 'a'], [2, '9.00', 'b'])).toBe('3.00')
})

test('journals of one shard that do not conflict are combined', () => {
  const counts = merge({
    a: { events: [begun(3), ...delivered('a'), ...delivered('b')] },
    b: { events: [begun(3), ...delivered('a'), ...delivered('c')] },
  })
  expect(counts).toMatchObject({ total: 3, succeeded: 3, notStarted: 0 })
})

test('journals are found by path or glob, each once, also with brackets in their names', () => {
  const journals: Journals = {
    'out/1/journal.ndjson': { shard: '1/2', events: [begun(1), ...delivered('a')] },
    'out/2/journal.ndjson': { shard: '2/2', events: [begun(1), ...delivered('b')] },
    'j[1].ndjson': { events: [begun(1), ...delivered('a')] },
  }
  const globs = ['out/*/journal.ndjson', './out/1/journal.ndjson', 'out/{1,2}/*.ndjson']
  expect(merge(journals, globs)).toMatchObject({ total: 2, succeeded: 2 })
  expect(merge(journals, ['j[1].ndjson'])).toMatchObject({ total: 1, succeeded: 1 })
})

test('identical records whose outcomes are in another order do not disagree', () => {
  const failed = [sent('a'), outcome('a', 'failed')]
  const unknown = [sent('a'), outcome('a', 'unknown')]
  for (const [one, other] of [
    [delivered('a'), failed],
    [failed, unknown],
    [unknown, delivered('a')],
  ] as const) {
    const counts = merge({
      a: { events: [begun(2), ...one, ...other] },
      b: { events: [begun(2), ...other, ...one] },
    })
    expect(counts).toMatchObject({ total: 2, notStarted: 0 })
  }
})
