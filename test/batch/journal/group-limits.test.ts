// How many groups of failures there are, and how they are ordered.

import { describe, expect, test } from 'vitest'
import { FailureGroups, type OpenOutcome } from '../../../src/batch/journal/failure-groups.ts'

const failed = (change: Partial<OpenOutcome> = {}): OpenOutcome => ({
  event: 'failed',
  code: 'conflict',
  message: 'No',
  installation: 'icfg_a',
  line: 1,
  ...change,
})

/** A word of letters for a number: digits would be values of one pattern. */
const word = (number: number) => [...String(number)].map((digit) => 'abcdefghij'[Number(digit)]).join('')

test('500 causes are kept apart, then those of a code and status, and then those of an event', () => {
  const groups = new FailureGroups()
  const causes = Array.from({ length: 500 }, (_, number) => groups.add(failed({ message: word(number) })))
  expect(new Set(causes).size).toBe(500)
  expect(groups.add(failed({ message: word(7) }))).toBe(causes[7])
  const merged = groups.add(failed({ message: 'new', hint: 'Do it' }))
  expect(merged).toBe(500)
  expect(groups.add(failed({ message: 'newer' }))).toBe(500)
  const codes = Array.from({ length: 199 }, (_, number) => groups.add(failed({ code: word(number), message: 'x' })))
  expect(codes).toEqual(Array.from({ length: 199 }, (_, number) => 501 + number))
  expect(groups.add(failed({ httpStatus: 404, message: 'x' }))).toBe(700)
  expect(groups.add(failed({ httpStatus: 405, message: 'x' }))).toBe(700)
  expect(groups.add(failed({ event: 'unknown', code: 'other', message: 'x' }))).toBe(701)
  expect([groups.isUnknown(700), groups.isUnknown(701), groups.isUnknown(999)]).toEqual([false, true, false])
  const listed = groups.list(new Map([[500, [3]]]))
  const various = { message: 'Various reasons, which the journal has', hint: '', installation: undefined }
  expect(listed.find(({ code, message }) => code === 'conflict' && message.startsWith('Various'))).toEqual({
    ...various,
    event: 'failed',
    code: 'conflict',
    httpStatus: undefined,
    count: 2,
    lines: [3],
  })
  expect(listed.find(({ event, code }) => event === 'failed' && code === '')).toEqual({
    ...various,
    event: 'failed',
    code: '',
    httpStatus: undefined,
    count: 2,
    lines: [],
  })
})

describe('the groups are listed', () => {
  test('the largest first, and equally large ones by their first lines', () => {
    const groups = new FailureGroups()
    const add = (message: string, ...lines: number[]) =>
      lines.map((line) => [groups.add(failed({ message, line })), line] as const)
    const all = [...add('one', 9), ...add('three', 7, 8, 10), ...add('early', 2), ...add('two', 5, 6)]
    const lines = new Map<number, number[]>()
    for (const [group, line] of all) lines.set(group, [...(lines.get(group) ?? []), line])
    expect(groups.list(lines).map(({ message, count }) => [message, count])).toEqual([
      ['three', 3],
      ['two', 2],
      ['early', 1],
      ['one', 1],
    ])
  })

  test('without those that have no record any more', () => {
    const groups = new FailureGroups()
    const index = groups.add(failed())
    groups.remove(index)
    groups.remove(99)
    expect(groups.list(new Map())).toEqual([])
    groups.add(failed({ line: 4, installation: 'icfg_b' }))
    expect(groups.list(new Map([[index, [4]]]))).toMatchObject([{ count: 1, installation: 'icfg_b', message: 'No' }])
  })

  test('one of a single record shows its own message only if it is that record', () => {
    const groups = new FailureGroups()
    const index = groups.add(failed({ message: 'Item 1', line: 3 }))
    groups.add(failed({ message: 'Item 2', line: 4 }))
    groups.remove(index)
    expect(groups.list(new Map([[index, [4]]]))).toMatchObject([{ message: 'Item …', installation: undefined }])
    expect(groups.list(new Map([[index, [3]]]))).toMatchObject([{ message: 'Item 1', installation: 'icfg_a' }])
  })
})

test('long messages are compared by their beginnings', () => {
  const groups = new FailureGroups()
  const long = 'x'.repeat(2000)
  expect(groups.add(failed({ message: `${long}a` }))).toBe(groups.add(failed({ message: `${long}b` })))
  expect(groups.list(new Map())[0]?.message).toBe(long)
})

test('what to do is told apart from what went wrong, if the message ends with it', () => {
  const listed = (change: Partial<OpenOutcome>) => {
    const groups = new FailureGroups()
    const index = groups.add(failed(change))
    const [{ message, hint } = { message: '', hint: '' }] = groups.list(new Map([[index, [1]]]))
    return { message, hint }
  }
  expect(listed({ message: 'No. Do it', hint: 'Do it' })).toEqual({ message: 'No', hint: 'Do it' })
  expect(listed({ message: 'No', hint: 'Do it' })).toEqual({ message: 'No', hint: 'Do it' })
  expect(listed({ message: 'No. ' })).toEqual({ message: 'No. ', hint: '' })
  expect(listed({ message: '', hint: 'Do it' })).toEqual({
    message: 'It failed, and the journal does not say why',
    hint: 'Do it',
  })
})
