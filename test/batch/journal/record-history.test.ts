// Events that cannot have happened, one after the other.

import { describe, expect, test } from 'vitest'
import type { JournalEvent } from '../../../src/batch/journal/journal-format.ts'
import { RecordHistory } from '../../../src/batch/journal/record-history.ts'
import { begun, outcome, sent, succeeded } from '../journals.ts'

/** The problem of the last event; the others must have none. */
function problemOf(...events: JournalEvent[]): string | undefined {
  const history = new RecordHistory()
  const problems = events.map((event) => history.add(event))
  expect(problems.slice(0, -1)).toEqual(events.slice(1).map(() => undefined))
  return problems.at(-1)
}

const notSent = (id: string) => ({ ...outcome(id, 'failed'), event: 'not_sent' }) as JournalEvent
const resumed = (id: string) => sent(id, { resumed: true })

describe('an event that cannot have happened says why', () => {
  test.each<[problem: string, events: JournalEvent[]]>([
    ['is about a record, and no run has begun before it', [sent('a')]],
    ['is about a request that was not in flight', [begun(1), notSent('a')]],
    ['is about a request that was not in flight', [begun(1), sent('a'), notSent('a'), notSent('a')]],
    ['is about a request that was not in flight', [begun(1), sent('a'), begun(1), notSent('a')]],
    ['sends a record that the same run has in flight already', [begun(1), sent('a'), sent('a')]],
    ['resumes a record whose outcome was not unknown', [begun(1), resumed('a')]],
    ['resumes a record whose outcome was not unknown', [begun(1), sent('a'), succeeded('a'), begun(1), resumed('a')]],
    [
      'resumes a record whose outcome was not unknown',
      [begun(1), sent('a'), begun(1), resumed('a'), succeeded('a'), begun(1), resumed('a')],
    ],
    ['is an outcome without a request that it could belong to', [begun(1), succeeded('a')]],
    ['is an outcome without a request that it could belong to', [begun(1), outcome('a', 'failed', { code: 'x' })]],
    ['is an outcome without a request that it could belong to', [begun(1), succeeded('a', { code: 'internal_error' })]],
    [
      'is an outcome without a request that it could belong to',
      [begun(1), sent('a'), outcome('a', 'unknown'), succeeded('a')],
    ],
  ])('%s: %j', (problem, events) => {
    expect(problemOf(...events)).toBe(problem)
  })
})

describe('what can have happened has no problem', () => {
  test.each<[what: string, events: JournalEvent[]]>([
    ['a request that was not processed is sent again', [begun(1), sent('a'), notSent('a'), sent('a'), succeeded('a')]],
    ['a record fails in the action before it is sent', [begun(1), outcome('a', 'failed', { code: 'internal_error' })]],
    ['a killed run is resumed', [begun(1), sent('a'), begun(1), resumed('a'), succeeded('a')]],
    ['an unknown outcome is looked up', [begun(1), sent('a'), outcome('a', 'unknown'), begun(1), succeeded('a')]],
    [
      'two records of one key were left unknown, and both are resumed',
      [
        begun(2),
        sent('a'),
        outcome('a', 'unknown'),
        sent('a'),
        begun(2),
        resumed('a'),
        succeeded('a'),
        resumed('a'),
        succeeded('a'),
      ],
    ],
    [
      'of two unknown ones one stays unknown',
      [
        begun(2),
        sent('a'),
        outcome('a', 'unknown'),
        sent('a'),
        begun(2),
        resumed('a'),
        succeeded('a'),
        begun(2),
        resumed('a'),
      ],
    ],
  ])('%s', (_, events) => {
    expect(problemOf(...events)).toBeUndefined()
  })

  test('but not more of them than there were', () => {
    const twice = [begun(2), sent('a'), outcome('a', 'unknown'), sent('a')]
    const resolve = [resumed('a'), succeeded('a')]
    expect(problemOf(...twice, begun(2), ...resolve, ...resolve, resumed('a'))).toBe(
      'resumes a record whose outcome was not unknown',
    )
  })
})
