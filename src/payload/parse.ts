// Parses payloads: JSON or YAML.

import type { Diagnostic } from '../failure.ts'
import { type OffsetDiagnostic, scanJson } from './json.ts'
import { findPlace, type Place, positionsOf } from './places.ts'
import type { Source } from './source.ts'

/**
 * Parses a payload as JSON or, if it is not JSON, as YAML.
 *
 * @param only  do not try YAML: a `.json` file with a trailing comma is a mistake, not YAML
 * @returns errors instead of a value if the text is neither; never throws
 */
export async function parseSource(text: string, only?: 'json'): Promise<Source> {
  const content = withoutMark(text)
  const { syntax, ...json } = readJson(content)
  if (!syntax) return escapesKeys(content, json) ? (await import('./escaped-keys.ts')).rereadKeys(content, json) : json
  if (only !== 'json') {
    const { parseYaml } = await import('./yaml.ts')
    const yaml = parseYaml(content)
    // A text that looks like JSON and is not valid YAML either was meant to be JSON.
    if (yaml.errors.length === 0 || !/^\s*[[{"]/.test(content)) return yaml
  }
  return { ...json, errors: [syntax] }
}

/**
 * Parses JSON, the notation of batch files and token lists.
 *
 * @param limit  the largest number of values
 * @returns errors instead of a value if the text is not valid JSON; never throws
 */
export function parseJson(text: string, limit?: number): Source {
  const { syntax, ...json } = readJson(withoutMark(text), limit)
  return syntax ? { ...json, errors: [syntax] } : json
}

/** Whether JSON may have field names with escapes, for `rereadKeys`. */
export const escapesKeys = (text: string, { errors }: Source): boolean =>
  errors.length === 0 && /[{,]\s*"[^"\\]*\\/.test(text)

/** Removes the byte order mark that some Windows editors write. */
export const withoutMark = (text: string) => (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)

function readJson(text: string, limit?: number): Source & { syntax?: Diagnostic } {
  const { syntax, errors, warnings } = scanJson(text, { limit })
  const position = positionsOf(text)
  const placed = ({ offset, ...problem }: OffsetDiagnostic): Diagnostic => ({ ...problem, position: position(offset) })
  let places: { readonly top: Place | undefined } | undefined
  return {
    value: syntax || errors.length > 0 ? undefined : JSON.parse(text),
    errors: errors.map(placed),
    warnings: warnings.map(placed),
    locate: (path, at) => {
      // A second scan, only if a position is needed.
      places ??= { top: scanJson(text, { withPlaces: true, limit }).places }
      const offset = findPlace(places.top, path, at)
      return offset === undefined ? undefined : position(offset)
    },
    ...(syntax && { syntax: placed(syntax) }),
  }
}
