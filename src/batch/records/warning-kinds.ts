// The warnings of a batch by kind, because a mistake in an export is in thousands of lines.

import { type Diagnostic, formatPath } from '../../failure.ts'
import { countOf, formatCount } from '../../format.ts'

export interface WarningKind {
  /** The first warning of the kind. */
  readonly example: string
  readonly count: number
  /** The first lines of the batch file with it. */
  readonly lines: readonly number[]
}

const maxKinds = 100
const maxLines = 3

/** What differs between warnings of one kind: quoted texts, times and numbers. */
const variableParts = /"(?:[^"\\]|\\.)*"|\d{4}-\d\d-\d\dT[\d:.]+Z|\d+(?:\.\d+)?/g

/** Counts warnings by what they say. */
export class WarningKinds {
  readonly #kinds = new Map<string, { example: string; count: number; lines: number[] }>()
  #others = 0

  /** Whether a warning of the same kind was added. */
  has(warning: Diagnostic): boolean {
    return this.#kinds.has(kindKey(textOfWarning(warning)))
  }

  /** @param line  of the batch file */
  add(warning: Diagnostic, line: number): void {
    const text = textOfWarning(warning)
    const key = kindKey(text)
    const kind = this.#kinds.get(key)
    if (kind) {
      kind.count++
      if (kind.lines.length < maxLines && kind.lines.at(-1) !== line) kind.lines.push(line)
    } else if (this.#kinds.size < maxKinds) this.#kinds.set(key, { example: text, count: 1, lines: [line] })
    else this.#others++
  }

  /** The kinds, the most frequent first. Warnings of further kinds than can be kept come last, as one. */
  list(): WarningKind[] {
    const kinds: WarningKind[] = [...this.#kinds.values()].sort((one, other) => other.count - one.count)
    return this.#others === 0 ? kinds : [...kinds, { example: 'other warnings', count: this.#others, lines: [] }]
  }
}

/** A diagnostic for each kind of warning about records that were sent. @param file  the batch file */
export const warningDiagnostics = (warnings: WarningKinds, file: string): Diagnostic[] =>
  warnings.list().map((kind) => {
    const message = `${recordsWith(kind)}: ${kind.example}`
    const [line] = kind.lines
    return line === undefined ? { message, file } : { message, file, position: { line, column: 1 } }
  })

/** Which records have a kind of warning: those of further kinds have no lines. */
function recordsWith({ count, lines }: WarningKind): string {
  const records = countOf(count, 'record')
  if (lines.length === 0) return records
  const places = `${lines.map(formatCount).join(', ')}${count > lines.length ? ' …' : ''}`
  return count === 1 ? `line ${places}` : `${records} (lines ${places})`
}

const textOfWarning = ({ message, path = [] }: Diagnostic) =>
  path.length === 0 ? message : `${formatPath(path)} ${message}`

const kindKey = (text: string) => text.replace(variableParts, '…')
