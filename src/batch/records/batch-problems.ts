// The problems of a batch file, each with its line.

import { type Diagnostic, Failure } from '../../failure.ts'
import { formatCount } from '../../format.ts'
import type { Source } from '../../payload/source.ts'

/** The check stops after this many errors, and keeps this many warnings. */
const maxDiagnostics = 1000

export class BatchProblems {
  readonly #path: string
  readonly #errors: Diagnostic[] = []
  readonly #warnings: Diagnostic[] = []

  /** @param path  of the batch file, as the step gives it */
  constructor(path: string) {
    this.#path = path
  }

  /** Whether the check stops because of the number of errors. */
  get isFull(): boolean {
    return this.#errors.length >= maxDiagnostics
  }

  get warnings(): readonly Diagnostic[] {
    return this.#warnings
  }

  /** Adds an error about a line, or about the file if it has no line. */
  addError(message: string, line?: number): void {
    const position = line === undefined ? undefined : { line, column: 1 }
    if (!this.isFull) this.#errors.push({ message, file: this.#path, ...(position && { position }) })
  }

  addWarning(warning: Diagnostic): void {
    if (this.#warnings.length < maxDiagnostics) this.#warnings.push(warning)
  }

  /** Adds the problems of a record, which get the columns of their fields. */
  addRecord(
    line: number,
    source: Source,
    problems: { errors: readonly Diagnostic[]; warnings: readonly Diagnostic[] },
  ) {
    const add = (all: Diagnostic[], found: readonly Diagnostic[]) => {
      // One record may have more errors than a batch keeps.
      for (const problem of found.slice(0, maxDiagnostics - all.length)) {
        all.push(locateProblem(problem, source, { file: this.#path, line }))
      }
    }
    add(this.#errors, source.errors.map(aboutRecord))
    add(this.#errors, problems.errors)
    add(this.#warnings, source.warnings.map(aboutRecord))
    add(this.#warnings, problems.warnings)
  }

  /**
   * @param failsOnWarning  whether a warning is an error
   * @param otherWarnings   those about other files of the step
   * @throws {Failure} if there are errors
   */
  refuse(failsOnWarning: boolean, otherWarnings: readonly Diagnostic[] = []): void {
    const diagnostics = failsOnWarning ? [...this.#errors, ...otherWarnings, ...this.#warnings] : this.#errors
    if (diagnostics.length === 0) return
    const errors = diagnostics.length >= maxDiagnostics ? `${formatCount(maxDiagnostics)} errors or more` : 'errors'
    throw new Failure('invalid_payload', `The batch file contains ${errors}, and nothing was sent`, { diagnostics })
  }
}

/** A syntax problem as a sentence about the record. */
const aboutRecord = (problem: Diagnostic): Diagnostic =>
  (problem.path ?? []).length === 0 ? { ...problem, message: `the record ${problem.message}` } : problem

/** Adds the file, the line and the column to a problem: those of its field, or of the nearest parent that is there. */
function locateProblem(
  { path = [], message, at, position }: Diagnostic,
  { locate }: Source,
  { file, line }: { readonly file: string; readonly line: number },
): Diagnostic {
  let column = position?.column
  for (let length = path.length; column === undefined && length >= 0; length--) {
    column = locate(path.slice(0, length), length === path.length && at ? at : 'value')?.column
  }
  return { path, message, file, position: { line, column: column ?? 1 } }
}
