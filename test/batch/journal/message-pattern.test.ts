// What of a message differs from record to record.

import { expect, test } from 'vitest'
import { CommonMessage, patternKey, patternOf } from '../../../src/batch/journal/message-pattern.ts'

test.each<[text: string, fixed: string[], values: string[]]>([
  ['', [''], []],
  ['No such plan', ['No such plan'], []],
  ['Item 7 is wrong.', ['Item ', ' is wrong.'], ['7']],
  ['inv_17, inv_18: no', ['', ', ', ': no'], ['inv_17', 'inv_18']],
  ['Why 7?!:', ['Why ', '?!:'], ['7']],
  ['See 7....', ['See ', '...'], ['7.']],
  ['Plan "a b" is ""', ['Plan "', '" is "', '"'], ['a b', '']],
  ['An open " quote', ['An open " quote'], []],
  ['at 2026-01-01T00:00:00.123Z, or', ['at ', ', or'], ['2026-01-01T00:00:00.123Z']],
  ['at 2026-01-01 00:00 UTC', ['at ', ''], ['2026-01-01 00:00 UTC']],
  ['in 2 min 5 s (12 ms)', ['in ', ' (', ')'], ['2 min 5 s', '12 ms']],
  ['in 1.5 s', ['in ', ''], ['1.5 s']],
  ['No (request a::1 b) here (request c)', ['No here'], []],
  ['No (requests)', ['No (requests)'], []],
  ['...', ['...'], []],
])('%j', (text, fixed, values) => {
  expect(patternOf(text)).toEqual({ fixed, values })
})

test('the installation is a value wherever it stands as a word', () => {
  expect(patternOf('team: no team, teams', 'team')).toEqual({
    fixed: ['', ': no ', ', teams'],
    values: ['team', 'team'],
  })
  expect(patternOf('... . ', '')).toEqual({ fixed: ['... . '], values: [] })
})

test('patterns are equal only if their parts are', () => {
  expect(patternKey(patternOf('a 1 b'))).toBe(patternKey(patternOf('a 2 b')))
  expect(patternKey(patternOf('a 1b'))).not.toBe(patternKey(patternOf('a b')))
  expect(patternKey({ fixed: ['a', 'b'], values: ['1'] })).not.toBe(patternKey({ fixed: ['ab'], values: [] }))
})

test('what differs once stays open', () => {
  const common = new CommonMessage(patternOf('Item 1 of 9'), { keepsLatest: false })
  expect(common.text).toBe('Item 1 of 9')
  common.add(patternOf('Item 2 of 9'))
  expect(common.text).toBe('Item … of 9')
  common.add(patternOf('Item 1 of 9'))
  expect(common.text).toBe('Item … of 9')
})

test('the later of two times stands for both only where that is wanted, and only for whole times', () => {
  const textOf = (keepsLatest: boolean, ...texts: [string, ...string[]]) => {
    const common = new CommonMessage(patternOf(texts[0]), { keepsLatest })
    for (const text of texts.slice(1)) common.add(patternOf(text))
    return common.text
  }
  const [early, late] = ['after 2026-01-01 00:00:05 UTC', 'after 2026-01-01 00:00:06 UTC'] as const
  expect(textOf(true, early, late)).toBe(late)
  expect(textOf(true, late, early)).toBe(late)
  expect(textOf(false, early, late)).toBe('after …')
  expect(textOf(true, 'after 7', 'after 8')).toBe('after …')
  expect(textOf(true, early, 'after 7')).toBe('after …')
})
