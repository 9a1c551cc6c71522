// YAML text to a value, with the place of everything in it. Loaded for payloads that are no JSON.

import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
} from 'yaml'
import { inexact, maxDepth, tooDeep } from './json.ts'
import type { Path, Position, Problem } from './problem.ts'
import type { Source } from './source.ts'

// The library's own messages quote the text, which may hold secrets.
const messages: Record<string, string> = {
  BAD_ALIAS: 'an alias here has no anchor before it',
  BAD_DQ_ESCAPE: 'this escape is not YAML',
  BAD_INDENT: 'the indentation does not fit the lines above',
  BAD_SCALAR_START: 'a plain text cannot start with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a nested mapping on the line of its key; put it on a line of its own, or quote the text',
  BLOCK_IN_FLOW: 'a block cannot stand within braces or brackets',
  DUPLICATE_KEY: 'a key stands here twice; keep one of the two',
  MISSING_CHAR: 'a closing quote, bracket or comma is missing',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line; is a colon or a quote missing?',
  MULTIPLE_DOCS: 'a second document starts here; a payload is one document',
  NON_STRING_KEY: 'a key must be text',
  TAB_AS_INDENT: 'a tab cannot indent; use spaces',
  TAG_RESOLVE_FAILED: 'tags such as !env or !!binary are not supported; for a reference write { $env: NAME }',
}

/** Parses a payload. What the text is refused for comes back as problems; it never throws. */
export function parseYaml(text: string): Source {
  const lines = new LineCounter()
  const refusal = (message: string, position?: Position): Source => ({
    value: undefined,
    errors: [{ path: [], message, ...(position && { position }) }],
    warnings: [],
    locate: () => undefined,
  })
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }

  let document: Document.Parsed
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      stringKeys: true,
      logLevel: 'error',
      resolveKnownTags: false,
    })
  } catch {
    return refusal(`is not valid YAML, or ${tooDeep}`)
  }
  const [syntax] = [...document.errors, ...document.warnings]
  if (syntax?.code === 'RESOURCE_EXHAUSTION') return refusal(tooDeep)
  if (syntax)
    return refusal(`is not valid YAML: ${messages[syntax.code] ?? 'unexpected here'}`, position(syntax.pos[0]))

  try {
    const depth = deepest(document)
    if (depth > maxDepth) return refusal(tooDeep)
    return {
      value: document.toJS({ maxAliasCount: 100 }),
      errors: [],
      warnings: inexactNumbers(document, position),
      locate: (path, at) => {
        const offset = find(document, path, at)
        return offset === undefined ? undefined : position(offset)
      },
    }
  } catch {
    return refusal('uses aliases in a way that has no end')
  }
}

/** How deep the document nests. Without recursion, so that any depth can be measured. */
function deepest({ contents }: Document.Parsed): number {
  let level: unknown[] = [contents]
  let depth = 0
  while (level.length > 0 && depth <= maxDepth) {
    level = level.flatMap((node) => {
      if (isMap(node)) return node.items.map(({ value }) => value)
      return isSeq(node) ? node.items : []
    })
    depth++
  }
  return depth - 1
}

function inexactNumbers(document: Document.Parsed, position: (offset: number) => Position): Problem[] {
  const problems: Problem[] = []
  visit(document, {
    Scalar(_, { value, source, range }, ancestors) {
      const message = typeof value === 'number' && source ? inexact(source) : undefined
      if (!message) return
      const path: string[] = ancestors.flatMap((node) =>
        isPair(node) && isScalar(node.key) ? [String(node.key.value)] : [],
      )
      problems.push({ path, message, ...(range && { position: position(range[0]) }) })
    },
  })
  return problems
}

/** The offset of a path's value or key. */
function find(document: Document.Parsed, path: Path, at: 'key' | 'value'): number | undefined {
  let node: unknown = document.contents
  let pair: Pair | undefined
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part)
      node = pair?.value
    } else if (isSeq(node) && typeof part === 'number') {
      pair = undefined
      node = node.items[part]
    } else return undefined
    if (node === undefined) return undefined
  }
  return offsetOf(at === 'key' && pair ? pair.key : node) ?? offsetOf(pair?.key)
}

const offsetOf = (node: unknown): number | undefined =>
  (node as { range?: readonly number[] | null } | null | undefined)?.range?.[0]
