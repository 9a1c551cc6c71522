// Plain technical English: words and phrases that slow readers down do not occur in documents, descriptions and messages.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import MarkdownIt from 'markdown-it'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { documents } from '../../scripts/docs.ts'
import { root } from './links.ts'

/** What is not written, with what to write instead. */
const phrases: readonly (readonly [phrase: RegExp, instead: string])[] = [
  [/\banew\b/i, 'again'],
  [/\bmend(s|ed|ing)?\b/i, 'fix'],
  [/\bso many\b/i, 'a number, or "this many"'],
  [/\bwhom\b/i, 'who, or another sentence'],
  [/\bwhatever\b/i, 'regardless of, or name it'],
  [/\bhears? of\b/i, 'receives'],
  [/\b(make|makes|made|making) room\b/i, 'free space'],
  [/\b(left|leave|leaves) alone\b/i, 'waits, or does not change'],
  [/\b(go|goes|went|going) out\b/i, 'is sent'],
  [/\bbecomes? of\b/i, 'the result, or the outcome'],
  [/\ba (line|request|row) each\b/i, 'one per line'],
  [/\ba request a line\b/i, 'one request per line'],
  [/\bwithout a word\b/i, 'without'],
  [/\btoo many\b(?= *$)/i, 'an extra one'],
  [/(?<!\bthere) is no (?!longer\b|more than\b)/i, 'is not a'],
  [/\bin the way\b/i, 'limited by'],
  [/\bin truth\b/i, 'name what was measured'],
]

/** Not written in documents and messages. In comments of the sources it is a usual word. */
const none: (typeof phrases)[number] = [/\bnone\b/i, 'no …, not any, or an empty one']

/** The phrases in a text, with their neighbours, and what to write instead. */
const phrasesIn = (text: string, unwanted = [...phrases, none]): string[] =>
  unwanted.flatMap(([phrase, instead]) => {
    const found = phrase.exec(text)
    return found ? [`"…${text.slice(Math.max(0, found.index - 30), found.index + 30)}…": write ${instead}`] : []
  })

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const filesIn = (folder: string, ending: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`)

/** The prose of a Markdown text, without code. */
const proseOf = (text: string): string =>
  new MarkdownIt({ html: true })
    .parse(text, {})
    .flatMap((token) => (token.type === 'inline' ? (token.children ?? []) : []))
    .map(({ type, content }) => (type === 'text' ? content : ' '))
    .join('')

/** A text without what is code in it. */
const withoutCode = (text: string) => text.replaceAll(/`[^`]*`/g, '')

/** The descriptions in a structure of YAML or JSON. */
function descriptionsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, part]) =>
    name === 'description' && typeof part === 'string' ? [part] : descriptionsIn(part),
  )
}

/** The texts in a source file that people can read: literals with more than one word. */
function messagesIn(path: string): string[] {
  const messages: string[] = []
  const visit = (node: ts.Node) => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      messages.push(node.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest))
  return messages.filter((message) => message.includes(' '))
}

const commentsIn = (text: string, mark: '//' | '#'): string =>
  [...text.matchAll(mark === '#' ? /(?:^|\s)#(.*)$/gm : /\/\/(.*)$|^\s*\/?\*+(.*)$/gm)]
    .map((match) => match.slice(1).join(''))
    .join('\n')

const pages = [...documents, 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'].filter(
  (path) => path.endsWith('.md') && existsSync(join(root, path)),
)

describe('plain English in', () => {
  test.each(pages)('%s', (path) => {
    expect(phrasesIn(withoutCode(proseOf(read(path))))).toEqual([])
  })

  test.each(['action.yml', ...filesIn('schemas', '.json')])('the descriptions of %s', (path) => {
    const descriptions = descriptionsIn(path.endsWith('.json') ? JSON.parse(read(path)) : parse(read(path)))
    expect(descriptions.flatMap((text) => phrasesIn(withoutCode(text)))).toEqual([])
    expect(descriptions).not.toEqual([])
  })

  test.each([...filesIn('examples', '.yml'), ...filesIn('.github', '.yml')])('the comments of %s', (path) => {
    const descriptions = descriptionsIn(parse(read(path))).join('\n')
    expect(phrasesIn(withoutCode(`${commentsIn(read(path), '#')}\n${descriptions}`))).toEqual([])
  })

  test.each(filesIn('src', '.ts'))('the messages and comments of %s', (path) => {
    const found = messagesIn(path).flatMap((text) => phrasesIn(withoutCode(text)))
    expect([...found, ...phrasesIn(withoutCode(commentsIn(read(path), '//')), [...phrases])]).toEqual([])
  })
})

test('a phrase is found in prose, not in code', () => {
  expect(phrasesIn(proseOf('Run it anew.'))).toHaveLength(1)
  expect(phrasesIn(proseOf('Set `none`, as in:\n\n```sh\necho anew\n```\n'))).toEqual([])
  expect(phrasesIn('a journal is no list')).toHaveLength(1)
  expect(phrasesIn('there is no such list, and it is no longer used')).toEqual([])
})
