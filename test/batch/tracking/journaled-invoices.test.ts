import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { JournalEvent } from '../../../src/batch/journal/journal-format.ts'
import { JournaledInvoices } from '../../../src/batch/tracking/journaled-invoices.ts'
import { begun, notSent, outcome, sent, succeeded } from '../journals.ts'
import { newTable, rowsIn } from './rows.ts'

/** The rows of a journal: `id:invoiceId`, or `id:?` without an invoice id. */
function rowsOf(events: readonly JournalEvent[], maxHeldRows?: number) {
  const table = newTable()
  const invoices = new JournaledInvoices(table, maxHeldRows)
  for (const event of events) invoices.apply(event)
  invoices.finish()
  const pending = [...table.pendingIndexes()].map((index) => table.get(index)?.invoiceId)
  const rows = rowsIn(table)
  expect(pending.sort()).toEqual(rows.flatMap(({ invoiceId }) => invoiceId ?? []).sort())
  return { rows, names: rows.map(({ id, invoiceId = '?' }) => `${id}:${invoiceId}`).sort(), records: invoices.records }
}

const accepted = (id: string, invoiceId: string) => [sent(id), succeeded(id, { invoiceId })]

describe('a record is tracked', () => {
  test.each<[what: string, events: JournalEvent[], names: string[]]>([
    ['with its invoice', [begun(1), ...accepted('a', 'inv_1')], ['a:inv_1']],
    ['without an id while its outcome is missing', [begun(1), sent('a')], ['a:?']],
    ['without an id if the outcome is unknown', [begun(1), sent('a'), outcome('a', 'unknown')], ['a:?']],
    ['without an id if it is a duplicate', [begun(1), sent('a'), succeeded('a', { status: 'duplicate' })], ['a:?']],
    ['without an id if Vercel returned none', [begun(1), sent('a'), succeeded('a')], ['a:?']],
    ['not at all if it failed', [begun(1), sent('a'), outcome('a', 'failed')], []],
    ['not at all if it was not processed', [begun(1), sent('a'), notSent('a')], []],
    ['not at all if it was only validated', [begun(1), sent('a'), succeeded('a', { status: 'validated' })], []],
    [
      'once, after a failure and a second run',
      [begun(1), sent('a'), outcome('a', 'failed'), begun(1), ...accepted('a', 'inv_1')],
      ['a:inv_1'],
    ],
    [
      'once, after a crash and a second run',
      [begun(1), sent('a'), begun(1), sent('a', { resumed: true }), succeeded('a', { invoiceId: 'inv_1' })],
      ['a:inv_1'],
    ],
    [
      'once, after an unknown outcome and a second run',
      [begun(1), sent('a'), outcome('a', 'unknown'), begun(1), sent('a', { resumed: true }), outcome('a', 'failed')],
      [],
    ],
    [
      'for each of two equal records',
      [begun(2), ...accepted('a', 'inv_1'), ...accepted('a', 'inv_2')],
      ['a:inv_1', 'a:inv_2'],
    ],
    [
      'for each of two equal records, one of which is unknown',
      [begun(2), sent('a'), outcome('a', 'unknown'), ...accepted('a', 'inv_2')],
      ['a:?', 'a:inv_2'],
    ],
    [
      'although the journal does not have its first run',
      [begun(1), sent('a', { resumed: true }), succeeded('a', { invoiceId: 'inv_1' })],
      ['a:inv_1'],
    ],
    ['not at all if the outcome was never sent', [begun(1), succeeded('a', { invoiceId: 'inv_1' })], []],
  ])('%s', (_, events, names) => {
    expect(rowsOf(events).names).toEqual(names)
    expect(rowsOf(events, 0).names).toEqual(names)
  })
})

test('a row has what the journal says of the record', () => {
  const sentEvent = sent('mine', {
    line: 7,
    installation: 'icfg_7',
    digest: 'd',
    externalId: 'ours-7',
    amount: '12.50',
  })
  const { rows, records } = rowsOf([
    begun(9),
    sentEvent,
    outcome('mine', 'succeeded', { digest: 'd', invoiceId: 'inv_7' }),
  ])
  expect(records).toBe(9)
  expect(rows).toEqual([
    {
      line: 7,
      id: 'mine',
      digest: 'd',
      installation: 'icfg_7',
      externalId: 'ours-7',
      amount: '12.50',
      status: 'not started',
      invoiceId: 'inv_7',
      at: sentEvent.at,
    },
  ])
})

const sentRow = { line: 1, id: 'a', installation: 'icfg_1', status: 'unknown', test: true }
const unfinished = {
  code: 'outcome_unknown',
  message:
    'It was sent, and the journal ends before its outcome. Run the batch again with this journal, then track the invoices again',
}
const later = '2025-03-16T00:00:00.000Z'
const answered = { at: later, httpStatus: 502, requestId: 'req-1' }
const find = 'Vercel does not return the id of an existing invoice. Find it at Vercel by its externalId'

test.each<[what: string, events: JournalEvent[], row: object]>([
  ['has no outcome', [], { ...unfinished, at: sent('a').at }],
  ['has an unknown outcome', [outcome('a', 'unknown', { at: later })], { ...unfinished, at: later }],
  [
    'has an unknown outcome with a reason',
    [outcome('a', 'unknown', { ...answered, code: 'http_502', message: 'Vercel answered 502' })],
    { ...answered, code: 'http_502', message: 'Vercel answered 502' },
  ],
  [
    'was submitted before',
    [succeeded('a', { ...answered, status: 'duplicate' })],
    { ...answered, code: 'duplicate_without_id', message: `The invoice was submitted before; ${find}` },
  ],
  [
    'was submitted before by this batch',
    [succeeded('a', { at: later, status: 'duplicate', arrivedEarlier: true })],
    {
      at: later,
      code: 'duplicate_without_id',
      message: `The response to this batch was lost, and a repeat found the invoice; ${find}`,
    },
  ],
  [
    'was accepted without an id',
    [succeeded('a', answered)],
    {
      ...answered,
      code: 'accepted_without_id',
      message: 'Vercel accepted the invoice without returning its id. Find it at Vercel by its externalId',
    },
  ],
])('the row of a record that %s says why it has no invoice id', (_, events, row) => {
  const all = [begun(1), sent('a'), ...events]
  expect(rowsOf(all).rows).toEqual([{ ...sentRow, ...row }])
  expect(rowsOf(all, 0).rows).toEqual([{ ...sentRow, ...row }])
})

