// The places of a payload's parts in its text.

import type { Path, Position } from '../failure.ts'

/** The offset of a value, in UTF-16 code units; for a list or an object also those of its parts. */
export type Place = number | { readonly at: number; readonly inside: Inside }

/** The places of a list's entries, or of an object's fields. */
export type Inside = Place[] | Map<string, { readonly key: number; readonly value: Place }>

/** The offset of a path's value, or of its key; undefined if the text does not contain the path. */
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

/** Converts offsets in a text to lines and columns, both 1-based. Scans the text once, on the first call. */
export function positionsOf(text: string): (offset: number) => Position {
  let starts: number[] | undefined
  return (offset) => {
    starts ??= [0, ...lineStarts(text)]
    let line = 0
    for (let end = starts.length; end - line > 1; ) {
      const middle = (line + end) >> 1
      if ((starts[middle] as number) <= offset) line = middle
      else end = middle
    }
    return { line: line + 1, column: offset - (starts[line] as number) + 1 }
  }
}

function* lineStarts(text: string): Generator<number> {
  for (const { index, 0: end } of text.matchAll(/\r\n|\r|\n/g)) yield index + end.length
}
