import { expect, test } from 'vitest'
import { findPlace, type Place, positionsOf } from '../../src/payload/places.ts'

test.each<[text: string, offset: number, line: number, column: number]>([
  ['', 0, 1, 1],
  ['abc', 2, 1, 3],
  ['a\nb', 1, 1, 2],
  ['a\nb', 2, 2, 1],
  ['a\r\nb', 2, 1, 3],
  ['a\r\nb', 3, 2, 1],
  ['a\rb', 2, 2, 1],
  ['\n\n\n', 3, 4, 1],
  ['1\n2\n3\n4\n5\n6', 10, 6, 1],
])('in %j, offset %i is in line %i, column %i', (text, offset, line, column) => {
  expect(positionsOf(text)(offset)).toEqual({ line, column })
})

const places: Place = {
  at: 0,
  inside: new Map<string, { key: number; value: Place }>([
    ['list', { key: 1, value: { at: 9, inside: [10, { at: 12, inside: [] }] } }],
    ['0', { key: 20, value: 25 }],
  ]),
}

test.each<[path: (string | number)[], value: number | undefined, key: number | undefined]>([
  [[], 0, 0],
  [['list'], 9, 1],
  [['list', 0], 10, 10],
  [['list', 1], 12, 12],
  [['0'], 25, 20],
  // What is not in the text.
  [['list', '0'], undefined, undefined],
  [['list', 2], undefined, undefined],
  [['list', 0, 0], undefined, undefined],
  [['list', 1, 'x'], undefined, undefined],
  [[0], undefined, undefined],
  [['none'], undefined, undefined],
  [['none', 'x'], undefined, undefined],
  [['0', 'x'], undefined, undefined],
])('the place of %j is %s, that of its key is %s', (path, value, key) => {
  expect(findPlace(places, path, 'value')).toBe(value)
  expect(findPlace(places, path, 'key')).toBe(key)
})

test('a text without places has no place', () => expect(findPlace(undefined, ['a'], 'value')).toBeUndefined())
