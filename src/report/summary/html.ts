// Builds the HTML of summaries. The template tag `html` escapes every text. Only values of the class `Html` are inserted
// unescaped, so that text cannot become markup by mistake.

import { isReference } from '../../payload/references.ts'

/** Markup, which is not escaped again. */
export class Html {
  readonly markup: string

  constructor(markup: string) {
    this.markup = markup
  }
}

/** What can be inserted into markup: text is escaped, lists are joined, `undefined` and `false` are left out. */
export type HtmlContent = Html | string | number | undefined | false | readonly HtmlContent[]

/** Builds markup with values. It has no blank lines: in Markdown one would end the HTML block. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlContent[]): Html {
  const text = strings.reduce((before, string, index) => `${before}${render(values[index - 1])}${string}`)
  return new Html(text.replace(/\s*\n\s*/g, '\n'))
}

function render(content: HtmlContent): string {
  if (content === undefined || content === false) return ''
  if (content instanceof Html) return content.markup
  if (typeof content === 'object') return content.map(render).join('')
  return escapeText(String(content))
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const invisible = '\u200b'

/**
 * Escapes a text: on one line, cut to 200 characters by default, without anything that HTML, Markdown or GitHub interprets. GitHub
 * turns mentions, issue numbers and addresses into links, and `:names:` into emoji, after all other processing; a
 * zero-width space prevents that.
 * See https://github.github.com/gfm/ and https://docs.github.com/get-started/writing-on-github
 */
export function escapeText(text: string, maxChars = maxTextChars): string {
  const visible = text
    .toWellFormed()
    .replace(/[\s\p{Cc}\p{Bidi_Control}\u200b-\u200d]+/gu, ' ')
    .trim()
  return cutText(visible, maxChars)
    .replace(/@(?=\w)|#(?=\d)|gh-(?=\d)|www(?=\.)|:(?=\/\/|[\w+-]+:)/gi, `$&${invisible}`)
    .replace(/[&<>"']/g, (char) => entities[char] ?? '')
}

const maxTextChars = 200

/** Cuts a text, but not within a surrogate pair. */
const cutText = (text: string, maxChars: number) =>
  text.length > maxChars ? `${text.slice(0, maxChars).replace(/[\ud800-\udbff]$/, '')}…` : text

/** Longer than the messages of this action, and than what they quote of a response. */
const maxProseChars = 2000

/** An input with or without its value, a variable or a command, as messages write it. */
const codeInMessage = /`([A-Za-z][\w.:/[\]-]{0,39}(?: [\w./-]{1,40})?)`/g

/**
 * A message. Its end says what to do, so it is cut much later than other texts. HTML has no use for the backticks of
 * messages.
 */
export const prose = (text: string, maxChars = maxProseChars): Html =>
  new Html(escapeText(text.replace(codeInMessage, '$1'), maxChars))

const maxListedWarnings = 10

/** The warnings of a step as a list, ten at most and a count of the rest; undefined if there are none. */
export function warningList(warnings: readonly string[]): Html | undefined {
  if (warnings.length === 0) return undefined
  const hidden = warnings.length - maxListedWarnings
  const items = warnings.slice(0, maxListedWarnings).map((text) => html`<li>⚠️ ${prose(text)}</li>`)
  return html`<ul>${items}${hidden > 0 ? html`<li>and ${hidden} more</li>` : undefined}</ul>`
}

/** The number of rows that a table shows. */
const maxRows = 50

/** A table. Columns whose title ends with `>` contain numbers and are aligned to the right. Empty columns are left out. */
export function table(allColumns: readonly string[], allRows: readonly (readonly HtmlContent[])[]): Html {
  const hasContent = allColumns.map((_, index) => allRows.some((row) => row[index] !== undefined && row[index] !== ''))
  const columns = allColumns.filter((_, index) => hasContent[index])
  const rows = allRows.map((row) => row.filter((_, index) => hasContent[index]))

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

/** A table of names and values, one per row. Entries without a value are left out. */
export function definitionTable(entries: Readonly<Record<string, HtmlContent>>): Html {
  const known = Object.entries(entries).filter(([, value]) => value !== undefined && value !== '')
  return known.length === 0
    ? new Html('')
    : html`<table>${known.map(([name, value]) => html`<tr><th align="left">${name}</th><td>${value}</td></tr>`)}</table>`
}

/** A text as code. */
export const codeTag = (text: HtmlContent): Html => html`<code>${text}</code>`

/** A scalar JSON value as text; undefined for null, lists and objects. */
export function scalarText(value: unknown): string | undefined {
  if (isReference(value)) return '(from a reference)'
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

/** An object of unknown content. */
export type JsonObject = Record<string, unknown>

/** The objects in a list; other entries are omitted. Empty for a value that is not a list. */
export const entriesOf = (value: unknown): JsonObject[] =>
  Array.isArray(value) ? value.filter((entry) => typeof entry === 'object' && entry !== null) : []

/** A value as an object; an empty one if it is not an object. */
export const fieldsOf = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}

/** `2025-01-31T00:00:00Z` as `2025-01-31 00:00 UTC`; any other value as `scalarText` gives it. */
export function formatInstant(value: unknown): string | undefined {
  const text = scalarText(value)
  // Date.parse also accepts texts such as `1` and `item 2`.
  const time = /^\d{4}-\d\d-\d\dt/i.test(text ?? '') ? Date.parse(text as string) : Number.NaN
  if (Number.isNaN(time)) return text
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** The line of a summary that says that a step ran in the sandbox. */
export const sandboxBanner = html`<p>In the sandbox: no account was touched, and no customer was billed.</p>`
