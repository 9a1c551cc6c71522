// Scans JSON text for what `JSON.parse` does not report: the place of a syntax error, duplicate keys, deep nesting, and
// numbers that a float cannot represent. The scan does not recurse. The grammar is that of RFC 8259:
// https://www.rfc-editor.org/rfc/rfc8259

import type { Diagnostic, Path } from '../failure.ts'
import { formatCount } from '../format.ts'
import type { Inside, Place } from './places.ts'

/** The deepest nesting of a payload. The API's own requests have at most six levels. */
export const maxDepth = 100

/**
 * The largest number of values in a payload: the fields and entries at all levels, and the lists and objects themselves.
 * 10 MiB of `{},` would take more memory than a process may have.
 */
export const maxValues = 1_000_000

/** The problem of a payload with too many values. */
export const tooManyValues = (max: number): string => `has more than ${formatCount(max)} values; split it`

/** A problem with its offset, in UTF-16 code units. */
export type OffsetDiagnostic = Diagnostic & { readonly offset: number }

/** The result of a scan. */
export interface Scan {
  /** Why the text is not JSON. The scan ended there. */
  readonly syntax?: OffsetDiagnostic
  /** Why valid JSON is refused: duplicate keys, too many levels or values. */
  readonly errors: readonly OffsetDiagnostic[]
  /** Problems with which the JSON can still be used. */
  readonly warnings: readonly OffsetDiagnostic[]
  /** The places of all values, if requested. */
  readonly places?: Place | undefined
}

interface Frame {
  /** The keys so far; undefined for a list. */
  readonly keys: Set<string> | undefined
  key: string
  keyAt: number
  index: number
  readonly inside: Inside | undefined
}

