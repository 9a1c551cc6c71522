// Where the parts of a payload stand in its text.

import type { Path, Position } from '../failure.ts'

/** The offset of a value, in UTF-16 code units; of one that holds others, theirs as well. */
export type Place = number | { readonly at: number; readonly inside: Inside }

/** The places of a list's entries, or of an object's fields. */
export type Inside = Place[] | Map<string, { readonly key: number; readonly value: Place }>

/** The offset of a path's value, or of the key in front of it; undefined where the text has no such path. */
export function findPlace(top: Place | undefined, path: Path, at: 'key' | 'value'): number | undefined {
  let place = top
  let key: number | undefined
  for (const part of path) {
    const inside: Inside = place === undefined || typeof place === 'number' ? [] : place.inside
    key = undefined
    if (Array.isArray(inside)) place = typeof part === 'number' ? inside[part] : undefined
    else {
      const field = typeof part === 'string' ? inside.get(part) : undefined
      place = field?.value
      key = field?.key
    }
  }
  if (at === 'key' && key !== undefined) return key
  return typeof place === 'object' ? place.at : place
}

/** Turns offsets of a text into lines and columns. The text is read through once, when the first one is asked for. */
export function positionsOf(text: string): (offset: number) => Position {
  let starts: number[] | undefined
  return (offset) => {
    starts ??= [0, ...lineStarts(text)]
    let line = 0
    for (let beyond = starts.length; beyond - line > 1; ) {
      const middle = (line + beyond) >> 1
      if ((starts[middle] as number) <= offset) line = middle
      else beyond = middle
    }
    return { line: line + 1, column: offset - (starts[line] as number) + 1 }
  }
}

function* lineStarts(text: string): Generator<number> {
  for (const { index, 0: end } of text.matchAll(/\r\n|\r|\n/g)) yield index + end.length
}
