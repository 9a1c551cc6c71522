// Parses JSON that has escapes in field names, such as `"\n"`. V8 may take such a name for one that it read before and
// that is written with a backslash, such as `"\\"`: https://github.com/nodejs/node/issues/63785

import { scanJson } from './json.ts'
import type { Place } from './places.ts'
import { endOfString } from './plain-json.ts'
import type { Source } from './source.ts'

/**
 * Parses valid JSON a second time, as `JSON.parse` should have done.
 *
 * @param source  of the text
 * @returns the source with the right value
 */
export function rereadKeys(text: string, source: Source): Source {
  const { places } = scanJson(text, { withPlaces: true })
  // V8 reads names without escapes correctly. The numbers rise, so that it keeps the order of the fields.
  const names: string[] = []
  const parts: string[] = []
  let end = 0
  for (const { name, at } of placedNames(places)) {
    parts.push(text.slice(end, at), `"${names.length}"`)
    names.push(name)
    end = endOfString(text, at) + 1
  }
  return { ...source, value: withNames(JSON.parse(parts.join('') + text.slice(end)), names) }
}

function* placedNames(place: Place | undefined): Generator<{ name: string; at: number }> {
  if (typeof place !== 'object') return
  if (Array.isArray(place.inside)) for (const entry of place.inside) yield* placedNames(entry)
  else {
    for (const [name, { key, value }] of place.inside) {
      yield { name, at: key }
      yield* placedNames(value)
    }
  }
}

function withNames(value: unknown, names: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((entry) => withNames(entry, names))
  if (typeof value !== 'object' || value === null) return value
  const name = (key: string) => names[Number(key)] as string
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [name(key), withNames(entry, names)]))
}
