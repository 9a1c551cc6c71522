// Mutants that no test can notice, because the changed code does the same. equivalent.yml lists them, each with its reason.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { schema } from '@stryker-mutator/api/core'
import { parse } from 'yaml'

/** A change of the code, as a reader of equivalent.yml finds it. */
export interface Change {
  /** The code before the change, shortened by `brief`. */
  readonly code: string
  /** The code after it, shortened too. */
  readonly to: string
}

/** An entry of equivalent.yml. */
export interface Mark {
  readonly code: string
  /** One change of the code, or several with the same reason. */
  readonly to: string | readonly string[]
  /** The line on which the code begins, shortened: for code that is in its file several times. */
  readonly line?: string
  readonly reason: string
}

/** The entries of equivalent.yml by the path of the file. */
export type Marks = Readonly<Record<string, readonly Mark[]>>

export interface Survivor extends Change {
  readonly file: string
  /** From 1. */
  readonly lineNumber: number
  readonly line: string
}

export interface Comparison {
  /** Survivors without a mark. */
  readonly unmarked: readonly Survivor[]
  /** Changes that are marked and did not survive, or do not exist any more. */
  readonly outdated: readonly (Change & { readonly file: string })[]
  readonly marked: number
}

const maxChars = 100

/** Text on one line, of at most 100 characters. */
export function brief(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > maxChars ? `${line.slice(0, maxChars - 1)}…` : line
}

/** Reads equivalent.yml. */
export const readMarks = (): Marks =>
  (parse(readFileSync(join(import.meta.dirname, 'equivalent.yml'), 'utf8')) as Marks | null) ?? {}

/** The mutants of a report that no test has noticed. */
export function survivorsOf({ files }: Pick<schema.MutationTestResult, 'files'>): Survivor[] {
  return Object.entries(files).flatMap(([file, { source, mutants }]) => {
    const lines = source.split('\n')
    return mutants
      .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
      .map(({ location, replacement = '' }) => ({
        file,
        lineNumber: location.start.line,
        line: brief(lines[location.start.line - 1] ?? ''),
        code: brief(textAt(lines, location)),
        to: brief(replacement),
      }))
  })
}

/** Compares the survivors of a report with the marks of the files that were tested. */
export function compareWithMarks(report: Pick<schema.MutationTestResult, 'files'>, marks: Marks): Comparison {
  const survivors = survivorsOf(report)
  const fits = (survivor: Survivor, { code, to, line }: Mark) =>
    survivor.code === code && [to].flat().includes(survivor.to) && (line === undefined || survivor.line === line)
  const unmarked = survivors.filter((survivor) => !marks[survivor.file]?.some((mark) => fits(survivor, mark)))
  const outdated = Object.entries(marks)
    .filter(([file]) => report.files[file])
    .flatMap(([file, entries]) =>
      entries.flatMap((mark) =>
        [mark.to]
          .flat()
          .filter((to) => !survivors.some((survivor) => survivor.file === file && fits(survivor, { ...mark, to })))
          .map((to) => ({ file, code: mark.code, to })),
      ),
    )
  return { unmarked, outdated, marked: survivors.length - unmarked.length }
}

function textAt(lines: readonly string[], { start, end }: schema.Location): string {
  const covered = lines.slice(start.line - 1, end.line)
  const last = covered.length - 1
  return covered
    .map((line, index) => line.slice(index === 0 ? start.column - 1 : 0, index === last ? end.column - 1 : undefined))
    .join('\n')
}
