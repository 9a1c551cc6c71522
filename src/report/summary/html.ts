// The only way from text to a summary. Text that is put into `html` is escaped there; what is markup already has a type
// of its own, so that forgetting to escape does not compile into anything else than escaping.

import { isReference } from '../../payload/references.ts'

/** Markup that may be put into other markup as it is. */
export class Html {
  readonly markup: string

  constructor(markup: string) {
    this.markup = markup
  }
}

export type HtmlContent = Html | string | number | undefined | readonly HtmlContent[]

/** Markup with values in it. A summary is one HTML block: without blank lines, Markdown is not looked for inside. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlContent[]): Html {
  const text = strings.reduce((before, string, index) => `${before}${render(values[index - 1])}${string}`)
  return new Html(text.replace(/\s*\n\s*/g, '\n'))
}

function render(piece: HtmlContent): string {
  if (piece === undefined) return ''
  if (piece instanceof Html) return piece.markup
  if (typeof piece === 'object') return piece.map(render).join('')
  return escapeText(String(piece))
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const invisible = '\u200b'

/**
 * Text as text: on one line, short, with nothing that HTML, Markdown or GitHub makes something of. GitHub turns
 * mentions, issue numbers and addresses into links, and `:names:` into emoji, after everything else; a space of no
 * width keeps them apart.
 */
export function escapeText(text: string): string {
  const visible = text
    .toWellFormed()
    .replace(/[\s\p{Cc}\p{Bidi_Control}\u200b-\u200d]+/gu, ' ')
    .trim()
  return cutText(visible)
    .replace(/@(?=\w)|#(?=\d)|gh-(?=\d)|www(?=\.)|:(?=\/\/|[\w+-]+:)/gi, `$&${invisible}`)
    .replace(/[&<>"']/g, (char) => entities[char] ?? '')
}

const maxTextChars = 200

/** Never through the middle of a character. */
const cutText = (text: string) =>
  text.length > maxTextChars ? `${text.slice(0, maxTextChars).replace(/[\ud800-\udbff]$/, '')}…` : text

/** How many rows of a list are shown. */
const maxRows = 50

/** A table. Columns whose title ends with `>` hold numbers and stand to the right. */
export function table(allColumns: readonly string[], allRows: readonly (readonly HtmlContent[])[]): Html {
  // A column that says nothing is none.
  const said = allColumns.map((_, index) => allRows.some((row) => row[index] !== undefined && row[index] !== ''))
  const columns = allColumns.filter((_, index) => said[index])
  const rows = allRows.map((row) => row.filter((_, index) => said[index]))

  const isNumeric = columns.map((title) => title.endsWith('>'))
  const cell = (tag: string, index: number, content: HtmlContent) =>
    new Html(`<${tag}${isNumeric[index] ? ' align="right"' : ''}>${render(content)}</${tag}>`)
  const head = columns.map((title, index) => cell('th', index, title.replace(/>$/, '')))
  const body = rows
    .slice(0, maxRows)
    .map((row) => html`<tr>${row.map((content, index) => cell('td', index, content))}</tr>\n`)
  const rest = rows.length - maxRows
  const more = rest > 0 ? html`<tr><td colspan="${columns.length}">and ${rest} more</td></tr>` : undefined
  return html`<table>
    <tr>${head}</tr>
    ${body}
    ${more}
    </table>`
}

/** Facts, a line each; those without a value are left out. */
export function definitionTable(entries: Readonly<Record<string, HtmlContent>>): Html {
  const known = Object.entries(entries).filter(([, value]) => value !== undefined && value !== '')
  return known.length === 0
    ? new Html('')
    : html`<table>${known.map(([name, value]) => html`<tr><th align="left">${name}</th><td>${value}</td></tr>`)}</table>`
}

export const codeTag = (text: HtmlContent): Html => html`<code>${text}</code>`

/** What a JSON value says where text is expected; lists and objects are left out. */
export function scalarText(value: unknown): string | undefined {
  if (isReference(value)) return '(from a reference)'
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

export type JsonObject = Record<string, unknown>

/** The objects of a list, whatever else stands in it, or in its place. */
export const entriesOf = (value: unknown): JsonObject[] =>
  Array.isArray(value) ? value.filter((entry) => typeof entry === 'object' && entry !== null) : []

/** A value as an object, whatever it is. */
export const fieldsOf = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}

/** `2025-01-31T00:00:00Z` as `2025-01-31 00:00 UTC`; a reference or anything else as it is. */
export function formatInstant(value: unknown): string | undefined {
  const text = scalarText(value)
  // Date.parse takes more for a time than is one: `1`, `item 2`.
  const time = /^\d{4}-\d\d-\d\dt/i.test(text ?? '') ? Date.parse(text as string) : Number.NaN
  if (Number.isNaN(time)) return text
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
