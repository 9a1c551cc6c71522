// The records of a journal: the last attempt of each, wherever its lines are.

import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { JournalEvent } from '../../../src/batch/journal/journal-format.ts'
import { hashKey } from '../../../src/batch/records/key-hashes.ts'
import { recordKey } from '../../../src/batch/records/record.ts'
import { JournalIndex } from '../../../src/batch/report/journal-index.ts'
import { newFolder, withFile } from '../files.ts'
import { begun, header, journalText, notSent, outcome, sent, succeeded } from '../journals.ts'
import { largestCollection } from '../largest-collection.ts'

const hashOf = (id: string) => hashKey(recordKey({ id }))

/** Reads a journal with these events. */
const withIndex = <T>(
  events: readonly JournalEvent[],
  use: (index: JournalIndex) => T,
  isKnown?: (hash: number) => boolean,
) =>
  withFile(join(newFolder(), 'journal.ndjson'), journalText(header, begun(1), ...events), (descriptor) =>
    use(new JournalIndex(descriptor, isKnown)),
  )

/** Each record as `line outcome`, as the index returns them. */
const recordsOf = (events: readonly JournalEvent[], isKnown?: (hash: number) => boolean) =>
  withIndex(
    events,
    (index) =>
      [...index.takeRest()].map(({ attempt, line }) => {
        const { sent, outcome } = index.read(attempt)
        expect(sent.line).toBe(line)
        return `${line} ${outcome?.message ?? outcome?.event ?? 'in flight'}`
      }),
    isKnown,
  )

const at = (line: number, change: object = {}) => ({ line, ...change })

describe('a record has its last attempt', () => {
  test.each<[string, events: readonly JournalEvent[], records: readonly string[]]>([
    ['that succeeded', [sent('a'), succeeded('a')], ['1 succeeded']],
    ['that is gone', [sent('a'), outcome('a', 'gone')], ['1 gone']],
    ['that is in flight', [sent('a')], ['1 in flight']],
    ['unless it was not sent', [sent('a'), notSent('a')], []],
    [
      'after one that was not sent',
      [sent('a'), notSent('a'), begun(1), sent('a', at(2)), succeeded('a', at(2))],
      ['2 succeeded'],
    ],
    [
      'after one that failed in an earlier run',
      [sent('a'), outcome('a', 'failed'), begun(1), sent('a', at(2)), succeeded('a', at(2))],
      ['2 succeeded'],
    ],
    [
      'after one whose outcome was unknown',
      [sent('a'), outcome('a', 'unknown'), begun(1), sent('a', at(2, { resumed: true })), outcome('a', 'failed')],
      ['2 failed'],
    ],
    [
      'after one that an earlier run left in flight',
      [sent('a'), begun(1), sent('a', at(2, { resumed: true })), outcome('a', 'unknown')],
      ['2 unknown'],
    ],
    [
      'after three runs',
      [1, 2, 3].flatMap((line) => [sent('a', at(line)), outcome('a', 'failed', at(line)), begun(1)]),
      ['3 failed'],
    ],
    [
      'with the outcome that a later run has found out',
      [sent('a'), outcome('a', 'unknown'), begun(1), succeeded('a')],
      ['1 succeeded'],
    ],
    [
      'not with that of a later run that failed before it sent the record',
      [
        sent('a'),
        outcome('a', 'failed', { message: 'first' }),
        begun(1),
        outcome('a', 'failed', { code: 'internal_error', message: 'second' }),
      ],
      ['1 first'],
    ],
  ])('%s', (_, events, records) => {
    expect(recordsOf(events)).toEqual(records)
  })
})

