// Parses YAML to a value, with the places of its parts. Loaded only for payloads that are not JSON.
//
// The library parses the text. The values are built from its nodes here, because the library's own conversion is quadratic
// in the number of keys and aliases, and overflows the stack on deep nesting.

import { Composer, type Document, isAlias, isCollection, isMap, isScalar, Lexer, Parser } from 'yaml'
import type { Diagnostic, Path } from '../failure.ts'
import { inexact, maxDepth, tooDeep } from './json.ts'
import { findPlace, type Inside, type Place, positionsOf } from './places.ts'
import type { Source } from './source.ts'

/** The longest YAML payload, in UTF-16 code units. The library takes seconds for each million. */
export const maxYamlLength = 1 << 20
/** The largest number of values that a payload's aliases may expand to. */
const maxAliased = 100_000

// Replaces the library's own messages, which quote the text, because the text may contain secrets.
const messages: Record<string, string> = {
  ALIAS_PROPS: 'an alias cannot have a tag or an anchor',
  BAD_ALIAS: 'an alias or an anchor here has no name',
  BAD_DIRECTIVE: 'a line that starts with % is a directive, and this one is unknown; put the text in quotes',
  BAD_DQ_ESCAPE: 'this escape is not valid in YAML',
  BAD_INDENT: 'the indentation does not fit the lines above, or a closing bracket is missing',
  BAD_SCALAR_START: 'a plain text cannot start with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a nested mapping must start on a new line; if this is text, put it in quotes',
  BLOCK_IN_FLOW: 'a block is not allowed within braces or brackets',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters; is a quote missing?',
  MISSING_CHAR: 'a colon, a comma, a closing quote or a closing bracket is missing',
  MULTILINE_IMPLICIT_KEY: 'a key must be on one line; is a colon or a quote missing?',
  MULTIPLE_DOCS: 'a second document starts here; a payload is one document',
  NON_STRING_KEY: 'a key must be text',
  RESOURCE_EXHAUSTION: tooDeep,
  TAB_AS_INDENT: 'indent with spaces, not with tabs',
  TAG_RESOLVE_FAILED: 'tags such as !env or !!binary are not supported; for a reference write { $env: NAME }',
}

