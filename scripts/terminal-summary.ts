// Renders job summaries for a terminal: aligned columns, and colour where there is one.

import { styleText } from 'node:util'
import MarkdownIt from 'markdown-it'
import { type DefaultTreeAdapterTypes, parseFragment } from 'parse5'

type Node = DefaultTreeAdapterTypes.ChildNode
type Element = DefaultTreeAdapterTypes.Element

/** A colour or a font, such as `bold`. */
type Format = Parameters<typeof styleText>[0]

/** Applies colours and fonts to a text. */
export type Style = (format: Format, text: string) => string

/** Leaves out what stdout cannot show; obeys NO_COLOR and FORCE_COLOR. */
export const terminalStyle: Style = (format, text) => styleText(format, text)

const isElement = (node: Node): node is Element => 'tagName' in node
const childrenOf = (node: Node): Node[] => ('childNodes' in node ? node.childNodes : [])
const attributeOf = ({ attrs }: Element, name: string) => attrs.find((one) => one.name === name)?.value

const inlineFormats: Record<string, Format> = { b: 'bold', code: 'cyan', i: 'italic', sub: 'dim' }

/** The text of inline content. A line break becomes a space, and zero-width spaces, which only GitHub needs, go. */
function inlineText(nodes: readonly Node[], style: Style): string {
  return nodes
    .map((node) => {
      if (node.nodeName === '#text') {
        return (node as DefaultTreeAdapterTypes.TextNode).value.replaceAll('\u200b', '').replaceAll(/\s+/g, ' ')
      }
      if (node.nodeName === 'br') return ' '
      const text = inlineText(childrenOf(node), style)
      const format = inlineFormats[node.nodeName]
      return format === undefined || text === '' ? text : style(format, text)
    })
    .join('')
}

const graphemes = new Intl.Segmenter()
const wide =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u

/** How many columns of a terminal a text without styles takes. Emoji, and Chinese, Japanese and Korean characters, take two. */
export const displayWidth = (text: string): number =>
  [...graphemes.segment(text)].reduce((width, { segment }) => width + (wide.test(segment) ? 2 : 1), 0)

interface Cell {
  readonly text: string
  readonly width: number
  readonly isRight: boolean
}

const plain: Style = (_, text) => text

function cellOf(element: Element, style: Style): Cell {
  const text = inlineText(element.childNodes, style).trim()
  const width = displayWidth(inlineText(element.childNodes, plain).trim())
  const isHead = element.tagName === 'th'
  return { text: isHead ? style('dim', text) : text, width, isRight: attributeOf(element, 'align') === 'right' }
}

const elementsIn = (node: Node, ...names: string[]): Element[] =>
  childrenOf(node).flatMap((child) =>
    isElement(child) ? (names.includes(child.tagName) ? [child] : elementsIn(child, ...names)) : [],
  )

function tableLines(table: Element, style: Style): string[] {
  const rows = elementsIn(table, 'tr').map((row) => elementsIn(row, 'th', 'td').map((cell) => cellOf(cell, style)))
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, index) => Math.max(...rows.map((row) => row[index]?.width ?? 0)))
  return rows.map((row) =>
    row
      .map(({ text, width, isRight }, index) => {
        const blanks = ' '.repeat((widths[index] ?? 0) - width)
        return isRight ? blanks + text : text + blanks
      })
      .join('  ')
      .trimEnd(),
  )
}

/** The lines of a block; undefined for one that a terminal cannot show, such as a chart. */
function blockLines(node: Node, style: Style): string[] | undefined {
  if (!isElement(node)) {
    const text = inlineText([node], style).trim()
    return text === '' ? undefined : [text]
  }
  const text = () => inlineText(node.childNodes, style).trim()
  switch (node.tagName) {
    case 'h3':
    case 'h4':
      return [style('bold', text())]
    case 'table':
      return tableLines(node, style)
    case 'ul':
      return elementsIn(node, 'li').map((item) => `• ${inlineText(item.childNodes, style).trim()}`)
    case 'details': {
      const [title] = elementsIn(node, 'summary')
      return [style('dim', `▸ ${title ? inlineText(title.childNodes, plain).trim() : ''}`)]
    }
    case 'pre':
      return undefined
    default:
      return [text()]
  }
}

/**
 * Renders a job summary as text. What GitHub shows collapsed is one line here, and charts are left out.
 *
 * @param summary  Markdown with HTML, as the action writes it
 * @returns lines, with an empty one between blocks
 */
export function renderSummary(summary: string, style: Style = terminalStyle): string[] {
  const { childNodes } = parseFragment(new MarkdownIt({ html: true }).render(summary))
  const blocks = childNodes.flatMap((node) => {
    const lines = blockLines(node, style)
    return lines === undefined ? [] : [lines]
  })
  return blocks.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]))
}
