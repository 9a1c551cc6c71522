// Texts without their escapes. A secret can be written in many ways; instead of all of them, the decoded text is
// searched, and each of its characters knows its place in the original.

import { decodeEntity } from './html-entities.ts'

/** A text that may have been decoded. */
export interface View {
  readonly text: string
  /** Where each character starts and ends in the original text; undefined for the original itself. */
  readonly places: { readonly starts: Uint32Array; readonly ends: Uint32Array } | undefined
}

/** How often a text is decoded again: escapes of escapes are common, but deeper ones are not. */
const maxRounds = 4

/** How each kind of escape begins, and its pattern. */
const kinds = [
  // JSON and JavaScript: \n, \", \/, \u0026, \x26, \u{26}.
  { start: '\\', pattern: String.raw`\\(?:u\{[0-9a-f]{1,8}\}|u[0-9a-f]{4}|x[0-9a-f]{2}|[bfnrtv"'\/\\])` },
  // URLs: bytes of UTF-8, or of Latin-1 where they are not valid UTF-8; and the %u0026 of old JavaScript.
  { start: '%', pattern: '%u[0-9a-f]{4}|(?:%[0-9a-f]{2})+' },
  // HTML: named, decimal and hexadecimal; the semicolon is optional for browsers too.
  { start: '&', pattern: '&(?:#x[0-9a-f]{1,8}|#[0-9]{1,9}|[a-z][a-z0-9]{1,31});?' },
] as const

const anyEscape = new RegExp(kinds.map(({ pattern }) => pattern).join('|'), 'gi')
const lineBreak = /[\r\n]+[ \t]*/g

/**
 * Yields a text as it is, then with its escapes decoded, once and again, and with its lines joined. Takes time and
 * memory in proportion to the text's length.
 */
export function* viewsOf(text: string): Generator<View> {
  const original: View = { text, places: undefined }
  yield* withLinesJoined(original)
  const used = kinds.filter(({ start }) => text.includes(start))
  if (used.length === 0) return
  yield* rounds(original, anyEscape, true)
  // A secret that looks escaped itself is found where only the escapes of one kind are decoded.
  if (used.length > 1) for (const { pattern } of used) yield* rounds(original, new RegExp(pattern, 'gi'), false)
}

/** Spellings that a text has after decoding it. */
export const decodingsOf = (text: string): string[] =>
  [...rounds({ text, places: undefined }, anyEscape, false)].map((view) => view.text)

function* rounds(original: View, pattern: RegExp, joins: boolean): Generator<View> {
  let view = original
  for (let round = 0; round < maxRounds; round++) {
    const next = replaceAll(view, pattern, decodeEscape)
    if (next.text === view.text) return
    yield* joins ? withLinesJoined(next) : [next]
    view = next
  }
}

/** Base64 and keys are broken into lines, at any character. */
function* withLinesJoined(view: View): Generator<View> {
  yield view
  if (/[\r\n]/.test(view.text)) yield replaceAll(view, lineBreak, () => [])
}

/** What an escape stands for: each piece of text with the number of characters of the escape that it takes. */
type Piece = readonly [text: string, length: number]

function replaceAll({ text, places }: View, pattern: RegExp, decode: (code: string) => readonly Piece[]): View {
  const starts = new Uint32Array(text.length)
  const ends = new Uint32Array(text.length)
  const parts: string[] = []
  let count = 0
  let from = 0
  const add = (start: number, end: number) => {
    starts[count] = places ? (places.starts[start] as number) : start
    ends[count++] = places ? (places.ends[end - 1] as number) : end
  }
  const keepUntil = (end: number) => {
    parts.push(text.slice(from, end))
    for (let at = from; at < end; at++) add(at, at + 1)
  }
  for (const match of text.matchAll(pattern)) {
    keepUntil(match.index)
    from = match.index
    for (const [part, length] of decode(match[0])) {
      parts.push(part)
      for (let index = 0; index < part.length; index++) add(from, from + length)
      from += length
    }
    from = match.index + match[0].length
  }
  keepUntil(text.length)
  return { text: parts.join(''), places: { starts, ends } }
}

function decodeEscape(code: string): readonly Piece[] {
  if (code.startsWith('&')) return decodeHtml(code)
  if (code.startsWith('\\')) return [[decodeBackslash(code), code.length]]
  if (/^%u/i.test(code)) return [[String.fromCharCode(Number.parseInt(code.slice(2), 16)), code.length]]
  return decodePercent(code)
}

const controls: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

function decodeBackslash(code: string): string {
  if (code.length === 2) return controls[code.slice(1).toLowerCase()] ?? code.slice(1)
  const point = Number.parseInt(code.replace(/^\\.\{?/, ''), 16)
  return point > 0x10ffff ? code : String.fromCodePoint(point)
}

function decodeHtml(code: string): readonly Piece[] {
  const entity = decodeEntity(code)
  if (!entity) return [[code, code.length]]
  const pieces: Piece[] = [[entity.char, entity.length]]
  // Without its semicolon an entity may end early, and text follows that stands for itself.
  for (const char of code.slice(entity.length)) pieces.push([char, char.length])
  return pieces
}

/** Bytes such as `%C3%BC`, in UTF-8; a byte that is not valid there is a character of Latin-1. */
function decodePercent(code: string): readonly Piece[] {
  const bytes = Buffer.from(code.replaceAll('%', ''), 'hex')
  const pieces: Piece[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] as number)
    const sequence = bytes.subarray(at, at + length)
    const text = sequence.toString()
    const isValid = length > 1 && Buffer.from(text).equals(sequence)
    pieces.push(isValid ? [text, 3 * length] : [String.fromCharCode(bytes[at] as number), 3])
    at += isValid ? length : 1
  }
  return pieces
}

/** The number of bytes of a character, by its first one. See https://www.rfc-editor.org/rfc/rfc3629#section-3 */
function sequenceLength(byte: number): number {
  if (byte >= 0xf0) return 4
  if (byte >= 0xe0) return 3
  return byte >= 0xc0 ? 2 : 1
}
