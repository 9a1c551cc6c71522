// The only way from text to a summary. Text that is put into `html` is escaped there; what is markup already has a type
// of its own, so that forgetting to escape does not compile into anything else than escaping.

/** Markup that may be put into other markup as it is. */
export class Html {
  readonly markup: string

  constructor(markup: string) {
    this.markup = markup
  }
}

export type Piece = Html | string | number | undefined | readonly Piece[]

/** Markup with values in it. A summary is one HTML block: without blank lines, Markdown is not looked for inside. */
export function html(strings: TemplateStringsArray, ...values: readonly Piece[]): Html {
  const text = strings.reduce((before, string, index) => `${before}${render(values[index - 1])}${string}`)
  return new Html(text.replace(/\s*\n\s*/g, '\n').trim())
}

function render(piece: Piece): string {
  if (piece === undefined) return ''
  if (piece instanceof Html) return piece.markup
  if (typeof piece === 'object') return piece.map(render).join('')
  return escapeText(String(piece))
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const invisible = '&#8203;'

/**
 * Text as text: on one line, short, with nothing that HTML, Markdown or GitHub makes something of. GitHub turns
 * mentions, issue numbers and addresses into links after everything else; a space of no width keeps them apart.
 */
export function escapeText(text: string): string {
  const visible = text.replace(/[\s\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]+/gu, ' ').trim()
  return cut(visible)
    .toWellFormed()
    .replace(/[&<>"']/g, (char) => entities[char] ?? '')
    .replace(/@(?=\w)/g, `@${invisible}`)
    .replace(/#(?=\d)/g, (hash, offset: number, whole: string) => (whole[offset - 1] === '&' ? hash : `#${invisible}`))
    .replace(/:\/\//g, `:${invisible}//`)
    .replace(/www\./gi, (www) => `${www.slice(0, 3)}${invisible}.`)
}

const longest = 200
const cut = (text: string) => (text.length > longest ? `${text.slice(0, longest)}…` : text)

/** How many rows of a list are shown. */
const mostRows = 50

/** A table. Columns whose title ends with `>` hold numbers and stand to the right. */
export function table(columns: readonly string[], rows: readonly (readonly Piece[])[]): Html {
  const isNumeric = columns.map((title) => title.endsWith('>'))
  const cell = (tag: string, index: number, content: Piece) =>
    new Html(`<${tag}${isNumeric[index] ? ' align="right"' : ''}>${render(content)}</${tag}>`)
  const head = columns.map((title, index) => cell('th', index, title.replace(/>$/, '')))
  const body = rows
    .slice(0, mostRows)
    .map((row) => html`<tr>${row.map((content, index) => cell('td', index, content))}</tr>`)
  const rest = rows.length - mostRows
  const more = rest > 0 ? html`<tr><td colspan="${columns.length}">and ${rest} more</td></tr>` : undefined
  return html`<table>
    <tr>${head}</tr>
    ${body.map(
      (row) => html`${row}
`,
    )}
    ${more}
    </table>`
}

/** Facts, a line each; those without a value are left out. */
export function facts(entries: Readonly<Record<string, Piece>>): Html {
  const known = Object.entries(entries).filter(([, value]) => value !== undefined && value !== '')
  return known.length === 0
    ? new Html('')
    : html`<table>${known.map(([name, value]) => html`<tr><th align="left">${name}</th><td>${value}</td></tr>`)}</table>`
}

export const code = (text: Piece): Html => html`<code>${text}</code>`

/** What a JSON value says where text is expected: texts and numbers; anything else is left out. */
export const word = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined

/** The objects of a list, whatever else stands in it, or in its place. */
export const entriesOf = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter((entry) => typeof entry === 'object' && entry !== null) : []

/** A value as an object, whatever it is. */
export const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}

/** `2025-01-31T00:00:00Z` as `2025-01-31 00:00 UTC`; a reference or anything else as it is. */
export function moment(value: unknown): string | undefined {
  const text = word(value)
  const time = text === undefined ? Number.NaN : Date.parse(text)
  if (Number.isNaN(time)) return text
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
