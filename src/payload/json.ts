// JSON text, read once for what `JSON.parse` keeps to itself: the place of a syntax error, duplicate keys, nesting
// and numbers that a float cannot hold. It neither recurses nor copies, whatever it is given.
// The grammar is RFC 8259's.

import type { Diagnostic, Path } from '../failure.ts'
import type { Inside, Place } from './places.ts'

/** How deep a payload may nest. The API's own requests end at six. */
export const maxDepth = 100

/** A problem and the offset of its place. */
export type OffsetDiagnostic = Diagnostic & { readonly offset: number }

export interface Scan {
  /** Where and why the text is no JSON. The reading ended there. */
  readonly syntax?: OffsetDiagnostic
  /** What keeps JSON from being used: duplicate keys, too many levels. */
  readonly errors: readonly OffsetDiagnostic[]
  /** What it can be used with all the same. */
  readonly warnings: readonly OffsetDiagnostic[]
  /** Where everything stands, if that was asked for. */
  readonly places?: Place | undefined
}

interface Frame {
  /** The keys so far; a list has none. */
  readonly keys: Set<string> | undefined
  key: string
  keyAt: number
  index: number
  readonly inside: Inside | undefined
}

const numberToken = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const blanks = /[ \t\n\r]*/y
const wordToken = /[A-Za-z0-9_$'`+.-]+/y

/**
 * Reads through a JSON text. After a syntax error or too much nesting it stops.
 *
 * @param withPlaces  note where everything stands, which takes several times the memory of the text
 */
export function scanJson(text: string, { withPlaces = false } = {}): Scan {
  const errors: OffsetDiagnostic[] = []
  const warnings: OffsetDiagnostic[] = []
  const stack: Frame[] = []
  let at = 0
  let places: Place | undefined

  const path = (): Path => stack.map(({ keys, key, index }) => (keys ? key : index))
  const fail = (message: string): Scan => ({
    syntax: { path: [], message: `is not valid JSON: ${message}`, offset: at },
    errors,
    warnings,
  })
  function note(place: Place): void {
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

  /** Moves past a string that starts here; gives what is wrong with it. */
  function skipText(): string | undefined {
    const start = at++
    for (; ; at++) {
      const code = text.charCodeAt(at)
      if (code === 0x22) break
      if (Number.isNaN(code)) {
        at = start
        return 'a text that starts here has no closing quote'
      }
      if (code < 0x20)
        return 'a text holds a line break or another control character; write it as an escape such as \\n'
      if (code !== 0x5c) continue
      const escaped = text[++at] ?? ''
      if (escaped === 'u' && /^[0-9a-fA-F]{4}$/.test(text.slice(at + 1, at + 5))) at += 4
      else if (escaped === 'u' || !'"\\/bfnrt'.includes(escaped) || escaped === '') return 'this escape is not JSON'
    }
    at++
    return undefined
  }

  /** Reads `"key" :` and puts the key into its frame. */
  function readKey(frame: Frame): string | undefined {
    skipBlanks()
    if (text[at] !== '"') {
      return text[at] === '}'
        ? 'a comma stands before this closing brace'
        : `expected a field name in double quotes${found()}`
    }
    frame.keyAt = at
    const problem = skipText()
    if (problem) return problem
    const raw = text.slice(frame.keyAt + 1, at - 1)
    const key = raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw
    frame.key = key
    if (frame.keys?.has(key)) {
      errors.push({ path: path(), message: 'stands here twice; keep one of the two', at: 'key', offset: frame.keyAt })
    }
    frame.keys?.add(key)
    skipBlanks()
    if (text[at] !== ':') return `expected a colon after the field name${found()}`
    at++
    return undefined
  }

  /** What stands here, for a message: a mark of JSON's own, never a piece of a value. */
  function found(): string {
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
        return wordFollows() ? `expected ${literal} to end here` : undefined
      }
    }
    numberToken.lastIndex = at
    const [token] = numberToken.exec(text) ?? []
    if (!token) return char === ']' || char === '}' ? 'a value is missing before this' : `expected a value${found()}`
    at += token.length
    if (wordFollows()) return 'this is not a JSON number'
    const problem = inexact(token)
    if (problem) warnings.push({ path: path(), message: problem, offset: at - token.length })
    return undefined
  }
  const wordFollows = () => {
    wordToken.lastIndex = at
    return wordToken.test(text)
  }

  skipBlanks()
  if (at === text.length) return fail('the text is empty')
  for (;;) {
    // A value starts here.
    skipBlanks()
    const char = text[at]
    const inside: Inside | undefined = withPlaces
      ? char === '{'
        ? new Map()
        : char === '['
          ? []
          : undefined
      : undefined
    if (withPlaces) note(inside ? { at, inside } : at)
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

    // A value has ended here: close what it closes, up to the comma that another one follows.
    for (;;) {
      skipBlanks()
      const frame = stack.at(-1)
      if (!frame)
        return at < text.length ? fail('something follows the end of the JSON value') : { errors, warnings, places }
      const close = frame.keys ? '}' : ']'
      if (text[at] === close) {
        at++
        stack.pop()
        continue
      }
      if (text[at] !== ',') return fail(`expected a comma or ${close}${found()}`)
      at++
      frame.index++
      const problem = frame.keys && readKey(frame)
      if (problem) return fail(problem)
      break
    }
  }
}

export const tooDeep = `nests deeper than ${maxDepth} levels`

/** What is wrong with a number's spelling that the request could not repeat, if anything. Never shows the number. */
export function inexact(token: string): string | undefined {
  if (token.length <= 15) return undefined
  const value = Number(token)
  const written = significant(token)
  if (!Number.isFinite(value) || written === undefined || written === significant(String(value))) return undefined
  return 'is not sent as it is written: JSON numbers keep 15 to 17 digits'
}

/** A decimal spelling reduced to its digits and power of ten: `1.50e3` → `15e2`. */
function significant(token: string): string | undefined {
  const match = /^([-+]?)(\d*)(?:\.(\d*))?(?:[eE]([-+]?\d+))?$/.exec(token)
  if (!match) return undefined
  const [, sign = '', whole = '', fraction = '', power = '0'] = match
  const digits = whole + fraction
  let start = 0
  let end = digits.length
  while (digits[start] === '0') start++
  if (start === end) return '0'
  while (digits[end - 1] === '0') end--
  const exponent = Number(power) - fraction.length + digits.length - end
  return `${sign === '-' ? '-' : ''}${digits.slice(start, end)}e${exponent}`
}
