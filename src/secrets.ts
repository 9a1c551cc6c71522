// What must not be read is cut out of everything that we write ourselves, since outputs, summaries and files are not
// masked by anybody else.

import { quote } from './format.ts'

export const mask = '***'

/** Shorter texts stand in too much that is no secret; where they are announced they are masked in the log all the same. */
const minSecretChars = 4

/** Of base64, where few characters say little. */
const minBase64Chars = 8

/** A message quotes 60 characters, each of which JSON may write as six. */
const maxQuoteChars = 360

/** Fields of answers that hold a secret, in the API's spelling or the SDK's. */
const secretField = /^(access|id|refresh)_?token$|^client_?secret$/i

export class Secrets {
  readonly #forms = new Set<string>()
  readonly #values = new Set<string>()
  readonly #announce: (value: string) => void

  /** @param announce  hears of each value once, so that the runner can be told to mask it */
  constructor(announce: (value: string) => void = () => {}) {
    this.#announce = announce
  }

  /** Takes values out of everything that passes `scrub` from now on. */
  add(values: readonly string[]): void {
    for (const value of values) {
      if (value.trim() === '' || value === mask || this.#values.has(value)) continue
      this.#values.add(value)
      this.#announce(value)
      const lines = value.split(/\r?\n/)
      for (const part of [value, ...lines]) {
        for (const form of formsOf(part)) if (form.length >= minSecretChars) this.#forms.add(form)
      }
    }
  }

  /** A text without any secret, in whichever spelling, whole or cut. */
  scrub(text: string): string {
    let clean = text
    for (const form of this.#sorted()) if (clean.includes(form)) clean = clean.replaceAll(form, mask)
    const parts = clean.split('…')
    return parts.map((part, index) => (index < parts.length - 1 ? this.#scrubEnd(part) : part)).join('…')
  }

  /** Messages quote the beginning of a long text, which may end within a secret. */
  #scrubEnd(text: string): string {
    const forms = [...this.#forms]
    let length = Math.min(text.length, maxQuoteChars)
    while (length >= minSecretChars && !forms.some((form) => form.startsWith(text.slice(-length)))) length--
    return length < minSecretChars ? text : text.slice(0, -length) + mask
  }

  /** A JSON value without any secret: neither the fields that hold one, nor texts that repeat one. */
  scrubValue(value: unknown): unknown {
    if (typeof value === 'string') return this.scrub(value)
    if (Array.isArray(value)) return value.map((entry) => this.scrubValue(entry))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, entry]) => [
        this.scrub(name),
        secretField.test(name) && typeof entry === 'string' ? mask : this.scrubValue(entry),
      ]),
    )
  }

  /** Long forms first, or a part that is masked would hide the whole from its own mask. */
  #sorted(): string[] {
    return [...this.#forms].sort((a, b) => b.length - a.length)
  }
}

/** The spellings in which a secret is repeated: as it is, in JSON, in our messages, in a URL, in a form, in base64. */
function formsOf(value: string): string[] {
  const base64 = Buffer.from(value).toString('base64')
  const form = new URLSearchParams({ value }).toString().slice('value='.length)
  const encoded = value.isWellFormed() ? [encodeURIComponent(value), form] : []
  const quoted = [JSON.stringify(value), quote(value, value.length)].map((text) => text.slice(1, -1))
  return [value, ...quoted, ...encoded, base64, base64.replace(/=+$/, ''), ...base64Within(value)]
}

/** What base64 makes of a secret that stands somewhere in a text: it depends on how many bytes are ahead of it. */
function base64Within(value: string): string[] {
  const bytes = Buffer.from(value)
  const cores = [0, 1, 2].map((ahead) => {
    const text = Buffer.concat([Buffer.alloc(ahead), bytes]).toString('base64')
    // Without the characters that hold bits of what stands around it.
    return text.slice(Math.ceil((ahead * 8) / 6), Math.floor(((ahead + bytes.length) * 8) / 6))
  })
  return cores
    .filter((core) => core.length >= minBase64Chars)
    .flatMap((core) => [core, core.replaceAll('+', '-').replaceAll('/', '_')])
}
