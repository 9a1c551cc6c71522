import { expect, test } from 'vitest'
import { applyEvents } from '../../../src/batch/journal/apply-journal.ts'
import { JournalMismatch } from '../../../src/batch/journal/journal-mismatch.ts'
import { countTurns } from '../files.ts'
import { begun, newRecordStates, notSent, outcome, sent, succeeded } from '../journals.ts'

test('without the states of records, no outcome is kept for one', async () => {
  const events = [
    begun(3),
    sent('a', { resumed: true }),
    succeeded('a'),
    sent('b', { resumed: true }),
    outcome('b', 'failed'),
    sent('c', { resumed: true }),
    notSent('c'),
  ]
  const runs = await applyEvents(events, { recordStates: undefined })
  expect(runs.succeeded).toBe(0)
  expect(runs.sent).toEqual(new Map())
  expect(runs.ledger.succeeded).toBe(1)
  await expect(applyEvents([begun(1), sent('d')], { recordStates: undefined })).rejects.toBeInstanceOf(JournalMismatch)
})

test('of two records with a key, one may still be unknown after the outcome of the other', async () => {
  const recordStates = newRecordStates({ id: 'a' }, { id: 'a' })
  const later = '2025-03-15T12:00:07.000Z'
  const events = [begun(2), sent('a'), sent('a'), outcome('a', 'failed', { at: later })]
  const { sent: lastSent } = await applyEvents(events, { recordStates })
  expect([...lastSent.values()]).toEqual([{ at: new Date(later), hadNewToken: true }])
  expect((await applyEvents([], { recordStates })).sent).toEqual(new Map())
})

test('the event loop gets few turns while a short journal is applied', async () => {
  const ids = Array.from({ length: 40 }, (_, number) => `record-${number}`)
  const recordStates = newRecordStates(...ids.map((id) => ({ id })))
  const turns = countTurns()
  const events = [begun(ids.length), ...ids.flatMap((id) => [sent(id), succeeded(id)])]
  expect((await applyEvents(events, { recordStates })).succeeded).toBe(ids.length)
  expect(turns()).toBeLessThan(10)
})

test('the event loop gets a turn after a thousand events', async () => {
  const turns = countTurns()
  const applyRuns = (count: number) => applyEvents(Array(count).fill(begun(0)), { recordStates: undefined })
  await applyRuns(999)
  expect(turns()).toBe(0)
  await applyRuns(1000)
  expect(turns()).toBeGreaterThan(0)
})
