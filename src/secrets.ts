// Redacts secrets from everything that the action writes: the runner masks the log only, not outputs, summaries and
// files.

import { decodingsOf, viewsOf } from './secrets/decoded-text.ts'
import { minNeedleChars, NeedleTable } from './secrets/needles.ts'

export const mask = '***'

/** Secrets of this length are found in upper and lower case; shorter ones would match too many other words. */
const minCaselessChars = 8

/** Parts of base64 that are shorter match too many other words. */
const minBase64Chars = 8

/** Values that nest deeper are redacted as a whole. */
const maxValueDepth = 1000

/** Fields of responses that hold a secret, in the API's spelling or the SDK's. */
const secretField = /^(access|id|refresh)_?token$|^client_?secret$/i

/** A range of a text: its start and end. */
type Range = readonly [start: number, end: number]

/** The secrets of a step, which it announces to the runner and redacts in texts and values. */
export class Secrets {
  readonly #values = new Set<string>()
  readonly #announce: (value: string) => void
  /** Built when it is first needed after a value was added. */
  #search: SecretSearch | undefined

  /** @param announce  called once for each value, so that the runner masks it */
  constructor(announce: (value: string) => void = () => {}) {
    this.#announce = announce
  }

  /** Redacts values from now on. Blank values are ignored; those under 4 characters are announced and not redacted. */
  add(values: readonly string[]): void {
    for (const value of values) {
      if (value.trim() === '' || value === mask || this.#values.has(value)) continue
      this.#values.add(value)
      this.#search = undefined
      this.#announce(value)
    }
  }

  /**
   * Returns a text with `***` for each secret: as it is, in another case, as JSON, in a URL, as HTML entities, in
   * base64 or hexadecimal, and cut off before or after an ellipsis.
   */
  scrub(text: string): string {
    if (this.#values.size === 0 || text.length < minNeedleChars) return text
    this.#search ??= new SecretSearch(this.#values)
    const ranges = this.#search.find(text)
    if (ranges.length === 0) return text
    const parts: string[] = []
    let from = 0
    for (const [start, end] of merge(ranges)) {
      parts.push(text.slice(from, start), mask)
      from = end
    }
    return parts.join('') + text.slice(from)
  }

  /**
   * Returns a JSON value without secrets: fields that hold one are redacted, and so are texts that repeat one.
   *
   * @param field  the field that the value, or the list with the value, is in
   */
  scrubValue(value: unknown, depth = 0, field = ''): unknown {
    if (typeof value === 'string') return this.scrub(value)
    if (typeof value === 'number') return this.scrub(String(value)) === String(value) ? value : mask
    if (typeof value !== 'object' || value === null) return value
    if (depth >= maxValueDepth) return mask
    if (Array.isArray(value)) return value.map((entry) => this.scrubValue(entry, depth + 1, field))
    const isSecret = (name: string) => secretField.test(name) || (field === 'secrets' && name === 'value')
    return Object.fromEntries(
      Object.entries(value).map(([name, entry]) => [
        this.scrub(name),
        isSecret(name) && typeof entry === 'string' ? mask : this.scrubValue(entry, depth + 1, name),
      ]),
    )
  }
}

/** Finds a set of secrets in texts. */
class SecretSearch {
  readonly #exact: NeedleTable | undefined
  readonly #caseless: NeedleTable | undefined

  constructor(values: Iterable<string>) {
    const exact = new Set<string>()
    const caseless = new Set<string>()
    for (const value of values) {
      for (const form of formsOf(value)) {
        if (form.length < minNeedleChars) continue
        if (form.length < minCaselessChars) exact.add(normalize(form))
        else
          for (const cased of [form, form.toLowerCase(), form.toUpperCase()]) caseless.add(foldCase(normalize(cased)))
      }
    }
    if (exact.size > 0) this.#exact = new NeedleTable(exact)
    if (caseless.size > 0) this.#caseless = new NeedleTable(caseless)
  }

  find(text: string): Range[] {
    const ranges: Range[] = []
    for (const { text: decoded, places } of viewsOf(text)) {
      const report = (start: number, end: number) =>
        ranges.push(places ? [places.starts[start] as number, places.ends[end - 1] as number] : [start, end])
      const normal = normalize(decoded)
      this.#exact?.find(normal, report)
      this.#caseless?.find(foldCase(normal), report)
    }
    return ranges
  }
}

/** Forms of URLs write a blank as `+`. */
const normalize = (text: string) => text.replaceAll('+', ' ')

/** Lower case without a change of length, so that offsets stay. */
const foldCase = (text: string) => text.replaceAll('İ', 'i').toLowerCase().replaceAll('ς', 'σ')

/** Ranges in order, those that overlap as one. */
function merge(ranges: readonly Range[]): Range[] {
  const merged: Range[] = []
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1)
    if (last && start < last[1]) merged[merged.length - 1] = [last[0], Math.max(last[1], end)]
    else merged.push([start, end])
  }
  return merged
}

/** What a secret looks like in decoded text: whole, a line of it, decoded itself, in base64 or hexadecimal. */
function formsOf(value: string): string[] {
  const lines = value.split(/[\r\n]+/)
  const parts = lines.length > 1 ? [value, value.replace(/[\r\n]+[ \t]*/g, ''), ...lines] : [value]
  return parts.flatMap((part) => [part, ...decodingsOf(part), ...bytesForms(part)])
}

function bytesForms(text: string): string[] {
  const bytes = Buffer.from(text)
  const base64 = bytes.toString('base64')
  // A request body that holds the secret can be in base64 too.
  const json = JSON.stringify(text).slice(1, -1)
  return [
    ...[base64, base64.replace(/=+$/, '')].flatMap(withUrlAlphabet),
    ...base64Within(bytes),
    ...(json === text ? [] : base64Within(Buffer.from(json))),
    bytes.toString('hex'),
  ]
}

/** Base64 of a secret within a longer text: it depends on how many bytes come before the secret. */
function base64Within(bytes: Buffer): string[] {
  const cores = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    // Without the characters that also hold bits of the text around the secret.
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
  })
  return cores.filter((core) => core.length >= minBase64Chars).flatMap(withUrlAlphabet)
}

const withUrlAlphabet = (base64: string) => [base64, base64.replaceAll('+', '-').replaceAll('/', '_')]
