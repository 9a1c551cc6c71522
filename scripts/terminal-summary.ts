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
  readonly plainText: string
  readonly width: number
  readonly isRight: boolean
}

const plain: Style = (_, text) => text

function cellOf(element: Element, style: Style): Cell {
  const text = inlineText(element.childNodes, style).trim()
  const plainText = inlineText(element.childNodes, plain).trim()
  const isHead = element.tagName === 'th'
  return {
    text: isHead ? style('dim', text) : text,
    plainText,
    width: displayWidth(plainText),
    isRight: attributeOf(element, 'align') === 'right',
  }
}

const elementsIn = (node: Node, ...names: string[]): Element[] =>
  childrenOf(node).flatMap((child) =>
    isElement(child) ? (names.includes(child.tagName) ? [child] : elementsIn(child, ...names)) : [],
  )

/** The shortest that the last column is cut to. */
const minLastWidth = 20

/** @param maxWidth  columns of the terminal; the last column of the table is cut to fit */
function tableLines(table: Element, style: Style, maxWidth: number): string[] {
  const cells = elementsIn(table, 'tr').map((row) => elementsIn(row, 'th', 'td').map((cell) => cellOf(cell, style)))
  const count = Math.max(0, ...cells.map((row) => row.length))
  const widthsOf = (rows: readonly Cell[][]) =>
    Array.from({ length: count }, (_, index) => Math.max(...rows.map((row) => row[index]?.width ?? 0)))
  const before = widthsOf(cells)
    .slice(0, -1)
    .reduce((sum, width) => sum + width + gap.length, 0)
  const lastWidth = Math.max(minLastWidth, maxWidth - before)
  const rows = cells.map((row) => row.map((cell, index) => (index === count - 1 ? cutCell(cell, lastWidth) : cell)))
  const widths = widthsOf(rows)
  return rows.map((row) =>
    row
      .map(({ text, width, isRight }, index) => {
        const blanks = ' '.repeat((widths[index] ?? 0) - width)
        return isRight ? blanks + text : text + blanks
      })
      .join(gap)
      .trimEnd(),
  )
}

const gap = '  '

/** Cuts the text of a cell to a number of columns. A cell that is cut loses its styles. */
function cutCell(cell: Cell, columns: number): Cell {
  if (cell.width <= columns) return cell
  let text = ''
  for (const { segment } of graphemes.segment(cell.plainText)) {
    if (displayWidth(`${text}${segment}…`) > columns) break
    text += segment
  }
  return { ...cell, text: `${text}…`, width: displayWidth(`${text}…`) }
}

/** The lines of a block; undefined for one that a terminal cannot show, such as a chart. */
function blockLines(node: Node, style: Style, maxWidth: number): string[] | undefined {
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
      return tableLines(node, style, maxWidth)
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
 * @param maxWidth  columns of the terminal, to which tables are cut
 * @returns lines, with an empty one between blocks
 */
export function renderSummary(summary: string, style: Style = terminalStyle, maxWidth = 120): string[] {
  const { childNodes } = parseFragment(new MarkdownIt({ html: true }).render(summary))
  const blocks = childNodes.flatMap((node) => {
    const lines = blockLines(node, style, maxWidth)
    return lines === undefined ? [] : [lines]
  })
  return blocks.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]))
}