test.each([
  [{}, true],
  [{ amount: '1.00' }, undefined],
  [{ amount: '1.00', test: true as const }, true],
])('a record that was sent with %j has the test mark %s', (change, mark) => {
  expect(rowsOf([begun(1), sent('a', change)]).rows[0]?.test).toBe(mark)
})

test('as many rows without an outcome stay in memory as allowed', () => {
  const table = newTable()
  const invoices = new JournaledInvoices(table, 2)
  const sizes = (...events: JournalEvent[]) =>
    events.map((event) => {
      invoices.apply(event)
      return table.size
    })
  const settle = (id: string) => succeeded(id, { invoiceId: `inv_${id}` })
  expect(sizes(sent('a'), settle('a'), sent('b'), sent('c'), sent('d'))).toEqual([0, 1, 1, 1, 4])
  // Those in the table do not count.
  expect(sizes(settle('b'), sent('e'), sent('f'), sent('g'))).toEqual([4, 4, 4, 7])
})

test('a row is written once, when its outcome is known', () => {
  const table = newTable()
  const set = vi.spyOn(table, 'set')
  const invoices = new JournaledInvoices(table)
  for (const event of [begun(1), sent('a'), outcome('a', 'unknown')]) invoices.apply(event)
  expect(set).not.toHaveBeenCalled()
  invoices.apply(sent('a', { resumed: true }))
  invoices.apply(succeeded('a', { invoiceId: 'inv_1' }))
  expect(set.mock.calls).toEqual([[0, expect.objectContaining({ invoiceId: 'inv_1' })]])
})

test('a record with an outcome is not kept in memory', () => {
  const set = vi.spyOn(Map.prototype, 'set')
  onTestFinished(() => set.mockRestore())
  const invoices = new JournaledInvoices(newTable())
  invoices.apply(sent('a'))
  const kept = set.mock.contexts.at(-1) as Map<unknown, unknown>
  expect(kept.size).toBe(1)
  invoices.apply(succeeded('a', { invoiceId: 'inv_1' }))
  expect(kept.size).toBe(0)
})

test('an externalId that is not text is left out', () => {
  expect(rowsOf([begun(1), sent('a', { externalId: 5 as unknown as string })]).rows[0]).not.toHaveProperty('externalId')
})

test('an id that is not text is refused', () => {
  const event = sent('a', { line: 3, installation: 5 as unknown as string })
  expect(() => rowsOf([begun(1), event])).toThrow('is damaged: the installation of the record of line "3" must be text')
})

test.each(['1e999999999', '12,50', 'NaN', '', '9'.repeat(50)])('the amount %j of a journal is left out', (amount) => {
  expect(rowsOf([begun(1), sent('a', { amount })]).rows[0]).not.toHaveProperty('amount')
})

test.each(['../../x', 'a/b', '..', '', '%2e%2e', 'a?b'])('the id %j is refused, because it leads elsewhere', (id) => {
  expect(() => rowsOf([begun(1), sent('a', { installation: id })])).toThrow(
    /^is damaged: the installation of the record/,
  )
  expect(() => rowsOf([begun(1), ...accepted('a', id)])).toThrow(/^is damaged: the invoice id of the record/)
})

/** What happens to a record when a run sends it. */
const fates = fc.constantFrom('accepted', 'failed', 'unknown', 'killed', 'duplicate')

test('after any runs, each record counts once, with its last outcome', () => {
  const runs = fc.array(fc.array(fc.tuple(fc.nat({ max: 5 }), fates), { maxLength: 12 }), {
    minLength: 1,
    maxLength: 5,
  })
  const property = fc.property(runs, fc.nat({ max: 3 }), (plan, maxHeldRows) => {
    const last = new Map<string, string>()
    const events: JournalEvent[] = []
    let invoices = 0
    const expected = new Map<string, string>()
    for (const run of plan) {
      events.push(begun(6))
      const sentNow = new Set<string>()
      for (const [number, fate] of run) {
        const id = `r-${number}`
        const before = last.get(id)
        if (sentNow.has(id) || before === 'accepted' || before === 'duplicate') continue
        sentNow.add(id)
        const isResumed = before === 'unknown' || before === 'killed'
        events.push(sent(id, isResumed ? { resumed: true } : {}))
        last.set(id, fate)
        if (fate === 'accepted') {
          const invoiceId = `inv_${++invoices}`
          events.push(succeeded(id, { invoiceId }))
          expected.set(id, invoiceId)
        } else if (fate === 'failed') {
          events.push(outcome(id, 'failed'))
          expected.delete(id)
        } else {
          if (fate === 'unknown') events.push(outcome(id, 'unknown'))
          if (fate === 'duplicate') events.push(succeeded(id, { status: 'duplicate' }))
          expected.set(id, '?')
        }
      }
    }
    expect(rowsOf(events, maxHeldRows).names).toEqual([...expected].map(([id, invoice]) => `${id}:${invoice}`).sort())
  })
  fc.assert(property, { numRuns: 150 })
})
