// Parses payloads: JSON or YAML.

import type { Diagnostic } from '../failure.ts'
import { type OffsetDiagnostic, scanJson } from './json.ts'
import { findPlace, type Place, positionsOf } from './places.ts'
import type { Source } from './source.ts'

/**
 * Parses a payload as JSON or, if it is not JSON, as YAML. A text that is JSON up to a line break or a backslash inside
 * quotes is not tried as YAML, which folds the line break and has other escapes: an expression that put a secret there
 * would silently change it.
 *
 * @param notation  `json`: do not try YAML, because a `.json` file with a trailing comma is a mistake, not YAML; `yaml`:
 *                  the text is meant to be YAML, which includes JSON
 * @returns errors instead of a value if the text is neither; never throws
 */
export async function parseSource(text: string, notation?: 'json' | 'yaml'): Promise<Source> {
  const content = withoutMark(text)
  const { syntax, isInText, ...json } = readJson(content)
  if (!syntax) return escapesKeys(content, json) ? (await import('./escaped-keys.ts')).rereadKeys(content, json) : json
  if (notation === 'yaml' || (notation !== 'json' && !isInText)) {
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
  const { syntax, isInText: _, ...json } = readJson(withoutMark(text), limit)
  return syntax ? { ...json, errors: [syntax] } : json
}

/** Whether JSON may have field names with escapes, for `rereadKeys`. */
export const escapesKeys = (text: string, { errors }: Source): boolean =>
  errors.length === 0 && /[{,]\s*"[^"\\]*\\/.test(text)

/** Removes the byte order mark that some Windows editors write. */
export const withoutMark = (text: string) => (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)

function readJson(text: string, limit?: number): Source & { syntax?: Diagnostic; isInText?: boolean } {
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
    ...(syntax && { syntax: placed(syntax), isInText: isInsideText(text, syntax.offset) }),
  }
}

/** Whether a syntax error is inside quotes: at a line break or another control character, or after a backslash. */
const isInsideText = (text: string, offset: number) => text.charCodeAt(offset) < 0x20 || text[offset - 1] === '\\'
