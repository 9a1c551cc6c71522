// Finds many texts in another at once, whole or cut off before an ellipsis, in time that grows with the text's length
// and hardly with their number.

/** The shortest text that is found. */
export const minNeedleChars = 4

/** How much of a secret must be left before `...`, or after any ellipsis: less says little, and matches other words. */
const minFragmentChars = 8

/**
 * The end of the part before an ellipsis may be half an escape or half a character: bytes of UTF-8 that are read as
 * Latin-1, another character (`&#12` of `&#126;`), or the beginning of an escape.
 */
const endOfHead =
  /(?:[\u0080-\u00ff]{1,3}|[\s\S])??(?:%[0-9a-f]?|\\(?:u[0-9a-f]{0,3}|x[0-9a-f]?)?|&#?[0-9a-z]{0,31})?(…|\.\.\.)/iy
/** The same for the part after it, read backwards. */
const startOfTail = /[0-9a-z;#]{0,8}(…|\.\.\.)/iy

export type Report = (start: number, end: number) => void

/** A set of texts, prepared for searching other texts. */
export class NeedleTable {
  readonly #forward: PrefixTable
  readonly #needles: readonly string[]
  #backward: PrefixTable | undefined

  /** @param needles  of four characters or more */
  constructor(needles: Iterable<string>) {
    this.#needles = [...new Set(needles)]
    this.#forward = new PrefixTable(this.#needles)
  }

  /** Reports each place where a needle is, or its head or tail beside an ellipsis. Places may overlap. */
  find(text: string, report: Report): void {
    const hasEllipsis = text.includes('…') || text.includes('...')
    this.#forward.find(text, hasEllipsis ? endOfHead : undefined, (start, end) => report(start, end))
    if (!hasEllipsis) return
    this.#backward ??= new PrefixTable(this.#needles.map(reverse))
    const { length } = text
    this.#backward.find(reverse(text), startOfTail, (start, end, isWhole) => {
      if (!isWhole && end - start >= minFragmentChars) report(length - end, length - start)
    })
  }
}

/** By code units, as offsets count. */
const reverse = (text: string) => text.split('').reverse().join('')

/** The needles in order, so that those with the same beginning stand together. */
class PrefixTable {
  readonly #needles: readonly string[]
  /** For each needle the longest other one that it starts with, or -1. */
  readonly #parents: Int32Array
  /** A hash table of the first four characters: 1 + the first needle of each group, or 0. */
  readonly #slots: Int32Array
  readonly #hashes: Int32Array
  /** The end of the group of each first needle. */
  readonly #ends: Int32Array
  readonly #maxChars: number

  constructor(needles: readonly string[]) {
    this.#needles = [...needles].sort()
    this.#parents = parentsOf(this.#needles)
    this.#maxChars = this.#needles.reduce((max, { length }) => Math.max(max, length), 0)
    const { length } = this.#needles
    const size = 2 ** Math.ceil(Math.log2(Math.max(1, length) * 8))
    this.#slots = new Int32Array(size)
    this.#hashes = new Int32Array(length)
    this.#ends = new Int32Array(length)
    let first = 0
    for (let index = 1; index <= length; index++) {
      if (this.#needles[index]?.slice(0, minNeedleChars) === this.#needles[first]?.slice(0, minNeedleChars)) continue
      this.#insert(first, index)
      first = index
    }
  }

  #insert(first: number, end: number): void {
    const hash = hashAt(this.#needles[first] as string, 0)
    const mask = this.#slots.length - 1
    let slot = hash & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = first + 1
    this.#hashes[first] = hash
    this.#ends[first] = end
  }

  /** @param cut  matches what stands after a needle that was cut */
  find(text: string, cut: RegExp | undefined, report: (start: number, end: number, isWhole: boolean) => void): void {
    const mask = this.#slots.length - 1
    const last = text.length - minNeedleChars
    for (let at = 0; at <= last; at++) {
      const hash = hashAt(text, at)
      for (let slot = hash & mask; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
        const first = (this.#slots[slot] as number) - 1
        if (this.#hashes[first] === hash) this.#findAt(text, at, first, cut, report)
      }
    }
  }

  #findAt(
    text: string,
    at: number,
    first: number,
    cut: RegExp | undefined,
    report: (start: number, end: number, isWhole: boolean) => void,
  ): void {
    const rest = text.slice(at, at + this.#maxChars)
    const next = this.#firstAfter(rest, first, this.#ends[first] as number)
    const before = next > first ? commonLength(rest, this.#needles[next - 1] as string) : 0
    // Every needle that `rest` starts with is the one before it in the order, or one which that one starts with.
    let whole = next > first ? next - 1 : -1
    while (whole >= 0 && (this.#needles[whole] as string).length > before) whole = this.#parents[whole] as number
    const wholeLength = whole < 0 ? 0 : (this.#needles[whole] as string).length
    if (whole >= 0) report(at, at + wholeLength, true)
    if (!cut) return
    const after = next < (this.#ends[first] as number) ? commonLength(rest, this.#needles[next] as string) : 0
    const head = headLength(text, at, Math.max(before, after), cut)
    if (head > wholeLength) report(at, at + head, false)
  }

  /** The index of the first needle from `low` to `high` that comes after a text. */
  #firstAfter(text: string, low: number, high: number): number {
    let [from, to] = [low, high]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.#needles[middle] as string) <= text) from = middle + 1
      else to = middle
    }
    return from
  }
}

function hashAt(text: string, at: number): number {
  const [a, b, c, d] = [text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2), text.charCodeAt(at + 3)]
  const sum = Math.imul(a, 0x9e3779b1) + Math.imul(b, 0x85ebca6b) + Math.imul(c, 0xc2b2ae35) + Math.imul(d, 0x27d4eb2f)
  return sum ^ (sum >>> 15)
}

function parentsOf(sorted: readonly string[]): Int32Array {
  const parents = new Int32Array(sorted.length)
  const open: number[] = []
  for (const [index, needle] of sorted.entries()) {
    while (open.length > 0 && !needle.startsWith(sorted[open.at(-1) as number] as string)) open.pop()
    parents[index] = open.at(-1) ?? -1
    open.push(index)
  }
  return parents
}

function commonLength(one: string, other: string): number {
  const max = Math.min(one.length, other.length)
  let length = 0
  while (length < max && one.charCodeAt(length) === other.charCodeAt(length)) length++
  return length
}

/** How much of a needle, of which `length` characters are here, ends before an ellipsis; 0 if none does. */
function headLength(text: string, at: number, length: number, cut: RegExp): number {
  // A needle's own points may look like the beginning of the ellipsis.
  for (let head = length; head >= minNeedleChars && head >= length - 2; head--) {
    cut.lastIndex = at + head
    const match = cut.exec(text)
    if (match) return match[1] === '…' || head >= minFragmentChars ? head : 0
  }
  return 0
}
