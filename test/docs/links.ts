// The links and anchors of the project's Markdown files, as GitHub renders them.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import MarkdownIt from 'markdown-it'

export const root = join(import.meta.dirname, '..', '..')

const markdown = new MarkdownIt({ html: true })
type Token = ReturnType<typeof markdown.parse>[number]

const inlineOf = (text: string): Token[] =>
  markdown.parse(text, {}).flatMap((token) => (token.type === 'inline' ? (token.children ?? []) : []))

/** Returns the targets of the links and images of a text. */
export const linksOf = (text: string): string[] =>
  inlineOf(text).flatMap((token) => {
    const target = token.attrGet(token.type === 'image' ? 'src' : 'href')
    return target === null ? [] : [String(target)]
  })

/** Returns the anchors of a document's headings: lower case, no punctuation, dashes for spaces, repeated ones numbered. */
export function anchorsOf(text: string): string[] {
  const seen = new Map<string, number>()
  const tokens = markdown.parse(text, {})
  return tokens.flatMap((token, index) => {
    if (token.type !== 'heading_open') return []
    const heading = (tokens[index + 1]?.children ?? []).map(({ content }) => content).join('')
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-')
    const before = seen.get(slug) ?? 0
    seen.set(slug, before + 1)
    return [before === 0 ? slug : `${slug}-${before}`]
  })
}

/**
 * Returns the links of a document that do not work.
 *
 * @param path  path of the document, relative to the root of the project
 */
export function brokenLinks(path: string, text = readFileSync(join(root, path), 'utf8')): string[] {
  return linksOf(text).filter((link) => {
    if (/^[a-z]+:/.test(link)) return !URL.canParse(link) || !link.startsWith('https://')
    const [file = '', anchor] = link.split('#')
    const target = file === '' ? path : normalize(join(dirname(path), file))
    if (target.startsWith('..') || !existsSync(join(root, target))) return true
    if (anchor === undefined) return false
    const content = file === '' ? text : readFileSync(join(root, target), 'utf8')
    return !anchorsOf(content).includes(anchor)
  })
}