describe('records with the same key', () => {
  const three = [
    sent('a', at(1)),
    outcome('a', 'failed'),
    sent('a', at(2)),
    outcome('a', 'unknown'),
    sent('a', at(3)),
    succeeded('a'),
    sent('a', at(4)),
    succeeded('a'),
  ]

  test('are all found, those that succeeded first, then unknown ones', () => {
    expect(recordsOf(three)).toEqual(['3 succeeded', '4 succeeded', '2 unknown', '1 failed'])
  })

  test('are replaced by their own kind of attempt only', () => {
    const resumed = [begun(1), sent('a', at(5, { resumed: true })), outcome('a', 'failed')]
    expect(recordsOf([...three, ...resumed])).toEqual(['3 succeeded', '4 succeeded', '1 failed', '5 failed'])
    const again = [begun(1), sent('a', at(6)), succeeded('a')]
    expect(recordsOf([...three, ...again])).toEqual(['3 succeeded', '4 succeeded', '6 succeeded', '2 unknown'])
  })

  test('are taken one after the other, each once', () => {
    withIndex(three, (index) => {
      const lines = Array.from({ length: 6 }, () => index.take(hashOf('a'))?.sent.line)
      expect(lines).toEqual([3, 4, 2, 1, undefined, undefined])
      expect([...index.takeRest()]).toEqual([])
    })
  })
})

test('nothing is kept of records that were taken, or not sent', () => {
  const ids = Array.from({ length: 10 }, (_, index) => `r${index}`)
  const events = ids.flatMap((id) => [sent(id), succeeded(id), sent(`${id}-again`), notSent(`${id}-again`)])
  const takeAll = (index: JournalIndex) => ids.map((id) => index.take(hashOf(id))?.sent.id)
  expect(withIndex(events, takeAll)).toEqual(ids)
  expect(largestCollection(() => withIndex(events, takeAll))).toBeLessThan(ids.length)
  const copies = ids.flatMap((id) => [sent(id), succeeded(id), sent(id), succeeded(id)])
  const takeTwice = (index: JournalIndex) => [...takeAll(index), ...takeAll(index)]
  expect(withIndex(copies, takeTwice)).toEqual([...ids, ...ids])
  expect(
    largestCollection(() => withIndex(copies, (index) => ids.map((id) => [1, 2].map(() => index.take(hashOf(id)))))),
  ).toBeLessThan(ids.length)
})

test('a record is found by its hash', () => {
  const events = [sent('a', at(7)), succeeded('a', { ms: 12 }), sent('b'), notSent('b')]
  withIndex(events, (index) => {
    expect(['a', 'b', 'c'].map((id) => index.has(hashOf(id)))).toEqual([true, false, false])
    expect(index.attempts).toBe(2)
    expect(index.take(hashOf('c'))).toBeUndefined()
    expect(index.take(hashOf('a'))).toMatchObject({ sent: { id: 'a', line: 7 }, outcome: { ms: 12 } })
    expect(index.take(hashOf('a'))).toBeUndefined()
  })
})

test('records that another journal has are left out', () => {
  const events = [sent('a', at(1)), succeeded('a'), sent('b', at(2)), succeeded('b')]
  expect(recordsOf(events, (hash) => hash === hashOf('a'))).toEqual(['2 succeeded'])
})

test('truncated lines are skipped', () => {
  const text = `${journalText(header, begun(1), sent('a'))}{"event":"succ\n${journalText(begun(1), succeeded('a'))}`
  withFile(join(newFolder(), 'journal.ndjson'), text, (descriptor) => {
    expect(new JournalIndex(descriptor).take(hashOf('a'))?.outcome?.event).toBe('succeeded')
  })
})

test('the table grows', () => {
  const count = 1100
  const events = Array.from({ length: count }, (_, index) => [sent(`r${index}`, at(index + 1)), succeeded(`r${index}`)])
  withIndex(events.flat(), (index) => {
    expect(index.attempts).toBe(count)
    const lines = Array.from({ length: count }, (_, number) => index.take(hashOf(`r${number}`))?.sent.line)
    expect(lines).toEqual(Array.from({ length: count }, (_, number) => number + 1))
  })
})
