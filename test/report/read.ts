// Parses a summary as GitHub and a browser do: Markdown → HTML → a tree of elements.

import MarkdownIt from 'markdown-it'
import { type DefaultTreeAdapterTypes as Dom, parseFragment } from 'parse5'
import { expect } from 'vitest'
import { operations } from '../../src/operations/catalogue.ts'
import { renderRequest } from '../../src/report/summary/request.ts'
import type { RequestSummary } from '../../src/report/summary/types.ts'

const markdown = new MarkdownIt({ html: true, linkify: true })

/** A successful step, with changes. */
export function reportOf(name: string, known: Partial<RequestSummary> = {}): RequestSummary {
  const operation = operations.find((operation) => operation.name === name) as RequestSummary['operation']
  return { operation, status: 'accepted', params: {}, sandbox: false, dryRun: false, warnings: [], ...known }
}

export const summaryOf = async (name: string, known?: Partial<RequestSummary>) =>
  see(await renderRequest(reportOf(name, known)))

export function see(summary: string) {
  expect(markdown.parse(summary, {}).map(({ type }) => type)).toEqual(['html_block'])
  const all = within(parseFragment(markdown.render(summary)))
  const [details] = find(all, 'details')
  const request = details ? within(details) : []
  const shown = all.filter((element) => !request.includes(element))
  const texts = (tag: string) => find(shown, tag).map(textOf)
  return {
    /** All elements, in document order. */
    all,
    headings: [...texts('h3'), ...texts('h4')],
    paragraphs: texts('p'),
    list: texts('li'),
    /** The rows of each table, except the table of the request. */
    tables: find(shown, 'table').map(rowsOf),
    request: Object.fromEntries(find(request, 'table').flatMap(rowsOf)) as Record<string, string>,
  }
}

const find = (elements: readonly Dom.Element[], tag: string) => elements.filter(({ tagName }) => tagName === tag)
const isElement = (node: Dom.ChildNode): node is Dom.Element => 'tagName' in node
const isText = (node: Dom.ChildNode): node is Dom.TextNode => node.nodeName === '#text'

function within(node: Dom.ParentNode): Dom.Element[] {
  return node.childNodes.filter(isElement).flatMap((element) => [element, ...within(element)])
}

const rowsOf = (table: Dom.Element) =>
  find(within(table), 'tr').map((row) => row.childNodes.filter(isElement).map(textOf))

/** The visible text of an element: without zero-width spaces, and with other white space collapsed. */
const textOf = (element: Dom.Element): string => {
  const written = (node: Dom.ChildNode): string => {
    if (isText(node)) return node.value
    if (!isElement(node)) return ''
    return node.tagName === 'br' ? ' / ' : node.childNodes.map(written).join('')
  }
  return legible(written(element))
}

export const legible = (text: string) => text.replaceAll('\u200b', '').replace(/\s+/g, ' ').trim()

/** An element's path and attributes, without its text. */
export function outline({ tagName, attrs, parentNode }: Dom.Element): string {
  const attributes = attrs.map(({ name, value }) => `[${name}=${value}]`).join('')
  return `${parentNode && 'tagName' in parentNode ? outline(parentNode) : ''} ${tagName}${attributes}`
}

/** The exact text of an element, without the text of its child elements. */
export const ownText = ({ childNodes }: Dom.Element) =>
  childNodes
    .filter(isText)
    .map(({ value }) => value)
    .join('')