/** A reason to refuse the text, with its offset. */
class YamlRefusal extends Error {
  readonly offset: number

  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

/**
 * Parses a YAML payload.
 *
 * @returns errors instead of a value if the text is not valid YAML; never throws
 */
export function parseYaml(text: string): Source {
  const position = positionsOf(text)
  try {
    const { value, place, errors, warnings } = build(compose(text))
    const placed = ({ offset, ...problem }: Diagnostic & { offset: number }) => ({
      ...problem,
      position: position(offset),
    })
    return {
      value: errors.length > 0 ? undefined : value,
      errors: errors.map(placed),
      warnings: warnings.map(placed),
      locate: (path, at) => {
        const offset = findPlace(place, path, at)
        return offset === undefined ? undefined : position(offset)
      },
    }
  } catch (error) {
    const { message, offset } = error instanceof YamlRefusal ? error : { message: 'is not valid YAML', offset: 0 }
    const errors = [{ path: [], message, position: position(Math.min(offset, text.length)) }]
    return { value: undefined, errors, warnings: [], locate: () => undefined }
  }
}

/** @throws {YamlRefusal} if the text is not valid YAML */
function compose(text: string): Document.Parsed {
  if (text.length > maxYamlLength)
    throw new YamlRefusal('is too large for YAML, which is limited to 1 MiB: write it as JSON', 0)
  const parser = new Parser()
  function* tokens() {
    for (const lexeme of new Lexer().lex(text)) {
      yield* parser.next(lexeme)
      // The stack also has the document and the innermost value.
      if (parser.stack.length > maxDepth + 2) throw new YamlRefusal(tooDeep, parser.offset)
    }
    yield* parser.end()
  }
  const options = { stringKeys: true, uniqueKeys: false, schema: 'core', resolveKnownTags: false } as const
  const { stackTraceLimit } = Error
  // A text that is not YAML can have an error for each of its characters; stack traces for all of them take too long.
  Error.stackTraceLimit = 0
  try {
    const [document, second] = new Composer(options).compose(tokens(), true, text.length)
    const { errors, warnings, contents } = document as Document.Parsed
    const [problem] = [...errors, ...warnings]
    if (problem) {
      const { code, pos } = problem
      const message = `is not valid YAML: ${messages[code] ?? 'unexpected here'}`
      throw new YamlRefusal(code === 'RESOURCE_EXHAUSTION' ? tooDeep : message, pos[0])
    }
    if (second) throw new YamlRefusal(`is not valid YAML: ${messages.MULTIPLE_DOCS}`, second.range[0])
    if (contents === null) throw new YamlRefusal('is empty', 0)
    return document as Document.Parsed
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** A node as a value. */
interface Built {
  readonly value: unknown
  readonly place: Place
  /** The number of values, including itself, and the number of levels. */
  readonly size: number
  readonly depth: number
}

/** @throws {YamlRefusal} if aliases are circular or expand to too many values */
function build({ contents }: Document.Parsed) {
  const errors: (Diagnostic & { offset: number })[] = []
  const warnings: (Diagnostic & { offset: number })[] = []
  /** The value of each anchor; undefined while that value is being read. */
  const anchors = new Map<string, Built | undefined>()
  let aliased = 0

  function read(node: unknown, path: Path): Built {
    if (isAlias(node)) return readAlias(node.source, offsetOf(node), path)
    const { anchor } = node as { anchor?: string }
    if (anchor) anchors.set(anchor, undefined)
    const built = isCollection(node) ? readCollection(node, path) : readScalar(node, path)
    if (anchor) anchors.set(anchor, built)
    return built
  }

  function readAlias(name: string, at: number, path: Path): Built {
    const target = anchors.get(name)
    if (!target) {
      const isInside = anchors.has(name)
      throw new YamlRefusal(
        `is not valid YAML: ${isInside ? 'an alias is inside its own anchor' : 'an alias has no anchor before it'}`,
        at,
      )
    }
    aliased += target.size
    if (aliased > maxAliased) throw new YamlRefusal('has aliases that expand to too many values', at)
    if (path.length + target.depth > maxDepth) throw new YamlRefusal(tooDeep, at)
    return { ...target, place: typeof target.place === 'number' ? at : { at, inside: target.place.inside } }
  }

  function readScalar(node: unknown, path: Path): Built {
    const offset = offsetOf(node)
    const { value, source } = isScalar(node) ? node : { value: null, source: undefined }
    const message = typeof value === 'number' && source ? inexact(source) : undefined
    if (message) warnings.push({ path, message, offset })
    return { value, place: offset, size: 1, depth: 0 }
  }

  function readCollection(node: { items: unknown[] }, path: Path): Built {
    if (path.length >= maxDepth) throw new YamlRefusal(tooDeep, offsetOf(node))
    let size = 1
    let depth = 0
    const take = (entry: unknown, part: string | number) => {
      const built = read(entry, [...path, part])
      size += built.size
      depth = Math.max(depth, built.depth)
      return built
    }
    let value: unknown
    let inside: Inside
    if (isMap(node)) {
      const fields = new Map<string, Built & { key: number }>()
      for (const pair of node.items) {
        const { key, value } = pair
        if (!isScalar(key))
          throw new YamlRefusal(`is not valid YAML: ${messages.NON_STRING_KEY}`, offsetOf(key ?? node))
        const name = String(key.value)
        const [at, place] = [offsetOf(key), [...path, name]]
        if (name === '<<' && key.type === 'PLAIN') {
          errors.push({
            path: place,
            message: 'is a merge key, which is not supported; write the fields out',
            offset: at,
          })
        }
        if (fields.has(name)) {
          errors.push({ path: place, message: 'occurs twice; remove one of the two', at: 'key', offset: at })
        }
        if (key.anchor) anchors.set(key.anchor, { value: name, place: at, size: 1, depth: 0 })
        fields.set(name, { ...take(value ?? { range: key.range }, name), key: at })
      }
      value = Object.fromEntries([...fields].map(([name, field]) => [name, field.value]))
      inside = new Map([...fields].map(([name, { key, place }]) => [name, { key, value: place }]))
    } else {
      const entries = node.items.map((entry, index) => take(entry, index))
      value = entries.map((entry) => entry.value)
      inside = entries.map(({ place }) => place)
    }
    return { value, place: { at: offsetOf(node), inside }, size, depth: depth + 1 }
  }

  return { ...read(contents, []), errors, warnings }
}

const offsetOf = (node: unknown): number => (node as { range?: readonly number[] | null }).range?.[0] ?? 0