const numberToken = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const blanks = /[ \t\n\r]*/y
const badEscape = 'this escape is not JSON; write a backslash itself as \\\\'
const wordToken = /[A-Za-z0-9_$'`+.-]+/y

/**
 * Scans a JSON text. Stops at a syntax error, at a level that is too deep, and at a value that is one too many.
 *
 * @param limit       the largest number of values
 * @param withPlaces  record the place of every value, which takes several times the memory of the text
 */
export function scanJson(text: string, { withPlaces = false, limit = maxValues } = {}): Scan {
  const errors: OffsetDiagnostic[] = []
  const warnings: OffsetDiagnostic[] = []
  const stack: Frame[] = []
  let at = 0
  let values = 0
  let places: Place | undefined

  const path = (): Path => stack.map(({ keys, key, index }) => (keys ? key : index))
  const fail = (message: string): Scan => ({
    syntax: { path: [], message: `is not valid JSON: ${message}`, offset: at },
    errors,
    warnings,
  })
  function recordPlace(place: Place): void {
    const frame = stack.at(-1)
    if (!frame) places = place
    else if (Array.isArray(frame.inside)) frame.inside.push(place)
    else frame.inside?.set(frame.key, { key: frame.keyAt, value: place })
  }
  const skipBlanks = () => {
    blanks.lastIndex = at
    blanks.test(text)
    at = blanks.lastIndex
  }

  /** Moves past the string that starts here; returns what is wrong with it. */
  function skipText(): string | undefined {
    const start = at++
    for (; ; at++) {
      const code = text.charCodeAt(at)
      if (code === 0x22) break
      if (Number.isNaN(code)) {
        at = start
        return 'the text that starts here has no closing quote'
      }
      if (code < 0x20)
        return 'a text contains a line break or another control character; write it as an escape such as \\n'
      if (code !== 0x5c) continue
      const escaped = text[++at] ?? ''
      if (escaped === 'u' && /^[0-9a-fA-F]{4}$/.test(text.slice(at + 1, at + 5))) at += 4
      else if (escaped === '' || !'"\\/bfnrt'.includes(escaped)) return badEscape
    }
    at++
    return undefined
  }

  /** Reads `"key" :` into the frame; returns what is wrong with it. */
  function readKey(frame: Frame): string | undefined {
    skipBlanks()
    if (text[at] !== '"') {
      return text[at] === '}'
        ? 'remove the comma before this closing brace'
        : `expected a field name in double quotes${foundHere()}`
    }
    frame.keyAt = at
    const problem = skipText()
    if (problem) return problem
    const raw = text.slice(frame.keyAt + 1, at - 1)
    const key = raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw
    frame.key = key
    if (frame.keys?.has(key)) {
      errors.push({ path: path(), message: 'occurs twice; remove one of the two', at: 'key', offset: frame.keyAt })
    }
    frame.keys?.add(key)
    skipBlanks()
    if (text[at] !== ':') return `expected a colon after the field name${foundHere()}`
    at++
    return undefined
  }

  /** The character at this offset, for a message: only punctuation of JSON, never a part of a value. */
  function foundHere(): string {
    const char = text[at]
    if (char === undefined) return ', but the text ends here'
    return '{}[]:,"'.includes(char) ? `, not ${char}` : ''
  }

  function skipScalar(): string | undefined {
    const char = text[at] ?? ''
    if (char === '"') return skipText()
    for (const literal of ['true', 'false', 'null']) {
      if (text.startsWith(literal, at)) {
        at += literal.length
        return hasWordHere() ? `expected ${literal} to end here` : undefined
      }
    }
    numberToken.lastIndex = at
    const [token] = numberToken.exec(text) ?? []
    if (!token)
      return char === ']' || char === '}' ? 'a value is missing before this' : `expected a value${foundHere()}`
    at += token.length
    if (hasWordHere()) return 'this is not a JSON number'
    const problem = inexact(token)
    if (problem) warnings.push({ path: path(), message: problem, offset: at - token.length })
    return undefined
  }
  const hasWordHere = () => {
    wordToken.lastIndex = at
    return wordToken.test(text)
  }

  skipBlanks()
  if (at === text.length) return fail('the text is empty')
  for (;;) {
    // A value starts here.
    skipBlanks()
    if (++values > limit) {
      errors.push({ path: [], message: tooManyValues(limit), offset: at })
      return { errors, warnings }
    }
    const char = text[at]
    const inside: Inside | undefined = withPlaces
      ? char === '{'
        ? new Map()
        : char === '['
          ? []
          : undefined
      : undefined
    if (withPlaces) recordPlace(inside ? { at, inside } : at)
    if (char === '{' || char === '[') {
      if (stack.length >= maxDepth) {
        errors.push({ path: [], message: tooDeep, offset: at })
        return { errors, warnings }
      }
      at++
      skipBlanks()
      const close = char === '{' ? '}' : ']'
      if (text[at] === close) at++
      else {
        const keys = char === '{' ? new Set<string>() : undefined
        const frame: Frame = { keys, key: '', keyAt: 0, index: 0, inside }
        stack.push(frame)
        const problem = frame.keys && readKey(frame)
        if (problem) return fail(problem)
        continue
      }
    } else {
      const problem = skipScalar()
      if (problem) return fail(problem)
    }

    // A value ended here: close the lists and objects that end with it, up to a comma before the next value.
    for (;;) {
      skipBlanks()
      const frame = stack.at(-1)
      if (!frame)
        return at < text.length
          ? fail('there is more text after the end of the JSON value')
          : { errors, warnings, places }
      const close = frame.keys ? '}' : ']'
      if (text[at] === close) {
        at++
        stack.pop()
        continue
      }
      if (text[at] !== ',') return fail(`expected a comma or ${close}${foundHere()}`)
      at++
      frame.index++
      const problem = frame.keys && readKey(frame)
      if (problem) return fail(problem)
      break
    }
  }
}

/** The problem of a payload that nests too deeply. */
export const tooDeep = `nests deeper than ${maxDepth} levels`

/** Why a number would not be sent as it is written, if so. Never shows the number. */
export function inexact(token: string): string | undefined {
  if (token.length <= 15) return undefined
  const value = Number(token)
  const written = significant(token)
  if (!Number.isFinite(value) || written === undefined || written === significant(String(value))) return undefined
  return 'is not sent as it is written: JSON numbers keep 15 to 17 digits'
}

/** A number's significant digits and power of ten, without its sign: `-1.50e3` → `15e2`. */
function significant(token: string): string | undefined {
  const match = /^[-+]?(\d*)(?:\.(\d*))?(?:[eE]([-+]?\d+))?$/.exec(token)
  if (!match) return undefined
  const [, whole = '', fraction = '', power = '0'] = match
  const digits = whole + fraction
  let start = 0
  let end = digits.length
  while (digits[start] === '0') start++
  if (start === end) return '0'
  while (digits[end - 1] === '0') end--
  const exponent = Number(power) - fraction.length + digits.length - end
  return `${digits.slice(start, end)}e${exponent}`
}
