// What a step prints: lines, warnings and errors. Nothing printed here can start a workflow command, forge a line or
// show a secret.

import { type Diagnostic, formatPath } from '../failure.ts'
import type { AnnotationProperties, Runner } from '../runtime.ts'
import type { Secrets } from '../secrets.ts'

/** GitHub shows ten annotations of each kind for a step. */
const maxAnnotations = 10

export interface Log {
  /** Prints one line. */
  readonly info: (line: string) => void
  /** Prints one line that is shown if debug logging is on. */
  readonly debug: (line: string) => void
  readonly warn: (diagnostics: readonly Diagnostic[], title: string) => void
  /** Writes one annotation for each, ten at most with a count of the rest. */
  readonly fail: (diagnostics: readonly Diagnostic[], title: string) => void
}

export function openLog(
  runner: Pick<Runner, 'info' | 'debug' | 'error' | 'warning'>,
  secrets: Pick<Secrets, 'scrub'>,
): Log {
  const safe = (text: string) => oneLine(secrets.scrub(text))
  const annotate = (command: Runner['error']) => (diagnostics: readonly Diagnostic[], title: string) => {
    const shown = diagnostics.length > maxAnnotations ? diagnostics.slice(0, maxAnnotations - 1) : diagnostics
    for (const diagnostic of shown) command(safe(describeDiagnostic(diagnostic)), propertiesOf(diagnostic, title))
    if (shown.length < diagnostics.length) command(`and ${diagnostics.length - shown.length} more`, { title })
  }
  return {
    info: (line) => runner.info(safe(line)),
    debug: (line) => runner.debug(safe(line)),
    warn: annotate(runner.warning),
    fail: annotate(runner.error),
  }
}

/** A diagnostic as a sentence that says where the problem is. */
export function describeDiagnostic({ message, path = [], position, file }: Diagnostic): string {
  const subject = path.length > 0 ? `${formatPath(path)} ` : ''
  if (!position) return `${subject}${message}`
  const place = `line ${position.line}, column ${position.column}`
  return `${subject}${message} (${file ? `${file}, ` : ''}${place})`
}

const propertiesOf = ({ file, position }: Diagnostic, title: string): AnnotationProperties => ({
  title: oneLine(title),
  ...(file && { file: oneLine(file) }),
  ...(position && { startLine: position.line, startColumn: position.column }),
})

/**
 * Text on one line, without anything that a terminal or the runner acts on: `::name::` is a command at the start of a
 * line, `##[name]` anywhere.
 * See https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
export const oneLine = (text: string): string =>
  text
    .replace(/\s*\r?\n\s*/g, ' · ')
    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, ' ')
    .replaceAll('##[', '## [')
    .replace(/^\s*::/, ': :')
